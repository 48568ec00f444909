import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cachePlan } from '../config/cache-plan.js'
import type { EntryOptions } from './public.js'
import { heldFrom, storable } from './storable.js'

const wall = { now: () => 0, wall: () => Date.UTC(2026, 0, 1), after: () => ({ cancel: () => {} }), afterInput: () => {} }
const chance = (unit: number) => ({ random: { unit: () => unit, id: () => 'unused' }, clock: wall })
const plan = cachePlan('books', { ttl: '100s', staleWhileRevalidate: '10s', staleIfError: '20s', jitter: 0.2, tags: ['a'] }, undefined)
const kept = (value: unknown, options: readonly (EntryOptions | undefined)[] = [], unit = 0) =>
  storable(plan, { key: 'b42', value, costMs: 12.6 }, options, chance(unit)).stored

describe('the life of a stored value', () => {
  it('is shortened by jitter, never lengthened, and by no more than its share', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer({ min: 1, max: 1e9 }), (unit, ttl) => {
        const { freshMs } = kept(1, [{ ttl }], unit)
        expect(freshMs).toBeLessThanOrEqual(ttl)
        expect(freshMs).toBeGreaterThanOrEqual(Math.max(1, Math.round(ttl * 0.8)))
        expect(Number.isInteger(freshMs)).toBe(true)
      }),
    )
    expect([kept(1, [], 0).freshMs, kept(1, [], 0.5).freshMs]).toEqual([100_000, 90_000])
  })

  it('is what the loader says, else what the call says, else what the cache says', () => {
    expect(kept(1, [{ ttl: '3s' }, { ttl: '2s', staleIfError: '5s' }])).toMatchObject({ freshMs: 3_000, staleMs: 10_000, errorMs: 5_000 })
    expect(kept(1, [undefined, { staleWhileRevalidate: 7 }])).toMatchObject({ freshMs: 100_000, staleMs: 7, errorMs: 20_000 })
  })

  it('ends in memory no later than in Redis, which took it later', () => {
    const found = storable(plan, { key: 'b42', value: 1, costMs: 0 }, [], chance(0))
    expect(heldFrom(found, 1_000)).toMatchObject({
      createdMs: 1_000,
      freshUntilMs: 101_000,
      staleUntilMs: 111_000,
      errorUntilMs: 121_000,
    })
  })
})

describe('the tags of a stored value', () => {
  it('are the cache’s, unless the loader or the call says others', () => {
    expect(kept(1).tags).toEqual(['a'])
    expect(kept(1, [undefined, { tags: ['b', 'b'] }]).tags).toEqual(['b'])
    expect(kept(1, [{ tags: [] }, { tags: ['b'] }]).tags).toEqual([])
  })

  it.each([null, undefined])('are the same for %j, but a function is not asked about it', (value) => {
    expect(kept(value).tags).toEqual(['a'])
    expect(kept(value, [{ tags: ['missing'] }]).tags).toEqual(['missing'])
    const asking = cachePlan('books', { ttl: 1, tags: () => ['asked'] }, undefined)
    expect(storable(asking, { key: 'b42', value, costMs: 0 }, [], chance(0)).stored.tags).toEqual([])
  })
})

describe('the cost of a load', () => {
  it('is in whole milliseconds, and has an end', () => {
    expect(kept(1).costMs).toBe(13)
    expect(storable(plan, { key: 'k', value: 1, costMs: 1e12 }, [], chance(0)).stored.costMs).toBe(0xffff_ffff)
  })
})
