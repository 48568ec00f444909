import type { Cache, GetOrSetOptions, Key, Loader, LoadingCache } from './public.js'

/** A cache that owns its loader. */
export function loadingCache<V, K extends Key>(cache: Cache<V>, load: Loader<V, K>): LoadingCache<V, K> {
  return {
    name: cache.name,
    cache,
    get: (key, options?: GetOrSetOptions) => cache.getOrSet(key, load, options),
    fetch: (key, options?: GetOrSetOptions) => cache.fetch(key, load, options),
    refresh: (key, options) => cache.getOrSet(key, load, { ...options, fresh: true }),
    peek: (key) => cache.peek(key),
    set: (key, value, options) => cache.set(key, value, options),
    invalidate: (key, options) => cache.invalidate(key, options),
    markStale: (key, options) => cache.markStale(key, options),
    update: (key, commit, options) => cache.update(key, commit, options),
    invalidateTags: (tags, options) => cache.invalidateTags(tags, options),
    clear: (options) => cache.clear(options),
    stats: () => cache.stats(),
  }
}
