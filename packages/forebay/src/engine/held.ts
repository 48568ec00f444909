/** A value in own monotonic time, ready to be served. */
export interface Held {
  /** As it is kept; `handOut` makes of it what a caller may have. */
  readonly value: unknown
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
  readonly errorUntilMs: number
  readonly tags: readonly string[]
  /** What its load cost, and by which span its freshness may be extended (0 = not at all). */
  readonly costMs: number
  readonly extendMs: number
  /** Its version at the origin, 0 = none, and the validator that its load gave. */
  readonly version: number
  readonly validator: string | undefined
  readonly bytes: number
}
