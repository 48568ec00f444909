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

  it.each([25, 30, 100, 36_500])('waits for %d days, which one timer cannot', (days) => {
    let rung = 0
    systemClock.after(days * 86_400_000, () => rung++)
    vi.advanceTimersByTime(days * 86_400_000 - 1)
    expect(rung).toBe(0)
    vi.advanceTimersByTime(1)
    expect(rung).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives up a long wait at any time', () => {
    let rung = 0
    const timers = [1, 2].map(() => systemClock.after(60 * 86_400_000, () => rung++))
    timers[0]?.cancel()
    vi.advanceTimersByTime(30 * 86_400_000)
    timers[1]?.cancel()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(60 * 86_400_000)
    expect(rung).toBe(0)
  })
})
