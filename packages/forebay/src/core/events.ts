import type { Course } from './control.js'
import type { NodeState } from './supervisor/node-state.js'

/** Where a value came from. */
export type Tier = 'memory' | 'redis' | 'origin'

/** Why an old value was served. */
export type StaleReason =
  /** Inside `staleWhileRevalidate`; a refresh has been started. */
  | 'revalidating'
  /** The loader failed; inside `staleIfError`. */
  | 'error'
  /** The load takes longer than `softTimeout`; it goes on. */
  | 'slow'
  /** Freshness cannot be proven in an outage, and the cache says `onOutage: 'serve'`. */
  | 'outage'

/** Why a value was not kept. */
export type RefusalReason =
  /** Invalidated, taken over or expired while the load ran. */
  | 'lease'
  /** A tag, a clear or a restart of Redis without data came between. */
  | 'epoch'
  /** The loader said `doNotStore`. */
  | 'asked'
  /** One of many that were loaded by one call holds something that cannot be cached. */
  | 'unstorable'
  /** Redis did not answer. */
  | 'unanswered'

/** Why a load was turned away: there was no room in the queue, or no place became free within the hard timeout. */
export type ShedReason = 'full' | 'late'

/** What was wrong with the bytes of an entry. */
export type CorruptReason =
  /** No header of ours. */
  | 'header'
  /** The value's own bytes. */
  | 'value'
  /** Cannot be decompressed, or not within `maxValueBytes`. */
  | 'compression'
  /** Sealed under another key or for another place, altered, or not sealed in a cache that seals. */
  | 'seal'

/** Everything that happens in a cache, told once. Logs, counters and metrics all listen to this union. */
export type ForebayEvent =
  /** Hits are told in batches. */
  | { readonly type: 'hit'; readonly cache: string; readonly tier: 'memory' | 'redis'; readonly count: number }
  | { readonly type: 'stale'; readonly cache: string; readonly key: string; readonly tier: Tier; readonly why: StaleReason }
  | { readonly type: 'miss'; readonly cache: string; readonly key: string }
  /** A caller joined a load or a read that was already under way. */
  | { readonly type: 'join'; readonly cache: string; readonly key: string }
  | { readonly type: 'load'; readonly cache: string; readonly key: string; readonly ms: number; readonly background: boolean }
  | { readonly type: 'load-error'; readonly cache: string; readonly key: string; readonly ms: number; readonly error: unknown }
  | { readonly type: 'fill'; readonly cache: string; readonly key: string; readonly bytes: number }
  | { readonly type: 'fill-refused'; readonly cache: string; readonly key: string; readonly why: RefusalReason }
  /** Waited for another process that loads this key; `by`: its name, as in its `stats().process`. */
  | { readonly type: 'wait'; readonly cache: string; readonly key: string; readonly ms: number; readonly by: string }
  /** Too many loads at once: this one was turned away. */
  | {
      readonly type: 'shed'
      readonly cache: string
      readonly key: string
      readonly lane: 'callers' | 'refreshes' | 'warm-ups'
      readonly why: ShedReason
    }
  /** A valid entry's life was prolonged, by a hit of a sliding life or by `extend`. */
  | { readonly type: 'extend'; readonly cache: string; readonly key: string }
  /** A hit has started a refresh before the end of freshness. */
  | { readonly type: 'early-refresh'; readonly cache: string; readonly key: string }
  | { readonly type: 'evict'; readonly cache: string; readonly entries: number }
  | {
      readonly type: 'write'
      readonly cache: string
      readonly what: 'set' | 'update' | 'invalidate' | 'stale' | 'tags' | 'pattern' | 'clear'
      readonly state: 'acknowledged' | 'queued'
      readonly ms: number
    }
  /** A value in Redis could not be read: foreign, truncated or corrupt. Treated as a miss. */
  | { readonly type: 'corrupt'; readonly cache: string; readonly key: string; readonly why: CorruptReason }
  /** A value in Redis does not fit the cache's schema, and could not be migrated. Treated as a miss. `place`: where in the value, as `.authors[0]`. */
  | { readonly type: 'schema-mismatch'; readonly cache: string; readonly key: string; readonly place: string }
  /** Redis was needed and could not be used; the caller was served without it. */
  | { readonly type: 'degraded'; readonly cache: string; readonly error: unknown }
  /** A Redis server is held otherwise than before. `node`: its address. */
  | { readonly type: 'redis-state'; readonly node: string; readonly state: NodeState; readonly before: NodeState; readonly why: string }
  /** Whether a cache is used was changed. */
  | { readonly type: 'control'; readonly cache: string; readonly mode: Course; readonly ramp: number }
  /** In shadow mode the cache would have served another value than the origin. */
  | { readonly type: 'shadow-mismatch'; readonly cache: string; readonly key: string }
  /** The monitor found a cached value that has differed from the origin's for so long. */
  | { readonly type: 'inconsistent'; readonly cache: string; readonly key: string; readonly afterMs: number }
  /** Notices of other processes heard, in time or after an interruption. */
  | { readonly type: 'replayed'; readonly shard: number; readonly notices: number }
  /** A shard's memory was dropped, because its history is not the one known here, or the log no longer reaches back. */
  | { readonly type: 'dropped'; readonly shard: number; readonly why: 'start' | 'incarnation' | 'gap' }
  /** A shard can (again) be proven fresh, or no longer. */
  | { readonly type: 'proven'; readonly shard: number; readonly proven: boolean }
  /** Invalidations that could not be sent are kept; `coarsened`: the outbox was full and a whole cache will be cleared instead. */
  | { readonly type: 'outbox'; readonly waiting: number; readonly coarsened: boolean }
  /** Invalidations that a failover or restart of Redis had lost were sent again. */
  | { readonly type: 'resent'; readonly shard: number; readonly notices: number }
  | { readonly type: 'suspended'; readonly ms: number }
  | { readonly type: 'warning'; readonly text: string }
  /** A listener threw; it stays subscribed. */
  | { readonly type: 'listener-error'; readonly error: unknown }

export type EventType = ForebayEvent['type']

const types = {
  hit: true,
  stale: true,
  miss: true,
  join: true,
  load: true,
  'load-error': true,
  fill: true,
  'fill-refused': true,
  wait: true,
  shed: true,
  extend: true,
  'early-refresh': true,
  evict: true,
  write: true,
  corrupt: true,
  'schema-mismatch': true,
  degraded: true,
  'redis-state': true,
  control: true,
  'shadow-mismatch': true,
  inconsistent: true,
  replayed: true,
  dropped: true,
  proven: true,
  outbox: true,
  resent: true,
  suspended: true,
  warning: true,
  'listener-error': true,
} as const satisfies Record<EventType, true>
/** All types of events. */
export const eventTypes = Object.keys(types) as readonly EventType[]
export type EventOf<T extends EventType> = Extract<ForebayEvent, { type: T }>

/** How the engine tells what happened. */
export type Tell = (event: ForebayEvent) => void
