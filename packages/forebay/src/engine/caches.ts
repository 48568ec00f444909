import type { ForebayEvent } from '../core/events.js'
import { wholeService } from '../core/far-store.js'
import type { Tidings } from '../core/notice.js'
import type { EngineCache } from './cache.js'
import type { Registration } from './registry.js'
import type { CacheStats } from './reports.js'
import type { Shard } from './shards.js'
import type { CacheCounters } from './statistics.js'

/** The caches of one service in this process: what is said to all of them, or to those that it concerns. */
export class Caches {
  readonly #caches = new Map<string, EngineCache>()
  readonly #counters = new Map<string, CacheCounters>()

  add(cache: EngineCache, counters: CacheCounters): void {
    this.#caches.set(cache.name, cache)
    this.#counters.set(cache.name, counters)
  }

  get(name: string): EngineCache | undefined {
    return this.#caches.get(name)
  }

  /** Something was heard, or is being written here. What is told of one version of a cache concerns no other. */
  heard(tidings: Tidings, except?: Registration): void {
    const scope = 'scope' in tidings ? tidings.scope : tidings.cache
    if (scope === wholeService) return this.#each((cache) => cache.heard(tidings))
    const [name = '', version] = scope.split('@')
    const cache = this.#caches.get(name)
    if (version === undefined || version === cache?.plan.version) cache?.heard(tidings, except)
  }

  count(event: Extract<ForebayEvent, { readonly cache: string }>): void {
    this.#counters.get(event.cache)?.count(event)
  }

  dropShard(shard: Shard): void {
    this.#each((cache) => cache.dropShard(shard))
  }

  /** The whole service has been cleared from here. */
  cleared(): void {
    this.#each((cache) => cache.cleared())
  }

  doubt(): void {
    this.#each((cache) => cache.doubt())
  }

  forgetAll(): void {
    this.#each((cache) => cache.forgetAll())
  }

  watchReads(): void {
    this.#each((cache) => cache.watchReads())
  }

  tick(): void {
    this.#each((cache) => cache.tick())
  }

  /** The shortest staleness contract of all, at most `mostMs`. */
  shortestContractMs(mostMs: number): number {
    let shortestMs = mostMs
    this.#each(({ plan }) => {
      shortestMs = Math.min(shortestMs, plan.maxStalenessMs)
    })
    return shortestMs
  }

  /** The ends of all that is under way. */
  landings(): Promise<void>[] {
    return [...this.#caches.values()].flatMap((cache) => cache.landings())
  }

  stats(): Record<string, CacheStats> {
    return Object.fromEntries([...this.#caches].map(([name, cache]) => [name, cache.stats()]))
  }

  #each(act: (cache: EngineCache) => void): void {
    for (const cache of this.#caches.values()) act(cache)
  }
}
