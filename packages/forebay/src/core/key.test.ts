import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalKey, checkName, checkTags, standsForItself, longestKey, longestTag, mostTags, shardOf } from './key.js'

const digest = (text: string) => createHash('sha256').update(text).digest('hex')
const form = (key: unknown) => canonicalKey(key, digest)

const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
const { part } = fc.letrec((tie) => ({
  part: fc.oneof(
    { depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('part'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constant('__proto__')), tie('part'), { maxKeys: 4 }),
  ),
}))
const structure = fc.oneof(fc.array(part, { maxLength: 4 }), fc.dictionary(text, part, { maxKeys: 4 }))
const key = fc.oneof(
  text,
  text.map((end) => `~${end}`),
  number,
  structure,
)

/** What makes two keys the same: JSON knows neither the order of names nor -0, and puts nothing above them. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [{ name }, sorted(inner)])
}
const identity = (value: unknown) => JSON.stringify([Array.isArray(value), typeof value, sorted(value)])

/** The same structure with its names in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, reversed(inner)] as const)
      .reverse(),
  )
}

describe('the canonical form of a key', () => {
  it('differs for keys that differ', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(form(a) === form(b)).toBe(identity(a) === identity(b))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is the same in whatever order the names of a structure stand', () => {
    fc.assert(
      fc.property(structure, (given) => {
        expect(form(reversed(given))).toBe(form(given))
      }),
    )
  })

  it('of a string is the string, if it is short and does not begin with ~', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(standsForItself(given)).toBe(!given.startsWith('~'))
        if (standsForItself(given)) expect(form(given)).toBe(given)
      }),
    )
  })

  it('is never taken for a plain string: what is not one begins with ~', () => {
    fc.assert(
      fc.property(key, (given) => {
        expect(standsForItself(form(given))).toBe(typeof given === 'string' && !given.startsWith('~'))
      }),
    )
  })

  it.each([
    [42, '~n42'],
    ['42', '42'],
    [-0, '~n0'],
    [0.1, '~n0.1'],
    [1e21, '~n1e+21'],
    ['~n42', '~s~n42'],
    ['', ''],
    [[], '~j[]'],
    [{}, '~j{}'],
    [{ b: 1, a: [true, null, '1', -0] }, '~j{"a":[true,null,"1",0],"b":1}'],
    [{ a: undefined, b: 1 }, '~j{"b":1}'],
    [Object.assign(Object.create(null), { id: 7 }), '~j{"id":7}'],
  ])('of %j is %s, in every version for ever', (given, expected) => {
    expect(form(given)).toBe(expected)
  })

  it('tells a number from its text, and a name from a value, inside structures too', () => {
    const forms = [[1], ['1'], { a: 1 }, { a: '1' }, [['a', 1]], [{ a: 1 }], '[1]', '~j[1]'].map(form)
    expect(new Set(forms).size).toBe(forms.length)
  })

  it('of a long key is its digest, which no other key can take', () => {
    const long = 'k'.repeat(longestKey + 1)
    expect(form(long)).toBe(`~h${digest(long)}`)
    expect(form('k'.repeat(longestKey))).toBe('k'.repeat(longestKey))
    expect(form(['k'.repeat(longestKey)])).toBe(`~h${digest(`~j["${'k'.repeat(longestKey)}"]`)}`)
    expect(form(`~h${digest(long)}`)).not.toBe(form(long))
  })

  it('of a name that objects treat specially is like any other', () => {
    expect(form(JSON.parse('{"__proto__":1}'))).toBe('~j{"__proto__":1}')
  })

  it.each([
    undefined,
    null,
    true,
    10n,
    Symbol('key'),
    () => 'key',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    new Date(0),
    new Map(),
    /x/,
    new (class Book {})(),
    [undefined],
    [Number.NaN],
    { when: new Date(0) },
    { id: 1n },
    { f() {} },
  ])('does not exist for %s', (given) => {
    expect(() => form(given)).toThrow(/^E_KEY: /)
  })

  it.each(['a\ud800', '\udc00', ['\ud800'], { name: 'x\udfff' }, { '\ud800': 1 }])(
    'does not exist for ill-formed Unicode, which would become the bytes of another key',
    (given) => {
      expect(() => form(given)).toThrow(/^E_KEY: .*not well-formed/)
    },
  )

  it('does not exist for a cycle, nor for what is nested beyond reason', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(() => form(cycle)).toThrow(/^E_KEY: .*cycle/)
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
    expect(form(nested(16))).toBe(`~j${'['.repeat(16)}1${']'.repeat(16)}`)
    expect(() => form(nested(17))).toThrow(/^E_KEY: .*nested/)
  })

  it('names an instance by its class', () => {
    expect(() => form(new URL('http://localhost'))).toThrow('an instance of URL')
  })
})

describe('the shard of a key', () => {
  it.each([
    ['books', 'b42', 16, 15],
    ['books', 'b43', 16, 12],
    ['book', 'sb42', 16, 1],
    ['', '', 16, 13],
  ])('of cache %j and key %j among %d is %d, in every version for ever', (cache, key, shards, shard) => {
    expect(shardOf(cache, key, shards)).toBe(shard)
  })

  it('is one of those that there are, and all are used alike', () => {
    const counts = new Array<number>(16).fill(0)
    for (let i = 0; i < 16_000; i++) {
      const shard = shardOf('books', `b${i}`, 16)
      counts[shard] = (counts[shard] ?? 0) + 1
    }
    expect(counts).toHaveLength(16)
    expect(Math.min(...counts)).toBeGreaterThan(800)
    expect(Math.max(...counts)).toBeLessThan(1_200)
  })
})

describe('a name', () => {
  it.each(['books', 'B', '7', 'a.b-c_d', 'x'.repeat(64)])('may be %s', (name) => {
    expect(checkName('service', name)).toBe(name)
  })

  it.each(['', '-a', '.a', '_a', 'a b', 'a:b', 'a{b}', 'é', 'a\n', 'x'.repeat(65), 7, undefined, null])('may not be %j', (name) => {
    expect(() => checkName('service', name)).toThrow(/^E_OPTION: service is /)
  })
})

describe('tags', () => {
  it('are taken once each, in their order', () => {
    expect(checkTags(['b', 'a', 'b'])).toEqual(['b', 'a'])
    expect(checkTags([])).toEqual([])
  })

  it('may be as many and as long as is said', () => {
    const tags = Array.from({ length: mostTags }, (_, i) => `${i}`.padEnd(longestTag, 'x'))
    expect(checkTags(tags)).toEqual(tags)
    expect(() => checkTags([...tags, 'one'])).toThrow(/^E_TAG: 65 tags/)
  })

  it.each(['', 'x'.repeat(longestTag + 1), 7, null, undefined, '\ud800'])('may not be %j', (tag) => {
    expect(() => checkTags(['a', tag])).toThrow(/^E_TAG: /)
  })
})
