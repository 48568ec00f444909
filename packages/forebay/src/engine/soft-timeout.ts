import type { Clock } from '../core/clock.js'
import type { CachePlan } from '../core/plan.js'
import type { Held } from './near.js'
import type { GetOrSetOptions } from './public.js'

/** Who waits for a load. */
interface Waiter {
  readonly background: boolean
  readonly options: GetOrSetOptions | undefined
}

/** How long a caller waits for a load while an old value that may be served is at hand. */
export class SoftTimeout {
  readonly #clock: Clock
  readonly #dueMs: number

  constructor({ softTimeoutMs }: CachePlan, clock: Clock, { background, options }: Waiter) {
    this.#clock = clock
    const waits = softTimeoutMs === 0 || background || options?.fresh === true || options?.mustRevalidate === true
    this.#dueMs = waits ? Number.POSITIVE_INFINITY : clock.now() + softTimeoutMs
  }

  /** In how many milliseconds the old value is served instead; infinite if it never is. */
  remainingMs(old: Held | undefined): number {
    return old !== undefined && this.#dueMs < servableUntil(old) ? Math.max(0, this.#dueMs - this.#clock.now()) : Number.POSITIVE_INFINITY
  }

  isOver(old: Held): boolean {
    const nowMs = this.#clock.now()
    return nowMs >= this.#dueMs && nowMs < servableUntil(old)
  }
}

/** The end of the longer of both stale windows. */
export function servableUntil({ staleUntilMs, errorUntilMs }: Pick<Held, 'staleUntilMs' | 'errorUntilMs'>): number {
  return Math.max(staleUntilMs, errorUntilMs)
}
