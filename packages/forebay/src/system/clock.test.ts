import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from './clock.js'

describe('the real clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('waits as long as a timer can where it is asked to wait longer', () => {
    let rung = 0
    systemClock.after(30 * 86_400_000, () => rung++)
    vi.advanceTimersByTime(86_400_000)
    expect(rung).toBe(0)
    vi.advanceTimersByTime(30 * 86_400_000)
    expect(rung).toBe(1)
  })
})
