export interface QuantileBounds {
  /** The share of the values that are to lie below it. */
  readonly share: number
  readonly startMs: number
  readonly leastMs: number
  readonly mostMs: number
}

/** How far a value can pull the estimate, as a share of it. */
const pull = 0.05

/**
 * A quantile of a stream of times, followed without keeping any of them: a value above the estimate raises it by a step, one below lowers it
 * by a smaller one, in such a proportion that they cancel out where the wanted share lies below. It forgets as it goes.
 */
export class RunningQuantile {
  readonly #bounds: QuantileBounds
  #ms: number

  constructor(bounds: QuantileBounds) {
    this.#bounds = bounds
    this.#ms = bounds.startMs
  }

  get ms(): number {
    return this.#ms
  }

  record(ms: number): void {
    const { share, leastMs, mostMs } = this.#bounds
    const moved = this.#ms * (ms > this.#ms ? 1 + pull * share : 1 - pull * (1 - share))
    this.#ms = Math.min(mostMs, Math.max(leastMs, moved))
  }
}
