import type { Clock } from '../core/clock.js'
import type { Times } from '../core/envelope.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import { type CachePlan, mostSlides } from '../core/plan.js'
import type { Shards } from './shards.js'

export interface SlidesParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly tell: Tell
  readonly track: (work: Promise<unknown>) => void
}

/**
 * Prolongs lives in the far store. Coherence is not touched: an extension changes an entry's times and nothing that decides whether it is
 * valid (its incarnation, epoch and tags stay, no stamp and no notice is made, no lease is touched), so every fence that would have voided
 * the entry still does. It is one act on an entry that the shard finds valid and fresh in that same act: one that comes after an
 * invalidation finds nothing, one that comes after `markStale` finds freshness ended and leaves it so.
 */
export class Slides {
  readonly #plan: CachePlan
  readonly #parts: SlidesParts
  readonly #underWay = new Set<string>()

  constructor(plan: CachePlan, parts: SlidesParts) {
    this.#plan = plan
    this.#parts = parts
  }

  /** Prolongs in the background, unless that is under way: the hit does not wait. As `extend`. */
  slide(at: EntryAddress, freshMs: number, prolonged: (times: Times) => void): void {
    if (this.#underWay.has(at.key) || this.#underWay.size >= mostSlides) return
    this.#underWay.add(at.key)
    const sliding = this.extend(at, freshMs)
      .then((times) => times && prolonged(times))
      .catch(() => {}) // nobody waits for it; the entry ends when it would have
      .finally(() => this.#underWay.delete(at.key))
    this.#parts.track(sliding)
  }

  /** Prolongs by this span (0 = the entry's own); its times in own monotonic time, or `undefined` where no fresh entry is known. */
  async extend(at: EntryAddress, freshMs: number): Promise<Times | undefined> {
    const { far, shards, clock, tell } = this.#parts
    if (shards.away(at)) return undefined
    const sentMs = clock.now()
    try {
      const answer = await far.extend(at, { freshMs, maxAgeMs: this.#plan.sliding?.maxMs ?? 0 })
      if (answer === undefined) return undefined
      tell({ type: 'extend', cache: at.cache, key: at.key })
      const offsetMs = answer.nowMs - sentMs
      const { createdMs, freshUntilMs, staleUntilMs, errorUntilMs } = answer
      return {
        createdMs: createdMs - offsetMs,
        freshUntilMs: freshUntilMs - offsetMs,
        staleUntilMs: staleUntilMs - offsetMs,
        errorUntilMs: errorUntilMs - offsetMs,
      }
    } catch (error) {
      if (!isAway(error)) throw error
      tell({ type: 'degraded', cache: at.cache, error })
      return undefined
    }
  }
}
