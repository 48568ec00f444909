import { countUse, noSlot, pageMask } from '../core/near-store.js'
import type { Eviction, Pressure, Room } from './eviction.js'
import { Ghost } from './ghost.js'
import { hashOf } from './near-index.js'
import { Queue } from './near-queue.js'
import type { Slots } from './near-slots.js'

/** Of the room, for entries that have not been used since they came. */
const smallShare = 0.1
/** Of the entries, how many that are gone are remembered. */
const ghostShare = 0.9
/** An eviction passes over no more entries than this, so that it never stands still where everything is in use; it costs less than 0.1 % of the hits. */
const mostSecondChances = 32

/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023), with promotion after one use. A new
 * entry waits in a small queue; if it was used by the time it reaches the end, it moves to the main queue, else it goes and only its
 * fingerprint stays, in the ghost. Who comes back while the ghost knows him begins in the main queue. At the end of the main queue an entry
 * that was used gets another round. A hit counts a use and moves nothing.
 */
export class S3Fifo implements Eviction {
  readonly #slots: Slots<unknown>
  readonly #room: Room
  readonly #small: Queue
  readonly #main: Queue
  readonly #ghost = new Ghost()

  constructor(slots: Slots<unknown>, room: Room) {
    this.#slots = slots
    this.#room = room
    this.#small = new Queue(slots, 1)
    this.#main = new Queue(slots, 2)
  }

  add(slot: number, key: string): void {
    const known = this.#ghost.size > 0 && this.#ghost.take(hashOf(key))
    const queue = known ? this.#main : this.#small
    queue.push(slot)
  }

  touch(slot: number): void {
    countUse(this.#slots.page(slot).uses, slot & pageMask)
  }

  remove(slot: number): void {
    this.#queueOf(slot).remove(slot)
  }

  uses(): number {
    return 0
  }

  grow(slot: number, bytes: number): void {
    this.#queueOf(slot).bytes += bytes
  }

  choose(pressure: Pressure, nowMs: number): number {
    for (let chances = 0; ; chances++) {
      const queue = this.#next(pressure)
      const slot = queue.oldest
      if (slot === noSlot) return noSlot
      const page = this.#slots.page(slot)
      const i = slot & pageMask
      const uses = page.uses[i] as number
      if (uses === 0 || chances === mostSecondChances || page.isOver(i, nowMs)) return slot
      page.uses[i] = queue === this.#small ? 0 : uses - 1
      queue.remove(slot)
      this.#main.push(slot)
    }
  }

  /** Only what was not used since it came is remembered. */
  evicted(slot: number): void {
    if (this.#queueOf(slot) !== this.#small) return
    this.#ghost.resize(ghostShare * (this.#small.entries + this.#main.entries))
    this.#ghost.add(hashOf(this.#slots.page(slot).keys[slot & pageMask] as string))
  }

  #next(pressure: Pressure): Queue {
    const held = pressure === 'entries' ? this.#small.entries : this.#small.bytes
    const room = pressure === 'entries' ? this.#room.maxEntries : this.#room.maxBytes
    return held > smallShare * room || this.#main.oldest === noSlot ? this.#small : this.#main
  }

  #queueOf(slot: number): Queue {
    return this.#slots.page(slot).queue[slot & pageMask] === 1 ? this.#small : this.#main
  }
}
