import { describe, expect, it } from 'vitest'
import { SimRandom } from '../testing/sim-random.js'
import { RunningQuantile } from './running-quantile.js'

const bounds = { share: 0.95, startMs: 20, leastMs: 2, mostMs: 100 }

function after(times: number, next: () => number, quantile = new RunningQuantile(bounds)): RunningQuantile {
  for (let i = 0; i < times; i++) quantile.record(next())
  return quantile
}

describe('a running quantile', () => {
  it('begins where it is told to', () => {
    expect(new RunningQuantile(bounds).ms).toBe(20)
  })

  it('comes to lie above the wanted share of the values', () => {
    const random = new SimRandom('quantile')
    const next = () => random.between(0, 50)
    const quantile = after(5_000, next)
    const below = Array.from({ length: 5_000 }, next).filter((ms) => ms < quantile.ms).length
    expect(below / 5_000).toBeGreaterThan(0.9)
    expect(below / 5_000).toBeLessThan(0.99)
  })

  it('follows, and forgets', () => {
    const slow = after(1_000, () => 60)
    expect(slow.ms).toBeGreaterThan(55)
    expect(after(2_000, () => 5, slow).ms).toBeLessThan(8)
  })

  it('stays within its bounds', () => {
    expect(after(5_000, () => 0).ms).toBe(2)
    expect(after(5_000, () => 5_000).ms).toBe(100)
  })
})
