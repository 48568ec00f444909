import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from './codec.js'
import { handOut, toKeep, type ValuesMode } from './kept-value.js'
import { ValueCodecs } from './value-codec.js'

class Money {
  constructor(readonly cents: number) {}
}
const codecs = new ValueCodecs([
  { name: 'money', class: Money, encode: (money: Money) => money.cents, decode: (cents: number) => new Money(cents) },
])

function kept(value: unknown, values: ValuesMode = 'frozen') {
  const { codec, payload } = encodeValue(value, codecs)
  return toKeep(decodeValue(codec, payload, 0, codecs), codec, { values, codecs })
}
const plain = { list: [{ a: 1 }], inner: { b: { c: 2 } } }
const rich = () => {
  const value = { at: new Date(5), list: [{ a: 1 }], map: new Map([['k', { a: 1 }]]), bytes: Buffer.from('x'), self: undefined as unknown }
  value.self = value
  return value
}
type Rich = ReturnType<typeof rich>

describe('a frozen value', () => {
  it('is the same one for everybody, frozen all the way down', () => {
    const keep = kept(plain)
    const value = handOut(keep) as typeof plain
    expect(handOut(keep)).toBe(value)
    expect(() => value.list.push({ a: 2 })).toThrow(TypeError)
    expect([value, value.list, value.list[0], value.inner, value.inner.b].every(Object.isFrozen)).toBe(true)
  })

  it('may be in a cycle, and hold what JSON does not know', () => {
    const cycle: { n: unknown; self?: unknown } = { n: [Number.NaN, undefined, 5n] }
    cycle.self = cycle
    const keep = kept(cycle)
    const value = handOut(keep) as typeof cycle
    expect(handOut(keep)).toBe(value)
    expect(value.self).toBe(value)
    expect(Object.isFrozen(value) && Object.isFrozen(value.n)).toBe(true)
  })

  it('that holds what cannot be frozen is a copy for each, whose plain parts are frozen', () => {
    const keep = kept(rich())
    const one = handOut(keep) as Rich
    one.at.setTime(0)
    one.map.clear()
    one.bytes.fill(0)
    expect(() => one.list.push({ a: 2 })).toThrow(TypeError)
    const other = handOut(keep) as Rich
    expect(other).toStrictEqual(rich())
    expect(other.self).toBe(other)
    expect(Object.isFrozen(other.map.get('k'))).toBe(true)
  })

  it.each([null, undefined, 1, 'text', Number.NaN, 5n])('may be %s', (value) => {
    expect(handOut(kept(value))).toBe(value)
  })
})

describe('a cloned value', () => {
  it('is each caller’s own, to change as he likes', () => {
    for (const make of [() => structuredClone(plain), rich]) {
      const keep = kept(make(), 'cloned')
      const one = handOut(keep) as Rich
      one.list.push({ a: 2 })
      Object.assign(one.list[0] ?? {}, { a: 3 })
      expect(handOut(keep)).toStrictEqual(make())
    }
  })

  it('keeps a field named __proto__ a field', () => {
    const given: unknown = JSON.parse('{"__proto__":{"admin":true},"a":[{"__proto__":1}]}')
    for (const value of [given, { given, at: new Date(0) }]) {
      const one = handOut(kept(value, 'cloned'))
      expect(JSON.stringify(one)).toBe(JSON.stringify(value))
      expect(JSON.stringify(handOut(kept(value)))).toBe(JSON.stringify(value))
    }
    expect('admin' in {}).toBe(false)
  })
})

describe('a shared value', () => {
  it('is the very object for everybody, as it is', () => {
    for (const value of [plain, rich()]) {
      const keep = kept(value, 'shared')
      expect(handOut(keep)).toBe(keep)
      expect(handOut(keep)).toStrictEqual(value)
      expect(Object.isFrozen(handOut(keep))).toBe(false)
    }
  })
})

describe('instances of a class with a codec', () => {
  it('are made anew for each caller, and shared by name within one value', () => {
    const price = new Money(5)
    const keep = kept({ price, list: [price] })
    const [one, other] = [handOut(keep), handOut(keep)] as { price: Money; list: Money[] }[]
    expect(one).toStrictEqual({ price, list: [price] })
    expect(one?.price).toBe(one?.list[0])
    expect(one?.price).not.toBe(other?.price)
  })

  it('that their codec cannot copy are refused at once', () => {
    class Odd {}
    const odd = new ValueCodecs([{ name: 'odd', class: Odd, encode: () => 1, decode: () => new Money(1) }])
    const { codec, payload } = encodeValue(new Odd(), odd)
    expect(() => toKeep(decodeValue(codec, payload, 0, odd), codec, { values: 'frozen', codecs: odd })).toThrow('E_VALUE_UNSUPPORTED')
  })
})

describe('a value out of hostile bytes', () => {
  it.each(['frozen', 'cloned', 'shared'] as const)('nested too deeply is no value, if values are %s', (values) => {
    const depths = [201, 100_000]
    for (const depth of depths) {
      const bytes = Buffer.from('['.repeat(depth + 1) + ']'.repeat(depth + 1))
      expect(() => toKeep(decodeValue(0, bytes), 0, { values, codecs })).toThrow('deeper than 200')
    }
  })
})
