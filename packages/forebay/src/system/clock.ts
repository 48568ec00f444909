import type { Clock, Timer } from '../core/clock.js'

/** The real clock. Globals are read at call time, so that fake timers of a test framework work. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs: number, task: () => void): Timer {
    const timer = setTimeout(task, delayMs)
    timer.unref?.()
    return { cancel: () => clearTimeout(timer) }
  },
  afterInput: (task: () => void) => {
    setImmediate(task)
  },
}
