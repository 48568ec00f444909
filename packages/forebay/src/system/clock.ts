import type { Clock, Timer } from '../core/clock.js'

/** A timer set for longer than 2^31 - 1 ms rings at once. */
const longestTimerMs = 2 ** 31 - 1

/** The real clock. Globals are read at call time, so that fake timers of a test framework work. */
export const systemClock: Clock = {
  now: monotonicMs,
  wall: () => Date.now(),
  after(delayMs: number, task: () => void): Timer {
    if (delayMs > longestTimerMs) return afterLong(delayMs, task)
    const timer = setTimeout(task, delayMs)
    timer.unref?.()
    return { cancel: () => clearTimeout(timer) }
  },
  afterInput: (task: () => void) => {
    setImmediate(task)
  },
}

/** One timer after the other. */
function afterLong(delayMs: number, task: () => void): Timer {
  const next = (): void => {
    timer = systemClock.after(delayMs - longestTimerMs, task)
  }
  let timer = systemClock.after(longestTimerMs, next)
  return { cancel: () => timer.cancel() }
}

const timerAtStart = setTimeout
const nowAtStart = performance.now.bind(performance)

/**
 * `performance.now()`. Every hit in memory looks at it once, and would pay a quarter more to look the clock up each time; so that is done
 * only once somebody has replaced the timers.
 */
function monotonicMs(): number {
  return setTimeout === timerAtStart ? nowAtStart() : performance.now()
}
