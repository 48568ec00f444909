import type { EntryAddress, FarStore } from '../core/far-store.js'
import { shardOf } from '../core/key.js'
import type { Tidings } from '../core/notice.js'
import { mostUnsent } from '../core/plan.js'
import { ShardView } from '../core/shard-view.js'
import { Outbox } from './outbox.js'

/** One shard of the service as this process has it: what it knows of it, and what it still has to send there. */
export interface Shard {
  readonly view: ShardView
  readonly outbox: Outbox
  /** Server time less own monotonic time, from the last question: never less than the truth, so that freshness ends early, not late. */
  offsetMs: number
  /** Whether the last event about it said that it is proven. */
  toldProven: boolean
}

/** All shards of the service. */
export class Shards {
  readonly #far: FarStore
  /** The bound of each shard's outbox. */
  readonly mostUnsent: number
  #all: Shard[] = []

  constructor(far: FarStore, mostInOutbox = mostUnsent) {
    this.#far = far
    this.mostUnsent = mostInOutbox
    this.resize(far.shards)
  }

  get all(): readonly Shard[] {
    return this.#all
  }

  /** Another number of shards: starts with none of them known. Answers what waited in the outboxes. */
  resize(count: number): readonly Shard[] {
    const before = this.#all
    this.#all = Array.from({ length: count }, (_, index) => ({
      view: new ShardView(index),
      outbox: new Outbox(this.mostUnsent),
      offsetMs: 0,
      toldProven: false,
    }))
    return before
  }

  at(index: number): Shard | undefined {
    return this.#all[index]
  }

  address(cache: string, key: string, version = ''): EntryAddress {
    return { shard: shardOf(cache, key, this.#all.length), cache, version, key }
  }

  of(at: EntryAddress): Shard {
    // An address from before the number of shards was known may lie outside; what is stored under it is never found, and does no harm.
    const shard = this.#all[at.shard % this.#all.length]
    if (shard === undefined) throw new RangeError('a service has at least one shard')
    return shard
  }

  /** The shards that tidings meant for this one belong to now: itself, unless the number of shards has changed since. */
  whereNow(shard: Shard, tidings: Tidings): readonly Shard[] {
    if (this.#all[shard.view.index] === shard) return [shard]
    return this.concernedBy(tidings)
  }

  /** The shards that an invalidation has to reach. */
  concernedBy(tidings: Tidings): readonly Shard[] {
    return 'key' in tidings ? [this.of(this.address(tidings.cache, tidings.key))] : this.#all
  }

  /** Whether a shard can be used: it has a link, and no invalidation of this process still waits to reach it. */
  reachable(shard: Shard): boolean {
    return shard.outbox.size === 0 && this.#far.nodeOf(shard.view.index) !== undefined
  }

  /** Whether an entry can neither be read nor leased now. */
  away(at: EntryAddress): boolean {
    return !this.reachable(this.of(at))
  }

  /** Whether a plain read may be trusted: proven lately, by the very node that the read goes to. */
  proven(shard: Shard, nowMs: number, maxStalenessMs: number): boolean {
    return shard.view.provenBy(this.#far.nodeOf(shard.view.index), nowMs, maxStalenessMs)
  }

  /** The same, and that nothing of ours still has to be told first. */
  mayReadPlainly(shard: Shard, nowMs: number, maxStalenessMs: number): boolean {
    return shard.outbox.size === 0 && this.proven(shard, nowMs, maxStalenessMs)
  }

  /** Whether all news up to lately is known, and nothing of ours still to be told, though there is no link to the primary now. */
  provenWithoutPrimary(shard: Shard, nowMs: number, maxStalenessMs: number): boolean {
    if (shard.outbox.size > 0 || this.#far.nodeOf(shard.view.index) !== undefined) return false
    return nowMs - shard.view.provenAtMs < maxStalenessMs
  }

  unsent(): number {
    return this.#all.reduce((sum, shard) => sum + shard.outbox.size, 0)
  }
}
