import { noSlot, pageMask, slotsPerPage } from '../core/near-store.js'
import type { Eviction } from './eviction.js'
import { Queue } from './near-queue.js'
import type { Slots } from './near-slots.js'

/** The entries that were used equally often, between those that were used more and less. */
interface Rank {
  readonly uses: number
  readonly queue: Queue
  more: Rank | undefined
  fewer: Rank | undefined
}

/** The least often used entry goes, of those the one that was used last the longest ago. Ranks are linked, so every act takes a few steps. */
export class Lfu implements Eviction {
  readonly #slots: Slots<unknown>
  /** By page and place in it. */
  readonly #ranks: Rank[][] = []
  #lowest: Rank | undefined

  constructor(slots: Slots<unknown>) {
    this.#slots = slots
  }

  add(slot: number): void {
    const lowest = this.#lowest?.uses === 0 ? this.#lowest : this.#open(0, undefined, this.#lowest)
    this.#put(slot, lowest)
  }

  touch(slot: number): void {
    const rank = this.#rankOf(slot)
    const next = rank.more?.uses === rank.uses + 1 ? rank.more : this.#open(rank.uses + 1, rank, rank.more)
    this.remove(slot)
    this.#put(slot, next)
  }

  remove(slot: number): void {
    const rank = this.#rankOf(slot)
    rank.queue.remove(slot)
    if (rank.queue.oldest !== noSlot) return
    if (rank.fewer === undefined) this.#lowest = rank.more
    else rank.fewer.more = rank.more
    if (rank.more !== undefined) rank.more.fewer = rank.fewer
  }

  uses(slot: number): number {
    return this.#rankOf(slot).uses
  }

  grow(): void {}

  choose(): number {
    return this.#lowest?.queue.oldest ?? noSlot
  }

  evicted(): void {}

  #open(uses: number, fewer: Rank | undefined, more: Rank | undefined): Rank {
    const rank = { uses, queue: new Queue(this.#slots, 1), fewer, more }
    if (fewer === undefined) this.#lowest = rank
    else fewer.more = rank
    if (more !== undefined) more.fewer = rank
    return rank
  }

  #put(slot: number, rank: Rank): void {
    rank.queue.push(slot)
    const page = Math.floor(slot / slotsPerPage)
    const ranks = this.#ranks[page] ?? []
    this.#ranks[page] = ranks
    ranks[slot & pageMask] = rank
  }

  #rankOf(slot: number): Rank {
    return this.#ranks[Math.floor(slot / slotsPerPage)]?.[slot & pageMask] as Rank
  }
}
