import type { BulkOptions, Cache, DeepReadonly, GetOrSetOptions, Key, LoadingCache, LoadingCacheOptions } from './public.js'

/** A cache that owns its loader. */
export function loadingCache<V, K extends Key>(
  cache: Cache<V>,
  { load, loadMany }: Pick<LoadingCacheOptions<V, K>, 'load' | 'loadMany'>,
): LoadingCache<V, K> {
  const get = (key: K, options?: GetOrSetOptions): Promise<DeepReadonly<V>> => cache.getOrSet(key, load, options)
  return {
    name: cache.name,
    cache,
    get,
    getMany: (keys, options?: BulkOptions) =>
      loadMany === undefined ? everyOne(keys.map((key) => get(key, options))) : cache.getOrSetMany(keys, loadMany, options),
    warm: (keys, options) => (loadMany === undefined ? cache.warm(keys, load, options) : cache.warmMany(keys, loadMany, options)),
    fetch: (key, options?: GetOrSetOptions) => cache.fetch(key, load, options),
    refresh: (key, options) => cache.getOrSet(key, load, { ...options, fresh: true }),
    peek: (key) => cache.peek(key),
    set: (key, value, options) => cache.set(key, value, options),
    invalidate: (key, options) => cache.invalidate(key, options),
    deleteMany: (keys, options) => cache.deleteMany(keys, options),
    markStale: (key, options) => cache.markStale(key, options),
    update: (key, commit, options) => cache.update(key, commit, options),
    invalidateTags: (tags, options) => cache.invalidateTags(tags, options),
    invalidatePattern: (pattern, options) => cache.invalidatePattern(pattern, options),
    clear: (options) => cache.clear(options),
    stats: () => cache.stats(),
  }
}

/** All values once every one is there or has failed: a caller who hears of an error has nothing left under way. */
async function everyOne<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
