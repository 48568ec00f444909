import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noSlot } from '../core/near-store.js'
import { SlotStore } from './near-store.js'

/** S3-FIFO as its paper tells it, with lists and promotion after one use: no bound of second chances, and a ghost that knows keys. */
class Literal {
  readonly #capacity: number
  readonly #small: string[] = []
  readonly #main: string[] = []
  #ghost: string[] = []
  readonly #uses = new Map<string, number>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Whether it is a hit. */
  ask(key: string): boolean {
    const uses = this.#uses.get(key)
    if (uses !== undefined) {
      this.#uses.set(key, Math.min(uses + 1, 3))
      return true
    }
    while (this.#uses.size >= this.#capacity) this.#evict()
    const known = this.#ghost.includes(key)
    this.#ghost = this.#ghost.filter((one) => one !== key)
    ;(known ? this.#main : this.#small).push(key)
    this.#uses.set(key, 0)
    return false
  }

  #evict(): void {
    if (this.#small.length > 0.1 * this.#capacity || this.#main.length === 0) {
      const key = this.#small.shift() ?? ''
      if (this.#uses.get(key) === 0) {
        this.#uses.delete(key)
        this.#ghost.push(key)
        if (this.#ghost.length > ghostOf(this.#capacity)) this.#ghost.shift()
      } else {
        this.#uses.set(key, 0)
        this.#main.push(key)
      }
    } else {
      const key = this.#main.shift() ?? ''
      const uses = this.#uses.get(key) ?? 0
      if (uses === 0) this.#uses.delete(key)
      else {
        this.#uses.set(key, uses - 1)
        this.#main.push(key)
      }
    }
  }
}

/** The ghost has room for whole sets of prints. */
function ghostOf(capacity: number): number {
  return 32 * Math.max(1, Math.round((0.9 * capacity) / 32))
}

function storeOf(maxEntries: number) {
  const store = new SlotStore<string>({ maxEntries, maxBytes: 1e9, policy: 's3fifo' }, () => {})
  const put = (key: string): void => {
    const life = { trustedUntilMs: 1, createdMs: 0, freshUntilMs: 1, staleUntilMs: 1, errorUntilMs: 1 }
    store.put({ key, value: key, shard: 0, bornAt: 0, bytes: 1, tags: undefined, ...life }, 0)
  }
  const ask = (key: string): boolean => {
    const slot = store.find(key)
    if (slot === noSlot) put(key)
    else store.touch(slot)
    return slot !== noSlot
  }
  return { store, ask }
}

describe('S3-FIFO', () => {
  it('decides as its paper does', () => {
    // One set of prints, so that the ghost is one queue; and fewer entries than second chances, so that their bound is not felt.
    const keys = fc.array(fc.nat(30), { minLength: 50, maxLength: 400 })
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 12 }), (asked, capacity) => {
        const { ask } = storeOf(capacity)
        const literal = new Literal(capacity)
        expect(asked.map((id) => ask(`key ${id}`))).toEqual(asked.map((id) => literal.ask(`key ${id}`)))
      }),
    )
  })

  it('is not flushed by a scan', () => {
    const { ask } = storeOf(100)
    const hot = Array.from({ length: 50 }, (_, i) => `hot ${i}`)
    for (let round = 0; round < 3; round++) for (const key of hot) ask(key)
    for (let i = 0; i < 10_000; i++) ask(`scanned ${i}`)
    // One or another goes for a key whose print is taken for that of one that came back.
    expect(hot.filter(ask).length).toBeGreaterThan(45)
  })

  it('learns a new working set, whatever was used before: it cannot lock up', () => {
    const { ask } = storeOf(1_000)
    for (let i = 0; i < 20_000; i++) {
      ask(`once ${i}`)
      if (i >= 3) ask(`once ${i - 3}`)
    }
    let hits = 0
    for (let i = 0; i < 20_000; i++) if (ask(`loop ${i % 500}`)) hits++
    expect(hits / 20_000).toBeGreaterThan(0.95)
  })

  it('passes over no more than 32 entries that are in use', () => {
    const { store, ask } = storeOf(100)
    for (let round = 0; round < 4; round++) for (let i = 0; i < 100; i++) ask(`k${i}`)
    ask('new')
    expect(store.entries).toBe(100)
    const kept = Array.from({ length: 100 }, (_, i) => store.find(`k${i}`) !== noSlot)
    expect(kept.indexOf(false)).toBe(32)
  })
})
