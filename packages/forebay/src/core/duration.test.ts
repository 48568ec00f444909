import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration, show } from './duration.js'

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5s', 1_500],
    ['0.5ms', 0.5],
    [42, 42],
    ['36500d', 36_500 * 86_400_000],
  ])('%j is so many milliseconds: %d', (given, ms) => {
    expect(parseDuration('ttl', given)).toBe(ms)
  })

  it.each([
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0s',
    '-5s',
    '5',
    '5 s',
    ' 5s',
    '5s\n',
    '5S',
    '5w',
    '1e3ms',
    '.5s',
    '5.s',
    'ms',
    '',
    '36501d',
    `${'9'.repeat(400)}ms`,
    null,
    true,
    10n,
    {},
    [5],
    Symbol('five'),
    () => 5,
  ])('%s is refused with the name of the option', (given) => {
    expect(() => parseDuration("cache 'books': ttl", given)).toThrow(/^E_OPTION: cache 'books': ttl is /)
  })

  it('with a unit is the number times the unit', () => {
    const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 36_500 }), fc.constantFrom(...Object.entries(units)), (count, [unit, ms]) => {
        expect(parseDuration('ttl', `${count}${unit}`)).toBe(count * ms)
      }),
    )
  })
})

describe('a value in an error message', () => {
  it.each([
    ['short', '"short"'],
    ['x'.repeat(100), `"${'x'.repeat(57)}..."`],
    [5n, '5n'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1, 2], 'an array'],
    [{ secret: 1 }, 'an object'],
    [Symbol('s'), 'Symbol(s)'],
    [() => 'a secret', 'a function'],
  ])('%s is shown as %s', (value, text) => {
    expect(show(value)).toBe(text)
  })
})
