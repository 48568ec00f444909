import type { Eviction } from './eviction.js'
import { Queue } from './near-queue.js'
import type { Slots } from './near-slots.js'

/** The least recently used entry goes. */
export class Lru implements Eviction {
  readonly #queue: Queue

  constructor(slots: Slots<unknown>) {
    this.#queue = new Queue(slots, 1)
  }

  add(slot: number): void {
    this.#queue.push(slot)
  }

  touch(slot: number): void {
    if (slot === this.#queue.newest) return
    this.#queue.remove(slot)
    this.#queue.push(slot)
  }

  remove(slot: number): void {
    this.#queue.remove(slot)
  }

  uses(): number {
    return 0
  }

  grow(): void {}

  choose(): number {
    return this.#queue.oldest
  }

  evicted(): void {}
}
