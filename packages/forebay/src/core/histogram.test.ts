import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from './histogram.js'

function filled(times: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const ms of times) histogram.record(ms)
  return histogram
}

describe('a histogram', () => {
  it('is empty at first', () => {
    expect(new Histogram().report()).toEqual({ count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0, buckets: [] })
  })

  it('knows quantiles to within a fifth, never too low, and the maximum exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.001, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 }), (times) => {
        const sorted = [...times].sort((a, b) => a - b)
        const { count, maxMs, ...quantiles } = filled(times).report()
        expect([count, maxMs]).toEqual([times.length, sorted.at(-1)])
        for (const [share, estimate] of [
          [0.5, quantiles.p50Ms] as const,
          [0.9, quantiles.p90Ms] as const,
          [0.99, quantiles.p99Ms] as const,
        ]) {
          const exact = sorted[Math.ceil(times.length * share) - 1] ?? 0
          expect(estimate).toBeGreaterThanOrEqual(exact * 0.999_999)
          expect(estimate).toBeLessThanOrEqual(exact * 1.2)
        }
      }),
    )
  })

  it('takes what lies outside its buckets, and loses nothing', () => {
    const { count, buckets, maxMs } = filled([0, 1e-9, 1e9]).report()
    expect([count, maxMs, buckets.reduce((sum, { count }) => sum + count, 0)]).toEqual([3, 1e9, 3])
  })
})
