import { noSlot, pageMask } from '../core/near-store.js'
import type { Slots } from './near-slots.js'

/**
 * From keys to slots. One `Map` of a million keys stands still for 20 to 65 ms when it grows, so keys are spread by their hash over maps of
 * some thousands each. Up to `mostInOne` keys there is one map and nothing is hashed; beyond, its keys move to the others, a few at each `set`.
 */
export class KeyIndex {
  readonly #slots: Slots<unknown>
  readonly #segments: number
  #first = new Map<string, number>()
  #spread: Map<string, number>[] | undefined = undefined
  #moved = 0

  /** `mostKeys`: as many as there will ever be. */
  constructor(slots: Slots<unknown>, mostKeys: number) {
    this.#slots = slots
    this.#segments = Math.min(Math.ceil(mostKeys / keysASegment), mostSegments)
  }

  get(key: string): number {
    return this.#spread === undefined ? (this.#first.get(key) ?? noSlot) : this.#look(this.#spread, key)
  }

  set(key: string, slot: number): void {
    if (this.#spread === undefined && this.#first.size < mostInOne) {
      this.#first.set(key, slot)
      return
    }
    this.#spread ??= Array.from({ length: this.#segments }, () => new Map<string, number>())
    this.#segmentOf(this.#spread, key).set(key, slot)
    if (this.#first.size > 0) this.#move(this.#first, this.#spread)
  }

  delete(key: string): void {
    if (this.#first.delete(key) || this.#spread === undefined) return
    this.#segmentOf(this.#spread, key).delete(key)
  }

  #look(spread: readonly Map<string, number>[], key: string): number {
    return this.#segmentOf(spread, key).get(key) ?? this.#first.get(key) ?? noSlot
  }

  /** All keys of the first map had the first slots, so it is emptied when these have been passed. */
  #move(first: Map<string, number>, spread: readonly Map<string, number>[]): void {
    for (let moves = 0; moves < movesASet && first.size > 0; moves++) {
      const slot = this.#moved++
      const key = this.#slots.page(slot).keys[slot & pageMask] as string
      if (first.get(key) !== slot) continue
      first.delete(key)
      this.#segmentOf(spread, key).set(key, slot)
    }
    if (first.size === 0) this.#first = new Map()
  }

  #segmentOf(spread: readonly Map<string, number>[], key: string): Map<string, number> {
    return spread[Math.floor(((hashOf(key) >>> 0) * spread.length) / 2 ** 32)] as Map<string, number>
  }
}

/** V8's maps double at powers of two: so many keys fill one for 8,192, which is more by 5.6 times what the hash strews. */
const keysASegment = 7_700
const mostInOne = 16_000
const mostSegments = 4_096
const movesASet = 8

/** 32 bits of a key: FNV-1a with a last mixing, since neighbours' keys differ in their last character alone. */
export function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
