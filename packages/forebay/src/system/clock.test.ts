import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from './clock.js'

describe('the real clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('tells the time of fake timers while they are there', () => {
    const fakeMs = systemClock.now()
    vi.advanceTimersByTime(86_400_000)
    expect(systemClock.now() - fakeMs).toBe(86_400_000)
    vi.useRealTimers()
    const realMs = performance.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(realMs)
    expect(systemClock.now()).toBeLessThan(realMs + 86_400_000)
  })

  it('waits as long as a timer can where it is asked to wait longer', () => {
    let rung = 0
    systemClock.after(30 * 86_400_000, () => rung++)
    vi.advanceTimersByTime(86_400_000)
    expect(rung).toBe(0)
    vi.advanceTimersByTime(30 * 86_400_000)
    expect(rung).toBe(1)
  })
})
