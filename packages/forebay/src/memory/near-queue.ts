import { noSlot, pageMask } from '../core/near-store.js'
import type { Slots } from './near-slots.js'

/** A queue of slots, linked through their pages: put in at one end, taken from anywhere. */
export class Queue {
  readonly #slots: Slots<unknown>
  readonly #name: number
  newest = noSlot
  oldest = noSlot
  entries = 0
  bytes = 0

  /** `name`: how its slots are marked; not 0. */
  constructor(slots: Slots<unknown>, name: number) {
    this.#slots = slots
    this.#name = name
  }

  push(slot: number): void {
    const page = this.#slots.page(slot)
    const i = slot & pageMask
    page.queue[i] = this.#name
    page.older[i] = this.newest
    page.newer[i] = noSlot
    if (this.newest === noSlot) this.oldest = slot
    else this.#slots.page(this.newest).newer[this.newest & pageMask] = slot
    this.newest = slot
    this.entries++
    this.bytes += page.sizes[i] as number
  }

  remove(slot: number): void {
    const page = this.#slots.page(slot)
    const i = slot & pageMask
    const newer = page.newer[i] as number
    const older = page.older[i] as number
    if (older === noSlot) this.oldest = newer
    else this.#slots.page(older).newer[older & pageMask] = newer
    if (newer === noSlot) this.newest = older
    else this.#slots.page(newer).older[newer & pageMask] = older
    this.entries--
    this.bytes -= page.sizes[i] as number
  }
}
