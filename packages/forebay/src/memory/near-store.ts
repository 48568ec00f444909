import { type NearBounds, type NearEntry, type NearPage, type NearStore, noSlot, type OpenNearStore, pageMask } from '../core/near-store.js'
import type { Eviction, Pressure } from './eviction.js'
import { Lfu } from './eviction-lfu.js'
import { Lru } from './eviction-lru.js'
import { S3Fifo } from './eviction-s3fifo.js'
import { KeyIndex } from './near-index.js'
import { Slots } from './near-slots.js'

/**
 * What an entry costs besides its key's characters and its value: its columns, its share of the index and the key's
 * header. Measured with a million entries on Node 20.20: 122 bytes.
 */
const overheadBytes = 120

/** No act works longer the more there is: `put` evicts while there is no room, and looks at one more slot for what is over. */
export class SlotStore<T> implements NearStore<T> {
  readonly #bounds: NearBounds
  readonly #onRemoved: (key: string, tags: T | undefined) => void
  #slots: Slots<T>
  #index: KeyIndex
  #eviction: Eviction
  #entries = 0
  #bytes = 0
  #evicted = 0
  #swept = 0

  constructor(bounds: NearBounds, onRemoved: (key: string, tags: T | undefined) => void) {
    this.#bounds = bounds
    this.#onRemoved = onRemoved
    this.#slots = new Slots<T>()
    this.#index = indexOf(this.#slots, bounds)
    this.#eviction = evictionOf(this.#slots, bounds)
  }

  get entries(): number {
    return this.#entries
  }

  get bytes(): number {
    return this.#bytes
  }

  takeEvicted(): number {
    const evicted = this.#evicted
    this.#evicted = 0
    return evicted
  }

  find(key: string): number {
    return this.#index.get(key)
  }

  page(slot: number): NearPage<T> {
    return this.#slots.page(slot)
  }

  touch(slot: number): void {
    this.#eviction.touch(slot)
  }

  uses(slot: number): number {
    return this.#eviction.uses(slot)
  }

  /** An entry larger than a tenth of all bytes is not kept. */
  fits(key: string, bytes: number): boolean {
    return this.#bounds.maxEntries > 0 && sizeOf(key, bytes) <= this.#bounds.maxBytes / 10
  }

  /** In place of an older one of its key, an entry keeps that one's place in the order of eviction. */
  put(entry: NearEntry<T>, nowMs: number): void {
    this.#sweep(nowMs)
    const size = sizeOf(entry.key, entry.bytes)
    const slot = this.find(entry.key)
    if (!this.fits(entry.key, entry.bytes)) {
      if (slot !== noSlot) this.#remove(slot)
      this.#onRemoved(entry.key, entry.tags)
    } else if (slot === noSlot) this.#add(entry, size, nowMs)
    else this.#replace(slot, entry, size, nowMs)
  }

  prolong(slot: number, freshUntilMs: number): void {
    const { freshUntilMs: untilMs } = this.#slots.page(slot)
    const i = slot & pageMask
    untilMs[i] = Math.max(untilMs[i] as number, freshUntilMs)
  }

  delete(key: string): void {
    const slot = this.find(key)
    if (slot !== noSlot) this.#remove(slot)
  }

  /** The tables are left to the garbage collector as they are. */
  clear(): void {
    this.#slots = new Slots<T>()
    this.#index = indexOf(this.#slots, this.#bounds)
    this.#eviction = evictionOf(this.#slots, this.#bounds)
    this.#entries = this.#bytes = this.#swept = 0
  }

  #add(entry: NearEntry<T>, size: number, nowMs: number): void {
    this.#makeRoom(1, size, nowMs)
    const slot = this.#slots.take(entry.key)
    this.#slots.page(slot).write(slot & pageMask, entry, size)
    this.#index.set(entry.key, slot)
    this.#eviction.add(slot, entry.key)
    this.#entries++
    this.#bytes += size
  }

  #replace(slot: number, entry: NearEntry<T>, size: number, nowMs: number): void {
    const page = this.#slots.page(slot)
    const i = slot & pageMask
    const more = size - (page.sizes[i] as number)
    const before = page.tags?.[i]
    this.#eviction.grow(slot, more)
    page.write(i, entry, size)
    this.#bytes += more
    this.#onRemoved(entry.key, before)
    this.#makeRoom(0, 0, nowMs)
  }

  #makeRoom(entries: number, bytes: number, nowMs: number): void {
    const { maxEntries, maxBytes } = this.#bounds
    while (this.#entries + entries > maxEntries) this.#evict('entries', nowMs)
    while (this.#bytes + bytes > maxBytes) this.#evict('bytes', nowMs)
  }

  #evict(pressure: Pressure, nowMs: number): void {
    const slot = this.#eviction.choose(pressure, nowMs)
    if (!this.#slots.page(slot).isOver(slot & pageMask, nowMs)) {
      this.#evicted++
      this.#eviction.evicted(slot)
    }
    this.#remove(slot)
  }

  /** Looks at one slot, in turn. */
  #sweep(nowMs: number): void {
    if (this.#slots.used === 0) return
    const slot = this.#swept++ % this.#slots.used
    const page = this.#slots.page(slot)
    if (page.queue[slot & pageMask] !== 0 && page.isOver(slot & pageMask, nowMs)) this.#remove(slot)
  }

  #remove(slot: number): void {
    const page = this.#slots.page(slot)
    const i = slot & pageMask
    const key = page.keys[i] as string
    const tags = page.tags?.[i]
    this.#eviction.remove(slot)
    this.#index.delete(key)
    this.#entries--
    this.#bytes -= page.sizes[i] as number
    this.#slots.give(slot)
    this.#onRemoved(key, tags)
  }
}

function sizeOf(key: string, bytes: number): number {
  return Math.ceil(bytes) + 2 * key.length + overheadBytes
}

function indexOf(slots: Slots<unknown>, { maxEntries, maxBytes }: NearBounds): KeyIndex {
  return new KeyIndex(slots, Math.min(maxEntries, maxBytes / overheadBytes))
}

function evictionOf(slots: Slots<unknown>, bounds: NearBounds): Eviction {
  if (bounds.policy === 's3fifo') return new S3Fifo(slots, bounds)
  return bounds.policy === 'lru' ? new Lru(slots) : new Lfu(slots)
}

/** The near store that is used unless another is given. */
export const openNearStore: OpenNearStore = (bounds, onRemoved) => new SlotStore(bounds, onRemoved)
