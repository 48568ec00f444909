import type { ForebayEvent } from '../core/events.js'
import type { LoadStats } from './lanes.js'
import type { CacheStats } from './public.js'

type Counted = Exclude<keyof CacheStats, 'hits' | 'memory' | 'loading' | 'hitRatio' | 'monitor'>

/** The counters of one cache: kept by listening to its events, except for hits, which are counted at once and told in batches. */
export class CacheCounters {
  memoryHits = 0
  redisHits = 0
  #toldMemory = 0
  #toldRedis = 0
  readonly #counts: Record<Counted, number> = {
    stale: 0,
    misses: 0,
    joins: 0,
    loads: 0,
    loadErrors: 0,
    fills: 0,
    refusedFills: 0,
    waits: 0,
    writes: 0,
    queuedWrites: 0,
    degraded: 0,
    corrupt: 0,
    schemaMismatches: 0,
    evictions: 0,
  }

  /** Hits since this was last asked. */
  takeHits(): { readonly memory: number; readonly redis: number } {
    const hits = { memory: this.memoryHits - this.#toldMemory, redis: this.redisHits - this.#toldRedis }
    this.#toldMemory = this.memoryHits
    this.#toldRedis = this.redisHits
    return hits
  }

  count(event: ForebayEvent): void {
    const counts = this.#counts
    switch (event.type) {
      case 'evict':
        counts.evictions += event.entries
        break
      case 'write':
        counts.writes++
        if (event.state === 'queued') counts.queuedWrites++
        break
      default: {
        const counter = counterOf[event.type]
        if (counter !== undefined) counts[counter]++
      }
    }
  }

  report(memory: { entries: number; bytes: number }, loading: LoadStats): Omit<CacheStats, 'monitor'> {
    const { stale, misses } = this.#counts
    const hits = this.memoryHits + this.redisHits + stale
    const lookups = hits + misses
    return {
      ...this.#counts,
      hits: { memory: this.memoryHits, redis: this.redisHits },
      memory,
      loading,
      hitRatio: lookups === 0 ? 0 : hits / lookups,
    }
  }
}

const counterOf: Partial<Record<ForebayEvent['type'], Counted>> = {
  stale: 'stale',
  miss: 'misses',
  join: 'joins',
  load: 'loads',
  'load-error': 'loadErrors',
  fill: 'fills',
  'fill-refused': 'refusedFills',
  wait: 'waits',
  degraded: 'degraded',
  corrupt: 'corrupt',
  'schema-mismatch': 'schemaMismatches',
}
