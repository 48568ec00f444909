import type { ValuesMode } from '../core/kept-value.js'
import type { EvictionPolicy } from '../core/near-store.js'
import type { Pattern } from '../core/pattern.js'
import type { CompressionCodec } from '../core/packing.js'
import type { Schema } from '../core/schema.js'
import type { Strategy } from '../core/strategy.js'
import type { Health } from '../core/health.js'
import type { ForebayEvent, EventOf, EventType, StaleReason, Tier } from '../core/events.js'
import type { CacheStats, Explanation, ForebayStats, HotKey } from './reports.js'

/** A span of time: milliseconds, or a number with its unit. Finite and greater than 0. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** What a key is made of: strings, finite numbers, booleans, null, and arrays or plain objects of these (order of properties is ignored). */
export type Key = string | number | KeyStructure
export type KeyStructure = readonly KeyPart[] | { readonly [name: string]: KeyPart | undefined }
export type KeyPart = string | number | boolean | null | KeyStructure

/** A value as it comes back from a cache: shared with other callers, therefore frozen. What cannot be frozen is a copy, and stays as it is. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends Unfrozen
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
      : T extends ReadonlySet<infer E>
        ? ReadonlySet<DeepReadonly<E>>
        : { readonly [P in keyof T]: DeepReadonly<T[P]> }

type Primitive = string | number | boolean | bigint | symbol | null | undefined
type Unfrozen = Primitive | ((...args: never[]) => unknown) | Date | RegExp | Error | ArrayBuffer | ArrayBufferView

/** What a loader is told. */
export interface LoadContext<K extends Key = Key> {
  readonly key: K
  /** Aborts when nobody waits any longer, or at the hard timeout. */
  readonly signal: AbortSignal
  /** The old value, where one is still known. */
  readonly previous: unknown
  /** What the load that brought `previous` gave to `entry()` as its validator: an ETag, say. */
  readonly validator: string | undefined
}

/** Fetches a value from the origin: a plain value, one wrapped by `entry()` or `doNotStore()`, or `notModified()`. */
export type Loader<V, K extends Key = Key> = (context: LoadContext<K>) => Loaded<V> | PromiseLike<Loaded<V>>
export type Loaded<V> = V | LoadedEntry<V> | NotStored<V> | NotModified

/** A loader's value with its own lifetime or tags. Made by `entry()`. */
export interface LoadedEntry<V> {
  readonly kind: typeof entryMark
  readonly value: V
  readonly options: LoadedOptions
}
/** A loader's word that `previous` is still what the origin has. Made by `notModified()`. */
export interface NotModified {
  readonly kind: typeof notModifiedMark
  readonly options: LoadedOptions | undefined
}
/** A loader's value for the present callers only. Made by `doNotStore()`. */
export interface NotStored<V> {
  readonly kind: typeof notStoredMark
  readonly value: V
}
export const entryMark: unique symbol = Symbol('forebay.entry')
export const notStoredMark: unique symbol = Symbol('forebay.notStored')
export const notModifiedMark: unique symbol = Symbol('forebay.notModified')

export interface EntryOptions {
  readonly ttl?: Duration | undefined
  readonly staleWhileRevalidate?: Duration | undefined
  readonly staleIfError?: Duration | undefined
  readonly tags?: readonly string[] | undefined
  /** Version of the value at its origin (a row's counter, say): a lower one never replaces a higher one. A whole number, at least 1. */
  readonly version?: number | undefined
  /** The wall time at which the value's life ends at the latest, stale windows included. Such a life is not extended. */
  readonly expiresAt?: Date | undefined
}

/** What a loader says about its value. */
export interface LoadedOptions extends EntryOptions {
  /** Names this state of the value at its origin (an ETag, say); the next load is told it. At most 1,024 bytes in UTF-8. */
  readonly validator?: string | undefined
}

/** Gives a loaded value its own lifetime or tags, in place of the cache's. */
export function entry<V>(value: V, options: LoadedOptions): LoadedEntry<V> {
  return { kind: entryMark, value, options }
}

/** Hands a value to the callers who wait for it, and keeps it nowhere. */
export function doNotStore<V>(value: V): NotStored<V> {
  return { kind: notStoredMark, value }
}

/** Keeps the previous value, with its tags and validator unless others are given, for a new life. */
export function notModified(options?: LoadedOptions): NotModified {
  return { kind: notModifiedMark, options }
}

/** What one process keeps of a cache. */
export interface MemoryOptions {
  /** Default 10,000; with `hotOnly`, 1,000. */
  readonly maxEntries?: number | undefined
  /** Keys, values and the cost of keeping them, estimated. Default 64 MiB. A value that takes more than a tenth of it is not kept. */
  readonly maxBytes?: number | undefined
  /**
   * Which entry goes when there is no room: `'s3fifo'` (default) keeps what is used again and is not flushed by a scan, `'lru'` the least
   * recently used, `'lfu'` the least often used.
   */
  readonly policy?: EvictionPolicy | undefined
  /** The longest life of a copy in this process's memory; after it Redis is read again. Default: none of its own; with `hotOnly`, 1 s. */
  readonly ttl?: Duration | undefined
  /**
   * Keeps only keys that this process reads at least `perSecond` times a second (1-1,000,000; `true`: 100), found by the sketch of
   * `hotKeys()`. A hit in memory costs more then, since it is counted. Default false.
   */
  readonly hotOnly?: boolean | { readonly perSecond: number } | undefined
}

/** Options of one cache. */
export interface CacheOptions<V = unknown> {
  /** How long a value is fresh. Required here or in the defaults of `createForebay`, unless `strategy` is `'persistent'`. */
  readonly ttl?: Duration | undefined
  /**
   * By which idea entries go, in memory and in Redis. `'lru'`: those idle longest (memory policy `lru`; each hit prolongs the life in Redis).
   * `'lfu'`: those used least often (memory policy `lfu`; the more often it is hit, the longer a life is prolonged, up to 8 times `ttl` at
   * once). Both end at the age of 24 times `ttl` unless `sliding` says otherwise. `'ttl'`: each at its fixed end. `'persistent'`: no end by time,
   * only by invalidation and eviction; without `ttl`. Default: none, which is as `'ttl'` where no other option prolongs lives.
   */
  readonly strategy?: Strategy | undefined
  /** For how long after `ttl` an old value is served while it is refreshed. Default: none. */
  readonly staleWhileRevalidate?: Duration | undefined
  /** For how long after `ttl` an old value is served when the loader fails. Default: none. */
  readonly staleIfError?: Duration | undefined
  /** `ttl` for null and undefined, in place of the cache's and the call's; `false` = they are not kept. Default: no difference. */
  readonly negativeTtl?: Duration | false | undefined
  /** Each hit prolongs freshness to `ttl` from then on, up to the age `max`. Default false. */
  readonly sliding?: boolean | { readonly max: Duration } | undefined
  /** Lives end at this time of day, stale windows included. `at`: '04:00'. `timeZone`: an IANA name, default 'UTC'. Not with `sliding`. */
  readonly expireDaily?: { readonly at: string; readonly timeZone?: string | undefined } | undefined
  /** Refreshes values that are dear to load before their freshness ends. `beta` (default 1): how eagerly. Default false. */
  readonly earlyRefresh?: boolean | { readonly beta: number } | undefined
  /** A load that takes longer is not waited for where an old value is inside a stale window; it goes on. Default: it is waited for. */
  readonly softTimeout?: Duration | undefined
  /** Past freshness a value is kept in Redis at least so long, never served, for loads that ask whether it has changed. Default: none. */
  readonly keepForRevalidation?: Duration | undefined
  /** Shortens each ttl by a random share up to this one, so that entries do not expire together. 0-0.5, default 0.05. */
  readonly jitter?: number | undefined
  /** Tags of every value, or a function of the value, not called for null and undefined. At most 64, each of at most 256 characters. */
  readonly tags?: readonly string[] | ((value: NonNullable<V>, key: Key) => readonly string[]) | undefined
  /** The largest age of a superseded memory copy, whatever happens to the links. Default 2 s, at least 100 ms. */
  readonly maxStaleness?: Duration | undefined
  /** When freshness cannot be proven and Redis is away: `reload` from the origin (default), or `serve` the copy on, marked stale. */
  readonly onOutage?: 'reload' | 'serve' | undefined
  /** A load that takes longer is given up with `E_LOAD_TIMEOUT` and its result is not stored. Default 30 s. */
  readonly hardTimeout?: Duration | undefined
  /** Bounds of the memory in this process, and who makes room there; `false` = none is kept. */
  readonly memory?: MemoryOptions | false | undefined
  /** Of the shape of the values: processes of different versions never read each other's, and an invalidation by either reaches both. */
  readonly version?: string | number | undefined
  /**
   * Asks the origin about this share (0-1) of what is served from the cache, at most `maxPerSecond` times (default 10) in this process, and counts what
   * differs: see `stats().monitor`. Each costs a run of the loader; each hit in memory costs about as much again. Default: off.
   */
  readonly monitor?: { readonly share: number; readonly maxPerSecond?: number | undefined } | false | undefined
  /**
   * `frozen` (default): all callers share one value, deeply frozen; one that holds a Map, Set, Date, Buffer or the like is copied for each.
   * `cloned`: each caller gets a copy of his own, to change as he likes. `shared`: all get the very object, unfrozen; whoever changes it
   * changes it for everyone in this process.
   */
  readonly values?: ValuesMode | undefined
  /** Whether the cache is used from the start; `cache.control` changes it. Default `{ mode: 'on', ramp: 100 }`. */
  readonly control?: CacheControl | undefined
  /** Values whose encoded form is longer are refused. Default 8 MiB. */
  readonly maxValueBytes?: number | undefined
  /**
   * How many loads of this cache run at once in this process (`max`, default 256), and how many more wait for one of them to end (`queue`,
   * default 10,000): callers first, then refreshes, then warm-ups. A caller who finds the queue full, or waits in it for longer than
   * `hardTimeout`, gets an old value where `staleIfError` allows that, else `E_OVERLOADED`.
   */
  readonly loads?: { readonly max?: number | undefined; readonly queue?: number | undefined } | undefined
  /** Compresses values in Redis from a size on, where that makes them smaller. Default `false`. Values compressed by others are always read. */
  readonly compression?: false | CompressionCodec | CompressionOptions | undefined
  /** Encrypts and authenticates values in Redis (AES-256-GCM); what is not sealed is then not read. Default `false`. */
  readonly seal?: false | SealOptions | undefined
  /** A Standard Schema (zod, valibot, arktype …). Values are checked before they are stored, and when they come from Redis. */
  readonly schema?: Schema<V> | undefined
  /** Makes a value of today's shape of one from Redis that the schema does not take; `undefined` = it cannot, and it is a miss. */
  readonly migrate?: ((old: unknown) => unknown) | undefined
}

export interface CompressionOptions {
  /** `zstd` only where every process of the fleet runs Node 22.15, 23.8 or newer. */
  readonly codec: CompressionCodec
  /** Values whose encoded form is shorter, in bytes, are left as they are. Default 16,384. */
  readonly threshold?: number | undefined
  /** 1-9 for gzip, 0-11 for brotli, 1-22 for zstd. Default 1, the fastest that compresses well. */
  readonly level?: number | undefined
}

export interface SealOptions {
  /** Keys by their names, each of 32 bytes: a Buffer, or text in base64. All of them open values. A name is 1-32 letters, digits, `_`, `-`, `.`. */
  readonly keys: { readonly [name: string]: Uint8Array | string | undefined }
  /** Name of the key that new values are sealed with. */
  readonly use: string
}

/** Options of one call. */
export interface ReadOptions {
  /** Rejects this caller with `signal.reason`; the load goes on for the others. */
  readonly signal?: AbortSignal | undefined
  /** A token of a write: this read sees that write. */
  readonly token?: string | undefined
  /** Asks the shard itself, past memory: only what it finds valid and fresh at this moment is a hit. Redis away: a miss. */
  readonly mustRevalidate?: boolean | undefined
}
export interface ExtendOptions {
  /** Fresh for this long from now on. Default: as long as it was to be fresh at first. */
  readonly ttl?: Duration | undefined
}
export interface GetOrSetOptions extends ReadOptions, EntryOptions {
  /** Load anew whatever is cached, and keep the result. */
  readonly fresh?: boolean | undefined
}
export interface SetOptions extends EntryOptions {}
export interface InvalidateOptions {
  /** Invalidates once more after this time: longer than a replica that loaders read may lag behind the origin. */
  readonly again?: Duration | undefined
}

/** What a bulk loader is told. */
export interface BulkLoadContext<K extends Key = Key> {
  /** Distinct, and missing; never empty. */
  readonly keys: readonly K[]
  /** Aborts when nobody waits for any of them any longer, or at the hard timeout. */
  readonly signal: AbortSignal
}
/**
 * Fetches many values from the origin: a `Map`, or a list of pairs `[key, value]`, in any order. A value may be wrapped by `entry()` or
 * `doNotStore()`; a key that is left out has no value, and nothing is cached for it.
 */
export type BulkLoader<V, K extends Key = Key> = (context: BulkLoadContext<K>) => BulkLoaded<V, K> | PromiseLike<BulkLoaded<V, K>>
export type BulkLoaded<V, K extends Key = Key> = Iterable<readonly [key: K, value: Loaded<V>]>
export interface BulkOptions extends GetOrSetOptions {
  /** Most keys of one call of the loader. Default 500. */
  readonly chunk?: number | undefined
}
export interface WarmOptions {
  /** How many keys are loaded at once. Default 4. */
  readonly concurrency?: number | undefined
  /** Ends it, with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}
export interface WarmManyOptions extends Pick<BulkOptions, 'signal' | 'chunk'> {}
/** What became of the keys: loaded now; there already, or loaded by somebody else; not loaded. */
export interface WarmResult {
  readonly loaded: number
  readonly present: number
  readonly failed: number
}

/** Changes the origin and returns the new value. `previous`: what was cached, if anything. */
export type Commit<V> = (context: { readonly key: Key; readonly previous: unknown }) => Loaded<V> | PromiseLike<Loaded<V>>

/** What became of a write. `queued`: Redis is away; the invalidation is kept and sent before this process trusts Redis again. */
export interface WriteResult {
  readonly state: 'acknowledged' | 'queued'
  /** Shown to a read in another process, makes that read see this write. */
  readonly token: string
}

/** What is cached under a key. `Out`: as callers get it, by the cache's `values`. */
export type ReadResult<V, Out = DeepReadonly<V>> =
  | { readonly state: 'miss' }
  | { readonly state: 'fresh'; readonly value: Out; readonly tier: Tier; readonly ageMs: number }
  | { readonly state: 'stale'; readonly value: Out; readonly tier: Tier; readonly ageMs: number; readonly why: StaleReason }

/** A read that can load, with the story of where the value came from. */
export type FetchResult<V, Out = DeepReadonly<V>> = Exclude<ReadResult<V, Out>, { state: 'miss' }>

/** A cache of values `V`, which callers get as `Out`: read-only, unless the cache's `values` is `cloned` or `shared`. */
export interface Cache<V, Out = DeepReadonly<V>> {
  readonly name: string
  /** The cached value, or the loader's. Joins a load of the same key that is already under way. */
  getOrSet<K extends Key>(key: K, load: Loader<V, K>, options?: GetOrSetOptions): Promise<Out>
  /** As `getOrSet`, and tells which tier answered. */
  fetch<K extends Key>(key: K, load: Loader<V, K>, options?: GetOrSetOptions): Promise<FetchResult<V, Out>>
  /** The cached value; `undefined` where there is none. Never loads. */
  get(key: Key, options?: ReadOptions): Promise<Out | undefined>
  /** As `get`, and tells a miss from a cached `undefined`. */
  read(key: Key, options?: ReadOptions): Promise<ReadResult<V, Out>>
  /** As `get`, for many keys: values in their order, `undefined` where there is none. */
  getMany(keys: readonly Key[], options?: ReadOptions): Promise<(Out | undefined)[]>
  /** As `read`, for many keys: results in their order. */
  readMany(keys: readonly Key[], options?: ReadOptions): Promise<ReadResult<V, Out>[]>
  /**
   * As `getOrSet`, for many keys: values in their order, from few calls of one loader for what is missing; `undefined` where it has left a
   * key out. Each key joins a load that is under way. A value that cannot be cached is handed out only. If a key could not be loaded, and
   * there is no old value that may be served, this rejects with its error once all others have been loaded and stored.
   */
  getOrSetMany<K extends Key>(keys: readonly K[], load: BulkLoader<V, K>, options?: BulkOptions): Promise<(Out | undefined)[]>
  /** Loads what is missing, a few at a time and after everybody else, and keeps it. */
  warm<K extends Key>(keys: Iterable<K>, load: Loader<V, K>, options?: WarmOptions): Promise<WarmResult>
  /** As `warm`, by few calls of a bulk loader. */
  warmMany<K extends Key>(keys: Iterable<K>, load: BulkLoader<V, K>, options?: WarmManyOptions): Promise<WarmResult>
  /** What this process's memory holds and may serve now. Counts as an access. */
  peek(key: Key): Out | undefined
  /** Stores a value. For keys with one writer; the last one executed wins. */
  set(key: Key, value: V, options?: SetOptions): Promise<WriteResult>
  /**
   * As `set`, for many keys, each with options of its own where they differ. A value that cannot be stored does not keep the others from
   * it: this rejects with its error once they are.
   */
  setMany(entries: Iterable<readonly [key: Key, value: V, options?: SetOptions | undefined]>, options?: SetOptions): Promise<WriteResult>
  /** Removes a value everywhere; a load that began before is not stored. */
  invalidate(key: Key, options?: InvalidateOptions): Promise<WriteResult>
  /** The same as `invalidate`. */
  delete(key: Key, options?: InvalidateOptions): Promise<WriteResult>
  /**
   * Prolongs a fresh value's life without touching it, never shortens it. Answers whether there is one; `false` also where Redis is away.
   * A life with a fixed end (`expiresAt`, `expireDaily`) keeps that.
   */
  extend(key: Key, options?: ExtendOptions): Promise<boolean>
  /** Ends a value's freshness; it may still be served inside the stale windows. */
  markStale(key: Key, options?: InvalidateOptions): Promise<WriteResult>
  /** Removes all entries of this cache with any of these tags. */
  invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult>
  /** Removes all entries whose string key fits a pattern made by the `pattern` template. */
  invalidatePattern(pattern: Pattern, options?: InvalidateOptions): Promise<WriteResult>
  /** As `invalidate`, for many keys. */
  deleteMany(keys: readonly Key[], options?: InvalidateOptions): Promise<WriteResult>
  /**
   * Changes the origin and the cache together: `commit` changes the origin and returns the new value (or one wrapped by `entry` or
   * `doNotStore`). Of two at once, the value of the one who began last is kept, or none.
   */
  update(key: Key, commit: Commit<V>, options?: SetOptions): Promise<WriteResult>
  /** Removes all entries of this cache. */
  clear(options?: InvalidateOptions): Promise<WriteResult>
  /** This cache for one user, tenant or other owner of data, whose keys no other scope can reach; an empty scope is refused. */
  scoped(scope: KeyPart): ScopedCache<V>
  /** Turns the cache off, on, or on for a share of the keys, in this process, while it runs. Writes stay fences throughout. */
  control(control: CacheControl): void
  /** Where a key stands in memory and in Redis, and what was decided about it lately. Reads Redis once. */
  explain(key: Key): Promise<Explanation>
  stats(): CacheStats
  /** The keys that this process reads oftenest from Redis, by a sketch that counts about one read in eight; at most 64, default 10. */
  hotKeys(most?: number): readonly HotKey[]
}

/** A cache seen through one scope: nothing in it can be reached by a key of another scope. Tags and `clear` are the whole cache's. */
export interface ScopedCache<V>
  extends Pick<
    Cache<V>,
    | 'getOrSet'
    | 'fetch'
    | 'get'
    | 'read'
    | 'getMany'
    | 'readMany'
    | 'getOrSetMany'
    | 'peek'
    | 'extend'
    | 'explain'
    | 'set'
    | 'setMany'
    | 'invalidate'
    | 'delete'
    | 'markStale'
    | 'deleteMany'
    | 'update'
  > {
  readonly scope: KeyPart
}

/** A cache that owns its loader: `get` loads what is missing. */
export interface LoadingCache<V, K extends Key = Key>
  extends Pick<Cache<V>, 'name' | 'invalidateTags' | 'invalidatePattern' | 'clear' | 'stats'> {
  /** The cached value, or the loader's. */
  get(key: K, options?: GetOrSetOptions): Promise<DeepReadonly<V>>
  /**
   * As `get`, for many keys: values in their order. By few calls of `loadMany` where the cache has one, which may leave keys out
   * (`undefined`), else by one load for each key that is missing. Rejects with the error of a key that could not be loaded, once all others are.
   */
  getMany(keys: readonly K[], options?: BulkOptions): Promise<(DeepReadonly<V> | undefined)[]>
  /** Loads what is missing, a few at a time and after everybody else, and keeps it; by `loadMany` where the cache has one. */
  warm(keys: Iterable<K>, options?: WarmOptions & WarmManyOptions): Promise<WarmResult>
  /** As `get`, and tells which tier answered. */
  fetch(key: K, options?: GetOrSetOptions): Promise<FetchResult<V>>
  /** Loads anew whatever is cached, and keeps the result. */
  refresh(key: K, options?: Omit<GetOrSetOptions, 'fresh'>): Promise<DeepReadonly<V>>
  peek(key: K): DeepReadonly<V> | undefined
  set(key: K, value: V, options?: SetOptions): Promise<WriteResult>
  invalidate(key: K, options?: InvalidateOptions): Promise<WriteResult>
  /** As `invalidate`, for many keys. */
  deleteMany(keys: readonly K[], options?: InvalidateOptions): Promise<WriteResult>
  markStale(key: K, options?: InvalidateOptions): Promise<WriteResult>
  update(key: K, commit: Commit<V>, options?: SetOptions): Promise<WriteResult>
  /** The cache underneath, with all its verbs. */
  readonly cache: Cache<V>
}

/** Options of a cache with its loader. */
export interface LoadingCacheOptions<V, K extends Key = Key> extends CacheOptions<V> {
  readonly load: Loader<V, K>
  /** Loads many at once, for `getMany` and `warm`. Default: `load`, once for each key. */
  readonly loadMany?: BulkLoader<V, K> | undefined
}

/** Options of a wrapped function: those of its cache, the cache's name, and its key. */
export interface WrapOptions<A extends readonly unknown[], V> extends CacheOptions<V> {
  readonly name: string
  /** The key of a call. Default: its arguments as one structure, which must be able to be a key. */
  readonly key?: ((...args: A) => Key) | undefined
}

/** A function whose results are cached. */
export interface Wrapped<A extends readonly unknown[], V> {
  (...args: A): Promise<DeepReadonly<V>>
  /** Calls the function whatever is cached, and keeps the result. */
  fresh(...args: A): Promise<DeepReadonly<V>>
  /** Forgets the result for these arguments, everywhere. */
  invalidate(...args: A): Promise<WriteResult>
  /** The key of a call, for the other verbs of the cache. */
  key(...args: A): Key
  readonly cache: Cache<V>
}

/** Whether a cache is used. */
export interface CacheControl {
  /** `off`: every read goes to the loader. `shadow`: so too, and what the cache would have served is compared with it. */
  readonly mode?: 'on' | 'off' | 'shadow' | undefined
  /** Percent of the keys for which the mode holds, the same keys in every process; the others are off. 0-100. */
  readonly ramp?: number | undefined
}

export interface Forebay extends AsyncDisposable {
  /** A cache of this service; the same name gives the same cache, and other options for it are an error. */
  cache<V = unknown>(name: string, options: CacheOptions<V> & { readonly values: 'cloned' | 'shared' }): Cache<V, V>
  cache<V = unknown>(name: string, options?: CacheOptions<V>): Cache<V>
  /** A cache that owns its loader. */
  loadingCache<V, K extends Key = Key>(name: string, options: LoadingCacheOptions<V, K>): LoadingCache<V, K>
  /** A function that keeps its results in a cache of its own. */
  wrap<A extends readonly unknown[], V>(work: (...args: A) => V | PromiseLike<V>, options: WrapOptions<A, V>): Wrapped<A, V>
  /** Removes all entries of the service with any of these tags. */
  invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult>
  /** Removes all entries of the service. */
  clear(options?: InvalidateOptions): Promise<WriteResult>
  /**
   * Runs work whose reads, however deep, see the writes that a token tells of and those made inside: a request's whole handling, say.
   * `undefined`: only its own writes. From the first call on each hit in memory looks whether it runs inside one.
   */
  withToken<R>(token: string | undefined, work: () => R): R
  /** The token to hand on from inside `withToken`: what it was given, and all writes made inside; `undefined` if there is neither, and outside. */
  token(): string | undefined
  /**
   * Resolves when Redis has been reached, nothing waits to be sent there, and memory can be proven fresh, however long that takes; the cache serves before that too. What
   * keeps it waiting is told as a `warning`, and stands in `stats().linkErrors`.
   */
  ready(): Promise<void>
  /** Resolves when the fills, refreshes and queued writes under way are done. */
  settled(): Promise<void>
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void
  onAny(listener: (event: ForebayEvent) => void): () => void
  stats(): ForebayStats
  /** How this process is, by what was seen in the background: answered at once, however Redis is, also after `close()`. `healthResponse` makes answers to probes of it. */
  health(): Health
  /** Lets `health().ready` be `fail` from now on, and changes nothing else: whoever balances load sends no more work, and what still comes is served. */
  drain(): void
  /**
   * Is no longer ready; waits for loads, then for queued invalidations, together up to `timeout` (default 2 s); then ends all links. Tells
   * how many invalidations could not be sent; with `outbox.directory` they are kept there.
   */
  close(options?: { readonly timeout?: Duration | undefined }): Promise<{ readonly unsent: number }>
}
