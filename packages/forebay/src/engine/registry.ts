import { fits } from '../core/pattern.js'
import type { Arrivals, ShardView } from '../core/shard-view.js'

/**
 * What is under way in one cache. Every Redis read, load and set is registered from before its send until after its put; a notice that
 * may concern it marks it. Marked = what it brings is not kept in memory, and nobody joins it any more.
 */
export interface Registration<F = unknown> {
  readonly key: string
  readonly shard: ShardView
  readonly bornAt: number
  readonly startedMs: number
  /** As of when what it brings is true: its start, or the proof before it on which a plain read rests. */
  trueAsOfMs: number
  marked: boolean
  /** Tags dropped since it began; which of them concern it is known only once the value is. */
  tagsHeard: Set<string> | undefined
  /** The flight that it belongs to, from its start until it has landed. */
  flight: F | undefined
  /** What began before it for the same key and is still under way: a key has mostly none or one, so there is a chain and no list. */
  older: Registration<F> | undefined
}

/**
 * Keys of one cache that are read together. It hears what a registration of each of them would, but what it hears it only writes down, at
 * the same cost for one key and for a thousand; what of that concerns a key is asked when it is to be kept. Nobody joins it.
 */
export interface Reading {
  readonly bornAt: number
  readonly startedMs: number
  /** As of when all that it brings is true: its start, or the oldest of the proofs before it on which plain reads rest. */
  trueAsOfMs: number
  /** None of what it brings is kept in memory. */
  marked: boolean
  tagsHeard: Set<string> | undefined
  keysHeard: Set<string> | undefined
}

/** More tags than this during one flight, or more tags or keys during one reading, and it counts as marked. */
const mostHeard = 64

/**
 * After so many entries the table is made anew. In a map that comes and goes like this one V8 rehashes often; once the map is old, each table
 * that it leaves behind is old too, and keeps what was under way then from being collected young. That made a read a third dearer.
 */
const renewAfter = 1_024

export class Registry<F = unknown> {
  #newest = new Map<string, Registration<F>>()
  #begun = 0
  readonly #readings = new Set<Reading>()
  readonly #arrivals: Arrivals

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  begin(key: string, shard: ShardView, nowMs: number): Registration<F> {
    const registration: Registration<F> = {
      key,
      shard,
      bornAt: this.#arrivals.last,
      startedMs: nowMs,
      trueAsOfMs: nowMs,
      marked: false,
      tagsHeard: undefined,
      flight: undefined,
      older: this.#newest.get(key),
    }
    if (++this.#begun > renewAfter + 4 * this.#newest.size) this.#renew()
    this.#newest.set(key, registration)
    return registration
  }

  end(registration: Registration<F>): void {
    const { key, older } = registration
    const newest = this.#newest.get(key)
    if (newest !== registration) {
      for (let one = newest; one !== undefined; one = one.older) if (one.older === registration) one.older = older
    } else if (older === undefined) this.#newest.delete(key)
    else this.#newest.set(key, older)
  }

  /** Many keys are about to be read by one call; to be ended when what it brings has been put. */
  beginReading(nowMs: number): Reading {
    const { last } = this.#arrivals
    const reading = { bornAt: last, startedMs: nowMs, trueAsOfMs: nowMs, marked: false, tagsHeard: undefined, keysHeard: undefined }
    this.#readings.add(reading)
    return reading
  }

  endReading(reading: Reading): void {
    this.#readings.delete(reading)
  }

  #renew(): void {
    this.#newest = new Map(this.#newest)
    this.#begun = 0
  }

  /** What began last for a key and is still under way. */
  newest(key: string): Registration<F> | undefined {
    return this.#newest.get(key)
  }

  markKey(key: string, except?: Registration): void {
    for (let one = this.#newest.get(key); one !== undefined; one = one.older) if (one !== except) one.marked = true
    for (const reading of this.#readings) {
      reading.keysHeard ??= new Set()
      hear(reading, reading.keysHeard, [key])
    }
  }

  markTags(tags: readonly string[]): void {
    this.#all((one) => {
      one.tagsHeard ??= new Set()
      hear(one, one.tagsHeard, tags)
    })
  }

  /** Patterns are rare: a reading is marked without asking which of its keys fit. */
  markPattern(parts: readonly string[]): void {
    this.each((registration) => {
      if (fits(parts, registration.key)) registration.marked = true
    })
    this.#markReadings()
  }

  markAll(): void {
    this.#all((one) => {
      one.marked = true
    })
  }

  /** As rare: a reading is marked without asking which of its keys lie there. */
  markShard(shard: ShardView): void {
    this.each((registration) => {
      if (registration.shard === shard) registration.marked = true
    })
    this.#markReadings()
  }

  each(visit: (registration: Registration<F>) => void): void {
    for (const newest of this.#newest.values())
      for (let one: Registration<F> | undefined = newest; one !== undefined; one = one.older) visit(one)
  }

  #all(visit: (one: Registration<F> | Reading) => void): void {
    this.each(visit)
    this.#readings.forEach(visit)
  }

  #markReadings(): void {
    for (const reading of this.#readings) reading.marked = true
  }
}

function hear(one: { marked: boolean }, heard: Set<string>, names: readonly string[]): void {
  if (one.marked) return
  for (const name of names) heard.add(name)
  if (heard.size > mostHeard) one.marked = true
}

/** One key of a reading as if it were registered by itself, by what has been heard up to now. */
export function oneOf<F>(reading: Reading, key: string, shard: ShardView): Registration<F> {
  const { bornAt, startedMs, trueAsOfMs, tagsHeard, keysHeard } = reading
  const marked = reading.marked || keysHeard?.has(key) === true
  return { key, shard, bornAt, startedMs, trueAsOfMs, marked, tagsHeard, flight: undefined, older: undefined }
}

/** Whether what a flight brought, with these tags, may be kept in memory. */
export function mayKeep(registration: Registration, tags: readonly string[]): boolean {
  return !registration.marked && !tags.some((tag) => registration.tagsHeard?.has(tag))
}

/** Whether a caller who comes now may have what a flight will bring (its tags are not known yet, so any tag dropped since spoils it). */
export function mayJoin(registration: Registration): boolean {
  return !registration.marked && registration.tagsHeard === undefined
}
