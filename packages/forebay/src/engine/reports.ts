import type { LinkError } from '../core/far-store.js'
import type { Latency } from '../core/histogram.js'
import type { NodeStats } from '../core/supervisor/node-state.js'
import type { LoadStats } from './lanes.js'

export type { LoadStats } from './lanes.js'

/** A key's copy in this process's memory. `unproven`: not served, since Redis has not confirmed lately that all news was heard. */
export interface MemoryState {
  readonly state: 'fresh' | 'stale' | 'expired' | 'invalidated' | 'unproven'
  readonly ageMs: number
  /** Negative: for so long it has not been fresh. */
  readonly freshForMs: number
}

/** A key's entry in Redis. `away`: Redis could not be asked. */
export type RedisState =
  | { readonly state: 'none' | 'away' }
  | {
      readonly state: 'fresh' | 'stale'
      readonly ageMs: number
      readonly freshForMs: number
      readonly tags: readonly string[]
      readonly bytes: number
    }

/** Something that was decided about a key in this process, or heard about it. */
export interface Decision {
  readonly msAgo: number
  /** The type of the event; or `invalidated`, with who did it (`by`: the name of a process, as in `stats().process`) and `how`. */
  readonly what: string
  readonly details: Readonly<{ [name: string]: unknown }>
}

/** Why a key is answered as it is. */
export interface Explanation {
  /** The canonical form. */
  readonly key: string
  readonly memory: MemoryState | undefined
  readonly redis: RedisState
  /** What this process knows of the key's part of Redis: only while it is `proven` is memory served. */
  readonly shard: {
    readonly index: number
    readonly proven: boolean
    readonly provenMsAgo: number | undefined
    readonly reachable: boolean
    readonly unsent: number
  }
  /** A read or load under way. `overtaken`: something has been invalidated since; what it brings is not kept. */
  readonly running: { readonly forMs: number; readonly overtaken: boolean } | undefined
  readonly limits: { readonly maxStalenessMs: number; readonly hardTimeoutMs: number }
  /** The last first; of each cache the last 512 are kept. */
  readonly decisions: readonly Decision[]
}

/** Counters of one cache since its creation. */
export interface CacheStats {
  readonly hits: { readonly memory: number; readonly redis: number }
  readonly stale: number
  readonly misses: number
  readonly joins: number
  readonly loads: number
  readonly loadErrors: number
  readonly fills: number
  /** Lives prolonged, by sliding or by `extend`. */
  readonly extensions: number
  readonly earlyRefreshes: number
  readonly refusedFills: number
  readonly waits: number
  readonly writes: number
  readonly queuedWrites: number
  readonly degraded: number
  readonly corrupt: number
  /** Values in Redis that did not fit the cache's schema. */
  readonly schemaMismatches: number
  readonly evictions: number
  readonly memory: { readonly entries: number; readonly bytes: number }
  readonly loading: LoadStats
  /** Hits (fresh and stale) by all lookups; 0 before the first. */
  readonly hitRatio: number
  /** `undefined` where it is off. */
  readonly monitor: MonitorStats | undefined
  readonly control: ControlStats
  /** How long things took. Of hits in memory one in 1,024 is measured. */
  readonly latency: {
    readonly memoryHit: Latency
    readonly redisHit: Latency
    readonly load: Latency
    readonly wait: Latency
    readonly write: Latency
  }
}

/** The counters of all caches together. */
export interface TotalStats
  extends Pick<CacheStats, 'hits' | 'stale' | 'misses' | 'loads' | 'loadErrors' | 'refusedFills' | 'memory' | 'hitRatio'> {}

export interface ControlStats {
  readonly mode: 'on' | 'off' | 'shadow'
  readonly ramp: number
  /** Values that the cache would have served, compared with the origin's; `inconclusive`: replaced meanwhile. */
  readonly shadow: { readonly same: number; readonly different: number; readonly inconclusive: number }
}

/** A key that this process reads often from Redis, and about how often. */
export interface HotKey {
  readonly key: string
  readonly readsPerSecond: number
}

/** What the monitor has seen. */
export interface MonitorStats {
  readonly samples: number
  readonly consistent: number
  /** Replaced while it was looked at, or the origin could not be asked. What finds no place among the loads is no sample. */
  readonly inconclusive: number
  /** Differed from the origin at first sight: an invalidation may have been under way. */
  readonly mismatches: number
  /** Still differed after so long. */
  readonly staleAfter: { readonly '1s': number; readonly '10s': number; readonly '60s': number }
  /** How long copies that differed were served on after they were seen. */
  readonly histogram: readonly { readonly atMostMs: number; readonly count: number }[]
}

/** What replicas have done for reads since the start. */
export interface ReplicaStats {
  /** Reads sent to a replica. */
  readonly asked: number
  /** Answers of replicas that were used. */
  readonly served: number
  /** Answers that did not count, since the replica lagged behind what this process knew, or followed another history. */
  readonly refused: number
  /** Reads for which the second was asked because the first was late, and for how many of these the second answered first. */
  readonly hedged: number
  readonly won: number
}

export interface ForebayStats {
  readonly caches: { readonly [name: string]: CacheStats }
  readonly total: TotalStats
  /** The name of this process in leases and notices, new at each start. */
  readonly process: string
  readonly shards: { readonly total: number; readonly proven: number }
  /** Invalidations that wait to be sent, and how many may wait for each shard before they are coarsened. */
  readonly outbox: number
  readonly outboxMax: number
  /** Connections to Redis that cannot be used now, and why; one cause is named once for each node. Empty when all is well. */
  readonly linkErrors: readonly LinkError[]
  /** Reads by replicas; `undefined` where they are off. */
  readonly replicas: ReplicaStats | undefined
  /** How each Redis server is held: whether it is asked, since when and why. */
  readonly redis: readonly NodeStats[]
  readonly replayed: number
  /** How often a shard's memory was dropped because its history broke off. The first hearing of a shard, which begins one, does not count. */
  readonly dropped: number
  readonly resent: number
  readonly listenerErrors: number
}
