import type { Clock, Timer } from '../core/clock.js'
import { parseDuration } from '../core/duration.js'
import { givenOptions } from './given.js'
import type { Duration, InvalidateOptions, WriteResult } from './public.js'

/** Most invalidations that wait to be repeated; with one more the oldest is repeated at once. */
const mostRepeats = 10_000

const known = { again: true } as const satisfies Record<keyof InvalidateOptions, true>

interface Repeat {
  readonly timer: Timer
  readonly write: () => Promise<unknown>
}

/**
 * Invalidations to be made a second time. A replica of the origin that lags may hand an old value to the first load after an invalidation;
 * nothing in the cache can know that. Whoever knows the lag has the fence repeated after it.
 */
export class Repeats {
  readonly #clock: Clock
  readonly #track: (work: Promise<unknown>) => void
  readonly #detached: <T>(work: () => T) => T
  readonly #waiting = new Set<Repeat>()
  #flushed = false

  constructor(clock: Clock, track: (work: Promise<unknown>) => void, detached: <T>(work: () => T) => T) {
    this.#clock = clock
    this.#track = track
    this.#detached = detached
  }

  /** Makes a write, and once more after `again`, or when the cache is closed if that is sooner. */
  run(options: InvalidateOptions | undefined, write: () => Promise<WriteResult>): Promise<WriteResult> {
    givenOptions(options, known)
    if (options?.again === undefined) return write()
    const running = this.#twice(options.again, write)
    this.#track(running) // closing waits for it, and so for what it adds
    return running
  }

  async #twice(again: Duration, write: () => Promise<WriteResult>): Promise<WriteResult> {
    const againMs = parseDuration('again', again)
    const result = await write()
    this.#detached(() => this.#add(againMs, write))
    return result
  }

  /** Repeats now whatever waits, and from now on at once. */
  flush(): void {
    this.#flushed = true
    for (const repeat of this.#waiting) this.#repeat(repeat)
  }

  #add(delayMs: number, write: () => Promise<unknown>): void {
    const repeat: Repeat = { write, timer: this.#clock.after(delayMs, () => this.#repeat(repeat)) }
    this.#waiting.add(repeat)
    if (this.#flushed) return this.#repeat(repeat)
    if (this.#waiting.size <= mostRepeats) return
    for (const oldest of this.#waiting) return this.#repeat(oldest)
  }

  #repeat(repeat: Repeat): void {
    repeat.timer.cancel()
    if (this.#waiting.delete(repeat)) this.#track(repeat.write())
  }
}
