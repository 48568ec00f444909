import type { Clock, Timer } from '../core/clock.js'

/**
 * A clock that notices that the process was suspended. The monotonic clock stands still meanwhile, so that everything proven before would
 * look young; the wall clock does not. They are compared whenever the monotonic clock has moved by a millisecond: once per turn of a busy
 * process, and at the first look of an idle one. A pause that neither clock shows (a frozen virtual machine whose wall clock is not set
 * right) cannot be noticed.
 */
export class SuspensionWatch implements Clock {
  readonly #clock: Clock
  readonly #limitMs: () => number
  readonly #onSuspended: (ms: number) => void
  #lookedMs: number
  #aheadMs: number

  constructor(clock: Clock, limitMs: () => number, onSuspended: (ms: number) => void) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#onSuspended = onSuspended
    this.#lookedMs = clock.now()
    this.#aheadMs = clock.wall() - this.#lookedMs
  }

  now(): number {
    const nowMs = this.#clock.now()
    if (nowMs - this.#lookedMs > 1) this.#look(nowMs)
    return nowMs
  }

  wall(): number {
    return this.#clock.wall()
  }

  after(delayMs: number, task: () => void): Timer {
    return this.#clock.after(delayMs, task)
  }

  afterInput(task: () => void): void {
    this.#clock.afterInput(task)
  }

  #look(nowMs: number): void {
    this.#lookedMs = nowMs
    const aheadMs = this.#clock.wall() - nowMs
    const jumpMs = Math.abs(aheadMs - this.#aheadMs)
    this.#aheadMs = aheadMs
    if (jumpMs > this.#limitMs()) this.#onSuspended(jumpMs)
  }
}
