import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DailyEnd } from './daily-end.js'

const utc = (text: string) => Date.parse(`${text}Z`)
const berlinAt = (minuteOfDay: number) => new DailyEnd(minuteOfDay, 'Europe/Berlin')

describe('the next time that the wall clock shows a time of day', () => {
  it('is today if it is still to come, else tomorrow', () => {
    const end = new DailyEnd(4 * 60, 'UTC')
    expect(end.after(utc('2026-01-01T03:59:59.999'))).toBe(utc('2026-01-01T04:00'))
    expect(end.after(utc('2026-01-01T04:00'))).toBe(utc('2026-01-02T04:00'))
    expect(end.after(utc('2025-12-31T23:00'))).toBe(utc('2026-01-01T04:00'))
  })

  it('is another instant in summer than in winter', () => {
    expect(berlinAt(240).after(utc('2026-01-01T12:00'))).toBe(utc('2026-01-02T03:00'))
    expect(berlinAt(240).after(utc('2026-07-01T12:00'))).toBe(utc('2026-07-02T02:00'))
  })

  it('comes after 23 hours, and after 25, on the days on which clocks are set', () => {
    expect(berlinAt(240).after(utc('2026-03-28T03:00'))).toBe(utc('2026-03-29T02:00'))
    expect(berlinAt(240).after(utc('2026-10-24T02:00'))).toBe(utc('2026-10-25T03:00'))
  })

  it('comes later where clocks are set forward over it, and once where they pass it twice', () => {
    expect(berlinAt(150).after(utc('2026-03-28T12:00'))).toBe(utc('2026-03-29T01:30'))
    expect(berlinAt(150).after(utc('2026-10-24T12:00'))).toBe(utc('2026-10-25T00:30'))
    expect(berlinAt(150).after(utc('2026-10-25T00:30'))).toBe(utc('2026-10-26T01:30'))
  })

  it('knows zones a day apart, and offsets of less than an hour', () => {
    expect(new DailyEnd(0, 'Pacific/Kiritimati').after(utc('2026-01-01T09:59'))).toBe(utc('2026-01-01T10:00'))
    expect(new DailyEnd(0, 'Pacific/Niue').after(utc('2026-01-01T10:59'))).toBe(utc('2026-01-01T11:00'))
    expect(new DailyEnd(0, 'Asia/Kathmandu').after(utc('2026-01-01T12:00'))).toBe(utc('2026-01-01T18:15'))
  })

  it('never lies in the past, nor more than a day and an hour ahead, whatever was asked before', () => {
    const instant = fc.integer({ min: utc('2020-01-01T00:00'), max: utc('2030-01-01T00:00') })
    const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC')
    fc.assert(
      fc.property(
        zone,
        fc.integer({ min: 0, max: 1_439 }),
        fc.array(instant, { minLength: 1, maxLength: 4 }),
        (timeZone, minute, asked) => {
          const end = new DailyEnd(minute, timeZone)
          for (const wallMs of asked) {
            const next = end.after(wallMs)
            expect(next).toBeGreaterThan(wallMs)
            expect(next - wallMs).toBeLessThanOrEqual(26 * 3_600_000)
            expect(next).toBe(new DailyEnd(minute, timeZone).after(wallMs))
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
