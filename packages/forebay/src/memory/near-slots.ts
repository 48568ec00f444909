import { type NearEntry, type NearPage, noSlot, pageMask, slotsPerPage } from '../core/near-store.js'

const pageBits = 9

/** One page: what the engine reads, and what the policies keep beside it. One buffer holds all numbers. */
export class Page<T> implements NearPage<T> {
  readonly keys: string[] = new Array<string>(slotsPerPage).fill('')
  readonly values: unknown[] = new Array<unknown>(slotsPerPage).fill(undefined)
  tags: (T | undefined)[] | undefined = undefined
  readonly bornAt: Float64Array
  readonly createdMs: Float64Array
  readonly freshUntilMs: Float64Array
  readonly trustedForMs: Float32Array
  readonly staleForMs: Float32Array
  readonly errorForMs: Float32Array
  readonly sizes: Uint32Array
  /** Neighbours in the slot's queue. */
  readonly newer: Int32Array
  readonly older: Int32Array
  readonly shards: Uint16Array
  /** Uses since the entry came or was last given a chance: no more than `mostUses`. */
  readonly uses: Uint8Array
  /** Which queue it is in: the policy's number, from 1. 0 = the slot is free. */
  readonly queue: Uint8Array

  constructor() {
    const n = slotsPerPage
    const buffer = new ArrayBuffer(52 * n)
    this.bornAt = new Float64Array(buffer, 0, n)
    this.createdMs = new Float64Array(buffer, 8 * n, n)
    this.freshUntilMs = new Float64Array(buffer, 16 * n, n)
    this.trustedForMs = new Float32Array(buffer, 24 * n, n)
    this.staleForMs = new Float32Array(buffer, 28 * n, n)
    this.errorForMs = new Float32Array(buffer, 32 * n, n)
    this.sizes = new Uint32Array(buffer, 36 * n, n)
    this.newer = new Int32Array(buffer, 40 * n, n)
    this.older = new Int32Array(buffer, 44 * n, n)
    this.shards = new Uint16Array(buffer, 48 * n, n)
    this.uses = new Uint8Array(buffer, 50 * n, n)
    this.queue = new Uint8Array(buffer, 51 * n, n)
  }

  write(i: number, entry: NearEntry<T>, size: number): void {
    this.values[i] = entry.value
    if (entry.tags !== undefined) this.tags ??= new Array<T | undefined>(slotsPerPage).fill(undefined)
    if (this.tags !== undefined) this.tags[i] = entry.tags
    this.shards[i] = entry.shard
    this.bornAt[i] = entry.bornAt
    this.createdMs[i] = entry.createdMs
    this.freshUntilMs[i] = entry.freshUntilMs
    this.trustedForMs[i] = roundedDown(entry.trustedUntilMs, entry.createdMs)
    this.staleForMs[i] = roundedDown(entry.staleUntilMs, entry.freshUntilMs)
    this.errorForMs[i] = roundedDown(entry.errorUntilMs, entry.freshUntilMs)
    this.sizes[i] = size
  }

  /** Whether nothing can make the entry worth serving any more. */
  isOver(i: number, nowMs: number): boolean {
    const windowMs = Math.max(this.staleForMs[i] as number, this.errorForMs[i] as number, 0)
    return nowMs >= (this.freshUntilMs[i] as number) + windowMs
  }
}

/** The time from `sinceMs` to `untilMs` in 32 bits, never more than it is. */
function roundedDown(untilMs: number, sinceMs: number): number {
  if (untilMs === sinceMs) return 0 // both may be infinite
  const ms = untilMs - sinceMs
  const near = Math.fround(ms)
  return near <= ms ? near : Math.fround(ms - Math.abs(ms) * 2 ** -24)
}

/** All slots of a store: it grows by pages, and gives a freed slot out again first. */
export class Slots<T> {
  readonly #pages: Page<T>[] = []
  #used = 0
  #firstFree = noSlot

  /** Slots that are or were in use. */
  get used(): number {
    return this.#used
  }

  page(slot: number): Page<T> {
    return this.#pages[slot >> pageBits] as Page<T>
  }

  /** A slot for this key. */
  take(key: string): number {
    const slot = this.#firstFree === noSlot ? this.#new() : this.#firstFree
    const page = this.page(slot)
    if (slot === this.#firstFree) this.#firstFree = page.newer[slot & pageMask] as number
    page.keys[slot & pageMask] = key
    page.uses[slot & pageMask] = 0
    return slot
  }

  give(slot: number): void {
    const page = this.page(slot)
    const i = slot & pageMask
    page.keys[i] = ''
    page.values[i] = undefined
    if (page.tags !== undefined) page.tags[i] = undefined
    page.queue[i] = 0
    page.newer[i] = this.#firstFree
    this.#firstFree = slot
  }

  #new(): number {
    const slot = this.#used++
    if ((slot & pageMask) === 0) this.#pages.push(new Page<T>())
    return slot
  }
}
