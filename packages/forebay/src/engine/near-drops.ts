import { mostPatterns } from '../core/far-store.js'
import { fits } from '../core/pattern.js'
import type { Arrivals } from '../core/shard-view.js'
import { type TagCell, TagTable } from './tags.js'

/**
 * What has been dropped from one cache's memory in groups. The copies are not sought out for that: each is asked about when it is looked at,
 * by its tags, its key and the arrival at which its flight was registered.
 */
export class NearDrops {
  readonly #arrivals: Arrivals
  #tags = new TagTable()
  /** Patterns dropped lately, with their arrivals. */
  readonly #patterns = new Map<string, { readonly parts: readonly string[]; readonly at: number }>()
  /** What was registered before was dropped with everything. */
  allAt = 0

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  /** The tags of a copy, as they are asked about; given back by `release` when it goes. */
  take(tags: readonly string[]): readonly TagCell[] | undefined {
    return tags.length === 0 ? undefined : this.#tags.take(tags)
  }

  release(tags: readonly TagCell[]): void {
    this.#tags.release(tags)
  }

  dropTags(tags: readonly string[]): void {
    const arrival = ++this.#arrivals.last
    for (const tag of tags) this.#tags.drop(tag, arrival)
  }

  /** False if there are too many to be asked about: then everything is to be dropped. */
  dropPattern(parts: readonly string[]): boolean {
    this.#patterns.set(JSON.stringify(parts), { parts, at: ++this.#arrivals.last })
    return this.#patterns.size <= mostPatterns
  }

  dropAll(): void {
    this.allAt = ++this.#arrivals.last
    this.#patterns.clear()
    this.#tags = new TagTable()
  }

  /** Whether a group that was dropped since `bornAt` holds the copy under this key. */
  concern(key: string, bornAt: number, tags: readonly TagCell[] | undefined): boolean {
    if (tags !== undefined && isAnyDropped(tags, bornAt)) return true
    return this.#patterns.size > 0 && this.#fitsDropped(key, bornAt)
  }

  #fitsDropped(key: string, bornAt: number): boolean {
    for (const { parts, at } of this.#patterns.values()) if (bornAt < at && fits(parts, key)) return true
    return false
  }
}

function isAnyDropped(tags: readonly TagCell[], bornAt: number): boolean {
  for (let i = 0; i < tags.length; i++) if (bornAt < (tags[i] as TagCell).droppedAt) return true
  return false
}
