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

/** More tags than this during one flight, and it counts as marked. */
const mostTagsHeard = 64

/**
 * After so many entries the table is made anew. In a map that comes and goes like this one V8 rehashes often; once the map is old, each table
 * that it leaves behind is old too, and keeps what was under way then from being collected young. That made a read a third dearer.
 */
const renewAfter = 1_024

export class Registry<F = unknown> {
  #newest = new Map<string, Registration<F>>()
  #begun = 0
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
  }

  markTags(tags: readonly string[]): void {
    this.each((registration) => {
      if (registration.marked) return
      registration.tagsHeard ??= new Set()
      for (const tag of tags) registration.tagsHeard.add(tag)
      if (registration.tagsHeard.size > mostTagsHeard) registration.marked = true
    })
  }

  markPattern(parts: readonly string[]): void {
    this.each((registration) => {
      if (fits(parts, registration.key)) registration.marked = true
    })
  }

  markAll(): void {
    this.each((registration) => {
      registration.marked = true
    })
  }

  markShard(shard: ShardView): void {
    this.each((registration) => {
      if (registration.shard === shard) registration.marked = true
    })
  }

  each(visit: (registration: Registration<F>) => void): void {
    for (const newest of this.#newest.values())
      for (let one: Registration<F> | undefined = newest; one !== undefined; one = one.older) visit(one)
  }
}

/** Whether what a flight brought, with these tags, may be kept in memory. */
export function mayKeep(registration: Registration, tags: readonly string[]): boolean {
  return !registration.marked && !tags.some((tag) => registration.tagsHeard?.has(tag))
}

/** Whether a caller who comes now may have what a flight will bring (its tags are not known yet, so any tag dropped since spoils it). */
export function mayJoin(registration: Registration): boolean {
  return !registration.marked && registration.tagsHeard === undefined
}
