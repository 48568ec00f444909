import type { Clock, Random } from '../core/clock.js'
import type { HotKey } from './reports.js'

/**
 * Which keys of one cache this process reads oftenest from Redis: the Space-Saving sketch (Metwally, Agrawal, El Abbadi 2005) over windows of
 * a second. A fixed number of counters; a key without one takes over the smallest counter and its count, which is remembered as the
 * error, so that count less error never says too much. About one read in eight is counted, so that a read pays next to nothing.
 */
const mostCounters = 64
const meanStep = 8
const windowMs = 1_000
/** How much the window that has just ended counts in a key's rate. */
const weight = 0.5
/** Rates below this are forgotten. */
const leastRate = 0.5

interface Counter {
  key: string
  count: number
  error: number
  perSecond: number
}

export class HotKeys {
  readonly #clock: Clock
  readonly #random: Random
  readonly #counters = new Map<string, Counter>()
  /** The same, to be gone through quickly. */
  #all: readonly Counter[] = []
  #skip = 1
  #windowFromMs: number

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
    this.#windowFromMs = clock.now()
  }

  /** A key was read. */
  saw(key: string): void {
    if (--this.#skip > 0) return
    this.#skip = this.#step()
    this.#roll()
    this.#count(key)
  }

  /** Keys were read together. */
  sawAll(reads: readonly { readonly key: string }[]): void {
    let next = this.#skip - 1
    if (next < reads.length) this.#roll()
    for (; next < reads.length; next += this.#step()) this.#count(reads[next]?.key ?? '')
    this.#skip = next - reads.length + 1
  }

  /** Whether a key is read at least so often, as far as is certain. */
  isHot(key: string, perSecond: number): boolean {
    this.#roll()
    const counter = this.#counters.get(key)
    return counter !== undefined && Math.max(counter.perSecond, counter.count - counter.error) >= perSecond
  }

  /** A test for keys that are read at least so often. */
  atLeast(perSecond: number): (key: string) => boolean {
    return (key) => this.isHot(key, perSecond)
  }

  /** The keys by their rates, highest first. */
  report(most: number): readonly HotKey[] {
    this.#roll()
    return this.#all
      .map(({ key, perSecond }) => ({ key, readsPerSecond: perSecond }))
      .filter(({ readsPerSecond }) => readsPerSecond >= leastRate)
      .sort((a, b) => b.readsPerSecond - a.readsPerSecond)
      .slice(0, most)
  }

  #step(): number {
    return 1 + Math.floor(this.#random.unit() * (2 * meanStep - 1))
  }

  #count(key: string): void {
    const counter = this.#counters.get(key)
    if (counter !== undefined) counter.count += meanStep
    else if (this.#all.length < mostCounters) this.#admit({ key, count: meanStep, error: 0, perSecond: 0 })
    else this.#replace(this.#smallest(), key)
  }

  #admit(counter: Counter): void {
    this.#counters.set(counter.key, counter)
    this.#all = [...this.#counters.values()]
  }

  #replace(counter: Counter, key: string): void {
    this.#counters.delete(counter.key)
    this.#counters.set(key, counter)
    counter.key = key
    counter.error = counter.count
    counter.count += meanStep
    counter.perSecond = 0
  }

  /** The counter that is missed least: at a window's begin all counts are 0, and the rates tell. */
  #smallest(): Counter {
    let smallest = this.#all[0] as Counter
    for (const one of this.#all) if (one.count + one.perSecond < smallest.count + smallest.perSecond) smallest = one
    return smallest
  }

  /** Ends the windows that are over. */
  #roll(): void {
    const passed = Math.floor((this.#clock.now() - this.#windowFromMs) / windowMs)
    if (passed < 1) return
    this.#windowFromMs += passed * windowMs
    for (const counter of this.#all) {
      const ended = counter.perSecond * (1 - weight) + (counter.count - counter.error) * weight
      counter.perSecond = ended * (1 - weight) ** (passed - 1)
      counter.count = counter.error = 0
      if (counter.perSecond < leastRate) this.#counters.delete(counter.key)
    }
    this.#all = [...this.#counters.values()]
  }
}
