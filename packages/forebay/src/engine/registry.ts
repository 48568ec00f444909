import type { Arrivals, ShardView } from '../core/shard-view.js'

/**
 * What is under way in one cache. Every Redis read, load and set is registered from before its send until after its put; a notice that
 * may concern it marks it. Marked = what it brings is not kept in memory, and nobody joins it any more.
 */
export interface Registration {
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
  readonly #byKey = new Map<string, Set<Registration>>()
  readonly #arrivals: Arrivals

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  begin(key: string, shard: ShardView, nowMs: number): Registration {
    const registration: Registration = { key, shard, bornAt: this.#arrivals.last, startedMs: nowMs, marked: false, tagsHeard: undefined }
    const others = this.#byKey.get(key)
    if (others === undefined) this.#byKey.set(key, new Set([registration]))
    else others.add(registration)
    return registration
  }

  end(registration: Registration): void {
    const all = this.#byKey.get(registration.key)
    if (all?.delete(registration) && all.size === 0) this.#byKey.delete(registration.key)
  }

  markKey(key: string, except?: Registration): void {
    for (const registration of this.#byKey.get(key) ?? []) if (registration !== except) registration.marked = true
  }

  markTags(tags: readonly string[]): void {
    this.#each((registration) => {
      registration.tagsHeard ??= new Set()
      for (const tag of tags) registration.tagsHeard.add(tag)
      if (registration.tagsHeard.size > mostTagsHeard) registration.marked = true
    })
  }

  markAll(): void {
    this.#each((registration) => {
      registration.marked = true
    })
  }

  markShard(shard: ShardView): void {
    this.#each((registration) => {
      if (registration.shard === shard) registration.marked = true
    })
  }

  #each(visit: (registration: Registration) => void): void {
    for (const registrations of this.#byKey.values()) for (const registration of registrations) visit(registration)
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
