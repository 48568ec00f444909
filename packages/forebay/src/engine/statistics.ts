import type { ForebayEvent } from '../core/events.js'
import { Histogram } from '../core/histogram.js'
import type { LoadStats } from './lanes.js'
import type { CacheStats, ForebayStats, TotalStats } from './reports.js'

type Counted = Exclude<keyof CacheStats, 'hits' | 'memory' | 'loading' | 'hitRatio' | 'monitor' | 'latency' | 'control'>

/** One hit in memory in so many is measured. A power of two. */
const memorySampling = 1_024

/** The counters of one cache: kept by listening to its events, except for hits, which are counted at once and told in batches. */
export class CacheCounters {
  memoryHits = 0
  redisHits = 0
  readonly #latency = {
    memoryHit: new Histogram(),
    redisHit: new Histogram(),
    load: new Histogram(),
    wait: new Histogram(),
    write: new Histogram(),
  }
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
    extensions: 0,
    earlyRefreshes: 0,
    evictions: 0,
  }

  /** A hit in memory; true if its latency is to be measured. To measure each would cost a third of the speed. */
  hitMemory(): boolean {
    return (++this.memoryHits & (memorySampling - 1)) === 0
  }

  tookMemory(ms: number): void {
    this.#latency.memoryHit.record(ms)
  }

  /** `hits`: as many as were read together. */
  hitRedis(ms: number, hits = 1): void {
    this.redisHits += hits
    this.#latency.redisHit.record(ms, hits)
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
      case 'load':
        counts.loads++
        this.#latency.load.record(event.ms)
        break
      case 'wait':
        counts.waits++
        this.#latency.wait.record(event.ms)
        break
      case 'write':
        counts.writes++
        this.#latency.write.record(event.ms)
        if (event.state === 'queued') counts.queuedWrites++
        break
      default: {
        const counter = counterOf[event.type]
        if (counter !== undefined) counts[counter]++
      }
    }
  }

  report(memory: { entries: number; bytes: number }, loading: LoadStats): Omit<CacheStats, 'monitor' | 'control'> {
    const { stale, misses } = this.#counts
    const hits = this.memoryHits + this.redisHits + stale
    const lookups = hits + misses
    return {
      ...this.#counts,
      latency: {
        memoryHit: this.#latency.memoryHit.report(),
        redisHit: this.#latency.redisHit.report(),
        load: this.#latency.load.report(),
        wait: this.#latency.wait.report(),
        write: this.#latency.write.report(),
      },
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
  'load-error': 'loadErrors',
  fill: 'fills',
  'fill-refused': 'refusedFills',
  degraded: 'degraded',
  corrupt: 'corrupt',
  'schema-mismatch': 'schemaMismatches',
  extend: 'extensions',
  'early-refresh': 'earlyRefreshes',
}

/** What is counted of a service besides its caches. */
export class ServiceCounters {
  readonly #counts = { replayed: 0, dropped: 0, resent: 0, listenerErrors: 0 }

  count(event: ForebayEvent): void {
    if (event.type === 'replayed') this.#counts.replayed += event.notices
    else if (event.type === 'dropped') this.#counts.dropped += event.why === 'start' ? 0 : 1
    else if (event.type === 'resent') this.#counts.resent += event.notices
    else if (event.type === 'listener-error') this.#counts.listenerErrors++
  }

  report(): Pick<ForebayStats, 'replayed' | 'dropped' | 'resent' | 'listenerErrors'> {
    return { ...this.#counts }
  }
}

/** The caches of a service taken together. */
export function totalOf(caches: readonly CacheStats[]): TotalStats {
  const sum = (of: (cache: CacheStats) => number): number => caches.reduce((total, cache) => total + of(cache), 0)
  const hits = { memory: sum(({ hits }) => hits.memory), redis: sum(({ hits }) => hits.redis) }
  const [stale, misses] = [sum((cache) => cache.stale), sum((cache) => cache.misses)]
  const served = hits.memory + hits.redis + stale
  return {
    hits,
    stale,
    misses,
    loads: sum((cache) => cache.loads),
    loadErrors: sum((cache) => cache.loadErrors),
    refusedFills: sum((cache) => cache.refusedFills),
    memory: { entries: sum(({ memory }) => memory.entries), bytes: sum(({ memory }) => memory.bytes) },
    hitRatio: served + misses === 0 ? 0 : served / (served + misses),
  }
}
