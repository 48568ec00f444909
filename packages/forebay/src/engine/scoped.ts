import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type {
  BulkLoader,
  BulkOptions,
  Cache,
  Commit,
  ExtendOptions,
  GetOrSetOptions,
  InvalidateOptions,
  Key,
  KeyPart,
  Loader,
  ReadOptions,
  ScopedCache,
  SetOptions,
} from './public.js'

/**
 * A cache seen through one scope: each key becomes the structure `[scope, key]`, whose canonical form no other scope or key has. So one
 * user's data cannot stand under another's key, whatever the keys are made of.
 */
export function scopedCache<V>(cache: Cache<V>, scope: unknown): ScopedCache<V> {
  const checked = checkScope(scope)
  const within = (key: Key): Key => [checked, key] as readonly KeyPart[]
  /** A loader sees the key that its caller has used. */
  const own = <L, K extends Key>(key: K, load: Loader<L, K>): Loader<L> => {
    return (context) => load({ ...context, key })
  }
  /** A bulk loader sees and answers the keys that its caller has used. */
  const ownMany = <L, K extends Key>(load: BulkLoader<L, K>): BulkLoader<L> => {
    return async (context) => {
      const keys = context.keys.map((key) => (key as unknown as readonly [KeyPart, K])[1])
      return Array.from(await load({ ...context, keys }), ([key, value]) => [within(key), value] as const)
    }
  }
  return {
    scope: checked,
    getOrSet: (key, load, options?: GetOrSetOptions) => cache.getOrSet(within(key), own(key, load), options),
    fetch: (key, load, options?: GetOrSetOptions) => cache.fetch(within(key), own(key, load), options),
    get: (key, options?: ReadOptions) => cache.get(within(key), options),
    read: (key, options?: ReadOptions) => cache.read(within(key), options),
    getMany: (keys, options?: ReadOptions) => cache.getMany(keys.map(within), options),
    readMany: (keys, options?: ReadOptions) => cache.readMany(keys.map(within), options),
    getOrSetMany: (keys, load, options?: BulkOptions) => cache.getOrSetMany(keys.map(within), ownMany(load), options),
    setMany: (entries, options?: SetOptions) =>
      cache.setMany(
        Array.from(entries, ([key, value, own]) => [within(key), value, own]),
        options,
      ),
    peek: (key) => cache.peek(within(key)),
    extend: (key, options?: ExtendOptions) => cache.extend(within(key), options),
    explain: (key) => cache.explain(within(key)),
    set: (key, value, options?: SetOptions) => cache.set(within(key), value, options),
    invalidate: (key, options?: InvalidateOptions) => cache.invalidate(within(key), options),
    delete: (key, options?: InvalidateOptions) => cache.delete(within(key), options),
    markStale: (key, options?: InvalidateOptions) => cache.markStale(within(key), options),
    deleteMany: (keys, options?: InvalidateOptions) => cache.deleteMany(keys.map(within), options),
    update: (key, commit: Commit<V>, options?: SetOptions) => cache.update(within(key), (context) => commit({ ...context, key }), options),
  }
}

/** An id that is missing must not make a scope that all who lack one share. */
function checkScope(scope: unknown): KeyPart {
  const empty = scope === undefined || scope === null || scope === '' || Number.isNaN(scope)
  if (empty || isEmptyStructure(scope)) {
    throw new ForebayError('E_KEY', `the scope is ${show(scope)}; a scope names somebody: an id, or a structure without empty parts`)
  }
  return scope as KeyPart
}

function isEmptyStructure(scope: unknown): boolean {
  if (typeof scope !== 'object' || scope === null) return false
  const parts: readonly unknown[] = Object.values(scope)
  return parts.length === 0 || parts.some((part) => part === undefined || part === null || part === '')
}
