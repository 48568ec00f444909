import process from 'node:process'
import type { Clock, Timer } from '../core/clock.js'

/** A timer set for longer than 2^31 - 1 ms rings at once. */
const longestTimerMs = 2 ** 31 - 1

/** The real clock. A timer waits at most 24 days. Globals are read at call time, so that fake timers of a test framework work. */
export const systemClock: Clock = {
  now: monotonicMs,
  wall: () => Date.now(),
  after(delayMs: number, task: () => void): Timer {
    const timer = setTimeout(task, Math.min(delayMs, longestTimerMs))
    timer.unref?.()
    return { cancel: () => clearTimeout(timer) }
  },
  afterInput: (task: () => void) => {
    setImmediate(task)
  },
}

/** The same clock as `performance.now()`, read in two thirds of the time: every hit in memory looks at it once. */
function monotonicMs(): number {
  const time = process.hrtime()
  return time[0] * 1e3 + time[1] / 1e6
}
