import type { NearBounds, NearEntry, NearStore, OpenNearStore } from '../core/near-store.js'

/**
 * The near store: what one cache keeps in this process's memory. Bounded in entries and bytes by second chance (CLOCK): a hit sets a
 * bit and moves nothing; eviction takes the oldest entry, or gives it one more round if its bit is set. At most 32 second chances an
 * eviction, so that no `set` does unbounded work when everything is hot.
 */
interface Slot<S> extends NearEntry<S> {
  referenced: boolean
  newer: Slot<S> | undefined
  older: Slot<S> | undefined
}

const mostSecondChances = 32
/**
 * What an entry costs besides its key and its encoded value: the heap that 66,000 to 132,000 entries with short texts took on Node 20.20 came
 * to 265-290 bytes above these. Each tag adds about 35. A value of many small objects may take three times its encoded length.
 */
const overheadBytes = 280

export class ClockStore<S> implements NearStore<S> {
  readonly #slots = new Map<string, Slot<S>>()
  readonly #bounds: NearBounds
  readonly #onRemoved: (standing: S) => void
  #newest: Slot<S> | undefined
  #oldest: Slot<S> | undefined
  #bytes = 0
  #evicted = 0

  constructor(bounds: NearBounds, onRemoved: (standing: S) => void) {
    this.#bounds = bounds
    this.#onRemoved = onRemoved
  }

  get entries(): number {
    return this.#slots.size
  }

  get bytes(): number {
    return this.#bytes
  }

  takeEvicted(): number {
    const evicted = this.#evicted
    this.#evicted = 0
    return evicted
  }

  get(key: string): NearEntry<S> | undefined {
    const slot = this.#slots.get(key)
    if (slot !== undefined) slot.referenced = true
    return slot
  }

  /** Keeps an entry, in place of an older one of the same key. An entry larger than a tenth of all bytes is not kept. */
  put(entry: NearEntry<S>): void {
    this.delete(entry.key)
    const bytes = entry.bytes + 2 * entry.key.length + overheadBytes
    if (this.#bounds.maxEntries === 0 || bytes > this.#bounds.maxBytes / 10) return this.#onRemoved(entry.standing)
    const slot = slotOf(entry, bytes)
    this.#slots.set(entry.key, slot)
    this.#bytes += bytes
    this.#linkNewest(slot)
    while (this.#slots.size > this.#bounds.maxEntries || this.#bytes > this.#bounds.maxBytes) this.#evictOne()
  }

  delete(key: string): void {
    const slot = this.#slots.get(key)
    if (slot !== undefined) this.#remove(slot)
  }

  clear(): void {
    for (const slot of this.#slots.values()) this.#onRemoved(slot.standing)
    this.#slots.clear()
    this.#newest = this.#oldest = undefined
    this.#bytes = 0
  }

  #evictOne(): void {
    for (let chances = 0; chances < mostSecondChances; chances++) {
      const oldest = this.#oldest
      if (oldest === undefined || !oldest.referenced) break
      oldest.referenced = false
      this.#unlink(oldest)
      this.#linkNewest(oldest)
    }
    if (this.#oldest === undefined) return
    this.#evicted++
    this.#remove(this.#oldest)
  }

  #remove(slot: Slot<S>): void {
    this.#slots.delete(slot.key)
    this.#bytes -= slot.bytes
    this.#unlink(slot)
    this.#onRemoved(slot.standing)
  }

  #linkNewest(slot: Slot<S>): void {
    slot.older = this.#newest
    slot.newer = undefined
    if (this.#newest !== undefined) this.#newest.newer = slot
    this.#newest = slot
    this.#oldest ??= slot
  }

  #unlink(slot: Slot<S>): void {
    if (slot.older === undefined) this.#oldest = slot.newer
    else slot.older.newer = slot.newer
    if (slot.newer === undefined) this.#newest = slot.older
    else slot.newer.older = slot.older
  }
}

/** Name by name: an object that begins with a spread is a hash table to V8, and takes 380 bytes more. */
function slotOf<S>({ key, value, standing, createdMs, freshUntilMs, staleUntilMs, errorUntilMs }: NearEntry<S>, bytes: number): Slot<S> {
  return {
    key,
    value,
    standing,
    createdMs,
    freshUntilMs,
    staleUntilMs,
    errorUntilMs,
    bytes,
    referenced: false,
    newer: undefined,
    older: undefined,
  }
}

/** The near store that is used unless another is given. */
export const openNearStore: OpenNearStore = (bounds, onRemoved) => new ClockStore(bounds, onRemoved)
