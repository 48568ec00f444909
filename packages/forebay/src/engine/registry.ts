import type { Arrivals, ShardView } from '../core/shard-view.js'
import { type Chained, Chains } from './chains.js'

/**
 * What is under way in one cache. Every Redis read, load and set is registered from before its send until after its put; a notice that
 * may concern it marks it. Marked = what it brings is not kept in memory, and nobody joins it any more.
 */
export interface Registration extends Chained<Registration> {
  readonly key: string
  readonly shard: ShardView
  readonly bornAt: number
  readonly startedMs: number
  marked: boolean
  /** Tags dropped since it began; which of them concern it is known only once the value is. */
  tagsHeard: Set<string> | undefined
}

/** More tags than this during one flight, and it counts as marked. */
const mostTagsHeard = 64

export class Registry {
  readonly #running = new Chains<Registration>()
  readonly #arrivals: Arrivals

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  begin(key: string, shard: ShardView, nowMs: number): Registration {
    const bornAt = this.#arrivals.last
    const registration: Registration = { key, shard, bornAt, startedMs: nowMs, marked: false, tagsHeard: undefined, older: undefined }
    this.#running.add(key, registration)
    return registration
  }

  end(registration: Registration): void {
    this.#running.remove(registration.key, registration)
  }

  markKey(key: string, except?: Registration): void {
    for (let one = this.#running.newest(key); one !== undefined; one = one.older) if (one !== except) one.marked = true
  }

  markTags(tags: readonly string[]): void {
    this.#running.each((registration) => {
      registration.tagsHeard ??= new Set()
      for (const tag of tags) registration.tagsHeard.add(tag)
      if (registration.tagsHeard.size > mostTagsHeard) registration.marked = true
    })
  }

  markAll(): void {
    this.#running.each((registration) => {
      registration.marked = true
    })
  }

  markShard(shard: ShardView): void {
    this.#running.each((registration) => {
      if (registration.shard === shard) registration.marked = true
    })
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
