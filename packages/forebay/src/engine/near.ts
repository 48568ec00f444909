import { mostPatterns } from '../core/far-store.js'
import { fits } from '../core/pattern.js'
import type { StaleReason } from '../core/events.js'
import type { CachePlan } from '../core/plan.js'
import type { Arrivals, ShardView } from '../core/shard-view.js'
import type { NearEntry, NearStore, OpenNearStore } from '../core/near-store.js'
import { type Registration, mayKeep } from './registry.js'
import { type TagCell, TagTable } from './tags.js'

/** A value in own monotonic time, ready to be served. */
export interface Held {
  /** As it is kept; `handOut` makes of it what a caller may have. */
  readonly value: unknown
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
  readonly errorUntilMs: number
  readonly tags: readonly string[]
  readonly bytes: number
}

/** What a memory copy's right to be served rests on, besides its lifetime. */
interface Standing {
  readonly shard: ShardView
  /** The arrival at which its flight was registered: whatever was dropped later concerns it. */
  readonly bornAt: number
  /** Until then it is younger than the staleness contract, proof or no proof. */
  readonly trustedUntilMs: number
  readonly tags: readonly TagCell[]
  /** An old value kept after a failed load: the origin is not asked again before. */
  holdUntilMs: number
}

/** A copy and how it may be served. `held`: the origin was asked for it in vain a moment ago. */
interface Found {
  readonly entry: NearEntry<unknown>
  readonly state: 'fresh' | StaleReason
  readonly held: boolean
}

type NearState = 'fresh' | StaleReason | undefined

/** This process's memory of one cache, under the staleness contract. */
export class Near {
  readonly #plan: CachePlan
  readonly #arrivals: Arrivals
  readonly #store: NearStore<Standing>
  readonly #tags = new TagTable()
  #clearedAt = 0
  /** Patterns dropped lately, with their arrivals. */
  readonly #patterns = new Map<string, { readonly parts: readonly string[]; readonly at: number }>()
  #doubtedAt = 0

  constructor(plan: CachePlan, arrivals: Arrivals, openNearStore: OpenNearStore) {
    this.#plan = plan
    this.#arrivals = arrivals
    this.#store = openNearStore(plan.memory ?? { maxEntries: 0, maxBytes: 0 }, (standing) => this.#tags.release(standing.tags))
  }

  get size(): { entries: number; bytes: number } {
    return { entries: this.#store.entries, bytes: this.#store.bytes }
  }

  takeEvicted(): number {
    return this.#store.takeEvicted()
  }

  /** The copy under this key if it is fresh and may be served; the whole of a memory hit. */
  fresh(key: string, nowMs: number): NearEntry<unknown> | undefined {
    const entry = this.#store.get(key)
    if (entry === undefined || nowMs >= entry.freshUntilMs || this.#wasDropped(entry)) return undefined
    return this.#isTrusted(entry.standing, nowMs) ? entry : undefined
  }

  /** The copy under this key, and how it may be served. `away`: Redis cannot be asked. */
  find(key: string, nowMs: number, away: boolean): Found | undefined {
    if (this.#plan.memory === undefined) return undefined
    const entry = this.#store.get(key)
    if (entry === undefined) return undefined
    if (this.#wasDropped(entry)) {
      this.#store.delete(key)
      return undefined
    }
    const state = this.#isTrusted(entry.standing, nowMs) ? stateOf(entry, nowMs) : this.#stateInDoubt(entry, nowMs, away)
    return state && { entry, state, held: nowMs < entry.standing.holdUntilMs }
  }

  /** Keeps what a flight brought, unless something heard since its registration concerns it. */
  keep(registration: Registration, held: Held, holdUntilMs = 0): void {
    const { shard, bornAt, key, trueAsOfMs } = registration
    if (this.#plan.memory === undefined || !mayKeep(registration, held.tags) || bornAt < shard.droppedAt || bornAt < this.#clearedAt) return
    const tags = this.#tags.take(held.tags)
    const standing: Standing = { shard, bornAt, trustedUntilMs: trueAsOfMs + this.#plan.maxStalenessMs, tags, holdUntilMs }
    const { value, createdMs, freshUntilMs, staleUntilMs, errorUntilMs, bytes } = held
    this.#store.put({ key, value, standing, createdMs, freshUntilMs, staleUntilMs, errorUntilMs, bytes })
  }

  /** A refresh has failed: the old copy is served on, and the origin is left alone for a while. */
  hold(key: string, untilMs: number): void {
    const entry = this.#store.get(key)
    if (entry !== undefined) entry.standing.holdUntilMs = untilMs
  }

  drop(key: string): void {
    this.#store.delete(key)
  }

  dropTags(tags: readonly string[]): void {
    const arrival = ++this.#arrivals.last
    for (const tag of tags) this.#tags.drop(tag, arrival)
  }

  dropPattern(parts: readonly string[]): void {
    this.#patterns.set(JSON.stringify(parts), { parts, at: ++this.#arrivals.last })
    if (this.#patterns.size > mostPatterns) this.dropAll()
  }

  dropAll(): void {
    this.#clearedAt = ++this.#arrivals.last
    this.#patterns.clear()
    this.#store.clear()
  }

  /** The clock has not told the truth: youth proves nothing for what was begun before. */
  doubt(): void {
    this.#doubtedAt = ++this.#arrivals.last
  }

  #wasDropped({ key, standing }: NearEntry<Standing>): boolean {
    const { bornAt, tags, shard } = standing
    if (bornAt < shard.droppedAt || bornAt < this.#clearedAt) return true
    for (let i = 0; i < tags.length; i++) if (bornAt < (tags[i] as TagCell).droppedAt) return true
    return this.#patterns.size > 0 && this.#fitsDropped(key, bornAt)
  }

  #fitsDropped(key: string, bornAt: number): boolean {
    for (const { parts, at } of this.#patterns.values()) if (bornAt < at && fits(parts, key)) return true
    return false
  }

  #isTrusted(standing: Standing, nowMs: number): boolean {
    if (nowMs - standing.shard.provenAtMs < this.#plan.maxStalenessMs) return true
    return nowMs < standing.trustedUntilMs && standing.bornAt >= this.#doubtedAt
  }

  /** Nothing proves this copy: it is served only in an outage, and only where the cache says so. */
  #stateInDoubt(entry: NearEntry<Standing>, nowMs: number, away: boolean): NearState {
    if (!away || this.#plan.onOutage !== 'serve') return undefined
    return nowMs < Math.max(entry.freshUntilMs, entry.staleUntilMs, entry.errorUntilMs) ? 'outage' : undefined
  }
}

function stateOf(entry: NearEntry<Standing>, nowMs: number): NearState {
  if (nowMs < entry.freshUntilMs) return 'fresh'
  if (nowMs < entry.staleUntilMs) return 'revalidating'
  return nowMs < entry.errorUntilMs && nowMs < entry.standing.holdUntilMs ? 'error' : undefined
}
