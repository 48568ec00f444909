import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ForebayError } from './errors.js'
import { decodeToken, encodeToken, mergeTokens, type Token, unsent } from './token.js'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('')
const id = (length: number) => fc.string({ unit: fc.constantFrom(...letters), minLength: length, maxLength: length })
const sentPart = fc.record({ shard: fc.nat(1_023), inc: id(8), seq: fc.nat(2 ** 48 - 1) })
const unsentPart = fc.record({ shard: fc.nat(1_023), inc: fc.constant(''), seq: fc.constant(unsent) })
const nonce = fc.tuple(id(8), fc.nat(1e9)).map(([process, count]) => `${process}.${count.toString(36)}`)
const write = fc
  .record({ nonce, parts: fc.array(fc.oneof(sentPart, unsentPart), { minLength: 1, maxLength: 32 }) })
  .map(({ nonce, parts }): Token => parts.map((part) => ({ nonce, ...part })))
const token = fc.uniqueArray(write, { maxLength: 4, selector: (parts) => parts[0]?.nonce }).map((writes): Token => writes.flat())

describe('a token', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(token, (given) => {
        expect(decodeToken(encodeToken(given))).toEqual(given)
      }),
    )
  })

  it('is safe in a header, a cookie and a URL', () => {
    fc.assert(
      fc.property(token, (given) => {
        const text = encodeToken(given)
        expect(text).toMatch(/^[\w.!*~-]+$/)
        expect(encodeURIComponent(text)).toBe(text)
      }),
    )
  })

  it('of the largest service can be read', () => {
    const parts = Array.from({ length: 1_024 }, (_, shard) => ({ shard, nonce: 'aB3_-xyZ.zz', inc: 'aB3_-xyZ', seq: 2 ** 40 }))
    expect(decodeToken(encodeToken(parts))).toHaveLength(1_024)
  })

  it('looks the same in every version', () => {
    const given = [
      { shard: 17, nonce: 'aB3_-xyZ.1f', inc: 'Q_w-e123', seq: 1_000 },
      { shard: 3, nonce: 'aB3_-xyZ.1f', inc: '', seq: unsent },
      { shard: 4, nonce: 'aB3_-xyZ.1g', inc: 'Q_w-e123', seq: 1 },
    ]
    expect(encodeToken(given)).toBe('fbt1.aB3_-xyZ.1f*h!Q_w-e123!rs*3!!-1~aB3_-xyZ.1g*4!Q_w-e123!1')
    expect(decodeToken(encodeToken(given))).toEqual(given)
  })

  it.each([
    undefined,
    null,
    7,
    {},
    '',
    'fbt1.~',
    'fbt2.abc.0',
    'abc',
    'fbt1.a b',
    'fbt1.abc*',
    'fbt1.abc*0!inc',
    'fbt1.abc*0!inc!',
    'fbt1.abc*0!inc!--1',
    'fbt1.abc*0!i nc!1',
    'fbt1.abc*zzzzz!inc!1',
    'fbt1.abc*0!inc!1*',
    `fbt1.${'x'.repeat(41)}`,
    'fbt1.abc\n',
  ])('that is malformed is refused: %j', (text) => {
    expect(() => decodeToken(text)).toThrow(/^E_TOKEN: /)
  })

  it('that is longer than any that we make is refused', () => {
    expect(() => decodeToken(`fbt1.abc${'*0!inc!1'.repeat(5_000)}`)).toThrow(/^E_TOKEN: /)
  })

  it('of random text is refused, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeToken(`fbt1.*${text}`)).toThrow(ForebayError)
      }),
    )
  })
})

describe('a token of several writes', () => {
  const part = (shard: number, seq: number, nonce = `n${seq}`) => ({ shard, nonce, inc: 'inc', seq })

  it('keeps the later of two in the same shard', () => {
    expect(mergeTokens([[part(1, 5)], [part(1, 7)], [part(2, 1)], [part(1, 6)]])).toEqual([part(1, 7), part(2, 1)])
  })

  it('keeps what waits to be sent above all', () => {
    expect(mergeTokens([[part(1, unsent)], [part(1, 7)]])).toEqual([part(1, unsent)])
    expect(mergeTokens([[part(1, 7)], [part(1, unsent)]])).toEqual([part(1, unsent)])
  })

  /** Of one shard, a number tells which write it is. */
  const someToken = fc
    .uniqueArray(fc.record({ shard: fc.nat(5), seq: fc.oneof(fc.nat(9), fc.constant(unsent)) }), { selector: ({ shard }) => shard })
    .map((parts): Token => parts.map(({ shard, seq }) => part(shard, seq)))
  const sorted = (given: Token) => [...given].sort((a, b) => a.shard - b.shard)

  it('is the same in whatever order they are merged, all at once or one after the other, and however often', () => {
    fc.assert(
      fc.property(someToken, someToken, someToken, (a, b, c) => {
        const all = sorted(mergeTokens([a, b, c]))
        expect(sorted(mergeTokens([c, a, b]))).toEqual(all)
        expect(sorted(mergeTokens([mergeTokens([a, b]), c]))).toEqual(all)
        expect(sorted(mergeTokens([a, mergeTokens([b, c]), a]))).toEqual(all)
        expect(mergeTokens([a, a])).toEqual(a)
      }),
    )
  })

  it('tells of each shard that any of them tells of, and never of less', () => {
    fc.assert(
      fc.property(fc.array(someToken, { maxLength: 4 }), (tokens) => {
        const merged = mergeTokens(tokens)
        expect(new Set(merged.map(({ shard }) => shard)).size).toBe(merged.length)
        const rank = (seq: number) => (seq === unsent ? Number.POSITIVE_INFINITY : seq)
        for (const one of tokens.flat()) {
          const kept = merged.find(({ shard }) => shard === one.shard)
          expect(rank(kept?.seq ?? -2)).toBeGreaterThanOrEqual(rank(one.seq))
        }
        for (const one of merged) expect(tokens.flat()).toContainEqual(one)
      }),
    )
  })

  it('of none is none', () => {
    expect(decodeToken(encodeToken(mergeTokens([])))).toEqual([])
  })
})
