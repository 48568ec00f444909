import type { Clock } from '../core/clock.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import type { Held } from './held.js'
import type { Job } from './job.js'
import { mayJoin, type Registration } from './registry.js'
import { type Served, served } from './served.js'

/** Whose load it is, and for whom. */
interface Flown {
  readonly registration: Registration
  readonly at: EntryAddress
  readonly job: Job
}

/** How long a caller waits for a load while an old value that may be served is at hand, which is then served instead. */
export class SoftTimeout {
  readonly #parts: { readonly clock: Clock; readonly tell: Tell }
  readonly #flown: Flown
  readonly #dueMs: number

  constructor({ softTimeoutMs }: CachePlan, parts: { readonly clock: Clock; readonly tell: Tell }, flown: Flown) {
    this.#parts = parts
    this.#flown = flown
    const { background, options } = flown.job
    const waits = softTimeoutMs === 0 || background || options?.fresh === true || options?.mustRevalidate === true
    this.#dueMs = waits ? Number.POSITIVE_INFINITY : parts.clock.now() + softTimeoutMs
  }

  /** In how many milliseconds the old value is served instead; infinite if it never is. */
  remainingMs(old: Held | undefined): number {
    const { clock } = this.#parts
    return old !== undefined && this.#dueMs < servableUntil(old) ? Math.max(0, this.#dueMs - clock.now()) : Number.POSITIVE_INFINITY
  }

  isOver(old: Held): boolean {
    const nowMs = this.#parts.clock.now()
    return nowMs >= this.#dueMs && nowMs < servableUntil(old)
  }

  /** What a load brings, or the old value if that takes too long; the load goes on, and its flight is not over before it. */
  async unlessSlow(loading: Promise<Served>, old: Held | undefined): Promise<Served> {
    const waitMs = this.remainingMs(old)
    if (old === undefined || waitMs === Number.POSITIVE_INFINITY) return loading
    const { registration, job } = this.#flown
    const { clock } = this.#parts
    job.track(loading)
    let elapse = (): void => {}
    const elapsed = new Promise<undefined>((resolve) => {
      elapse = () => resolve(undefined)
    })
    const timer = clock.after(waitMs, elapse)
    const first = await Promise.race([loading, elapsed]).finally(() => timer.cancel())
    if (first !== undefined || !mayJoin(registration) || clock.now() >= servableUntil(old)) return first ?? loading
    job.shareUntil(servableUntil(old))
    return this.serve(old)
  }

  serve(old: Held): Served {
    const { cache, key } = this.#flown.at
    this.#parts.tell({ type: 'stale', cache, key, tier: 'redis', why: 'slow' })
    return served('redis', old, 'slow')
  }
}

/** The end of the longer of both stale windows. */
function servableUntil({ staleUntilMs, errorUntilMs }: Pick<Held, 'staleUntilMs' | 'errorUntilMs'>): number {
  return Math.max(staleUntilMs, errorUntilMs)
}
