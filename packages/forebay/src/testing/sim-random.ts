import type { Random } from '../core/clock.js'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Chance that repeats: the same seed gives the same numbers (sfc32, seeded by splitmix over the name of the fork). A fork depends on its
 * name alone and not on how many numbers were drawn before, so that one more draw in one place does not change every other place.
 */
export class SimRandom implements Random {
  readonly #name: string
  #a = 0
  #b = 0
  #c = 0
  #counter = 1

  constructor(seed: number | string) {
    this.#name = String(seed)
    this.#start(this.#name)
  }

  /** A stream of its own, by name. */
  fork(name: string): SimRandom {
    return new SimRandom(`${this.#name}/${name}`)
  }

  /** From now on, draws are those of the fork of this name: what is drawn for one thing does not depend on what was drawn before it. */
  turnTo(name: string): void {
    this.#start(`${this.#name}/${name}`)
  }

  unit(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return (sum >>> 0) / 0x1_0000_0000
  }

  id(): string {
    let id = ''
    for (let i = 0; i < 8; i++) id += alphabet[this.below(64)]
    return id
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.unit() * limit)
  }

  /** A number from `low` up to `high`. */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  #start(name: string): void {
    const next = seeder(name)
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#counter = 1
    for (let i = 0; i < 12; i++) this.unit()
  }
}

function seeder(text: string): () => number {
  let state = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x0100_0193)
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0_aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a_2d97)
    return mixed ^ (mixed >>> 15)
  }
}
