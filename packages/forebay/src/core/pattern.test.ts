import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fits, partsOf, pattern, tag } from './pattern.js'

/** Short texts of few characters, among them those that mean something in patterns elsewhere, so that they often meet. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '%', '[', ']', '?', '\\', '\n', '😀'), maxLength: 6 })

/** The template, called with texts that are only known at run time. */
function patternOf(texts: readonly string[], values: readonly string[]): readonly string[] {
  return partsOf(pattern(Object.assign([...texts], { raw: texts }), ...values))
}

describe('a pattern', () => {
  it('has a gap for each star of the template, and none for those of its values', () => {
    expect(partsOf(pattern`author:${'7*'}:*`)).toEqual(['author:7*:', ''])
    expect(partsOf(pattern`*${'*'}*`)).toEqual(['', '*', ''])
    expect(partsOf(pattern`${1}${'b'}`)).toEqual(['1b'])
    expect(partsOf(pattern``)).toEqual([''])
  })

  it('takes its values as data, whatever they hold', () => {
    fc.assert(
      fc.property(text, text, text, (value, filling, other) => {
        const parts = patternOf(['user:', ':*'], [value])
        expect(parts).toEqual([`user:${value}:`, ''])
        expect(fits(parts, `user:${value}:${filling}`)).toBe(true)
        if (!`user:${other}:`.startsWith(`user:${value}:`)) expect(fits(parts, `user:${other}:`)).toBe(false)
      }),
    )
  })

  it('fits what the same expression fits', () => {
    const seen = new Set<boolean>()
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), text, text, (parts, before, after) => {
        const expression = new RegExp(`^${parts.map(escaped).join('[^]*')}$`, 'u')
        for (const key of [before, parts.join(before), parts.join(''), `${before}${parts.join(after)}`, `${parts.join(before)}${after}`]) {
          const expected = expression.test(key)
          seen.add(expected)
          expect(fits(parts, key)).toBe(expected)
        }
      }),
      { numRuns: 1_000 },
    )
    expect(seen.size).toBe(2)
  })

  it('is refused with more gaps or characters than can be kept, or with text that is none', () => {
    expect(patternOf(['*'.repeat(16)], [])).toHaveLength(17)
    expect(() => patternOf(['*'.repeat(17)], [])).toThrow(/^E_PATTERN: the pattern has 17 gaps/)
    expect(patternOf(['', ''], ['x'.repeat(512)])).toHaveLength(1)
    expect(() => patternOf(['', ''], ['x'.repeat(513)])).toThrow(/^E_PATTERN: .* longer than 512/)
    expect(() => patternOf(['', ''], ['\ud83d'])).toThrow(/^E_PATTERN: .* well-formed/)
    expect(patternOf(['\ud83d', ''], ['\ude00'])).toEqual(['😀'])
  })

  it.each([undefined, null, {}, Number.NaN, Number.POSITIVE_INFINITY, true])('does not take the value %j', (value) => {
    expect(() => pattern`a${value as unknown as string}`).toThrow(/^E_PATTERN: a value/)
  })

  it.each(['a*', null, undefined, { parts: ['a', ''] }, ['a', '']])('is not %j', (given) => {
    expect(() => partsOf(given)).toThrow(/^E_PATTERN: a pattern is/)
  })

  it.each(['a*', null, 7])('is not made by a call with %j', (given: unknown) => {
    expect(() => pattern(given as TemplateStringsArray)).toThrow(/^E_PATTERN: a pattern is/)
  })
})

describe('a tag of parts', () => {
  it('cannot be made by other parts', () => {
    const part = fc.string({ unit: fc.constantFrom('a', ':', '%', '3', 'A', '2', '5'), maxLength: 5 })
    const parts = fc.tuple(part, part)
    fc.assert(
      fc.property(parts, parts, (some, others) => {
        expect(tag(...some) === tag(...others)).toBe(some.join('\n') === others.join('\n'))
      }),
      { numRuns: 1_000 },
    )
    expect(tag('author', 7)).toBe('author:7')
  })
})

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
