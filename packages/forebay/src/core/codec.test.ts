import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecs, decodeValue, encodeValue } from './codec.js'
import { ForebayError } from './errors.js'

const roundTrip = (value: unknown) => {
  const { codec, payload } = encodeValue(value)
  return decodeValue(codec, Uint8Array.from(payload))
}

describe('a value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        expect(roundTrip(value)).toStrictEqual(value)
      }),
    )
  })

  it.each([[null], [undefined], [''], [0], [false], ['\ufeff'], [[]], [{}]])('may be %j', (value) => {
    expect(roundTrip(value)).toEqual(value)
  })

  it('that is undefined is not one that is null', () => {
    expect(encodeValue(undefined).codec).toBe(codecs.undefined)
    expect(encodeValue(null).codec).toBe(codecs.json)
  })

  it('takes the fast way of JSON where JSON gives it back as it was, and only there', () => {
    const codecOf = (value: unknown) => encodeValue(value).codec
    const part = { a: 1 }
    for (const value of [null, 'text', 1.5, [1, [2]], part, { part, list: [{ a: 1 }, null] }]) expect(codecOf(value)).toBe(codecs.json)
    const withField = Object.assign([1], { field: 1 })
    for (const value of [-0, Number.NaN, 1n, { a: undefined }, [undefined], new Array(2), { a: part, b: part }, withField, new Date(0)]) {
      expect(codecOf(value)).toBe(codecs.tagged)
    }
  })

  it('is written in ASCII where that makes it hardly longer, and comes back the same', () => {
    const few = fc.string({ unit: 'binary', maxLength: 5 })
    fc.assert(
      fc.property(few, fc.string({ unit: 'grapheme-ascii', maxLength: 400 }), fc.boolean(), (odd, plain, asKey) => {
        const value = asKey ? { [odd]: plain } : [plain, odd, plain]
        const { payload } = encodeValue(value)
        expect(roundTrip(value)).toStrictEqual(value)
        expect(payload.length).toBeLessThanOrEqual(1.125 * Buffer.byteLength(JSON.stringify(value)))
      }),
    )
    expect(encodeValue(`${'a'.repeat(100)}\u2019\u{1f600}`).payload.every((byte) => byte < 0x80)).toBe(false)
    expect(Buffer.from(encodeValue(`${'a'.repeat(200)}\u2019\u{1f600}`).payload).toString()).toBe(
      `"${'a'.repeat(200)}\\u2019\\ud83d\\ude00"`,
    )
    expect(Buffer.from(encodeValue('Привет').payload).toString()).toBe('"Привет"')
  })

  it('keeps a field named __proto__ as a field, and changes no prototype', () => {
    const value: unknown = JSON.parse('{"__proto__":{"admin":true},"a":1}')
    const back = roundTrip(value) as object
    expect(Object.keys(back)).toEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect('admin' in back).toBe(false)
    expect(JSON.stringify(back)).toBe(JSON.stringify(value))
  })

  it('may be an object without a prototype', () => {
    expect(roundTrip(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
  })

  it('is read from bytes that lie within a larger buffer', () => {
    const payload = Buffer.concat([Buffer.from('before'), Buffer.from('{"a":"größe"}'), Buffer.from('after')])
    expect(decodeValue(codecs.json, new Uint8Array(payload.buffer, payload.byteOffset + 6, payload.length - 11))).toEqual({ a: 'größe' })
  })

  it.each([
    [new (class Book {})(), 'value is an instance of Book'],
    [{ list: [1, { book: new (class Book {})() }] }, 'value.list[1].book is an instance of Book'],
    [new Map([['k', { f: () => 1 }]]), 'value.get("k").f is a function'],
    [new Map([[{ f: () => 1 }, 1]]), 'value.keys()[0].f is a function'],
    [new Set([1, Symbol('x')]), 'value.values()[1] is a symbol'],
    [new (class Stamp extends Date {})(0), 'value is an instance of Stamp'],
    [new (class NotFound extends Error {})(), 'value is an instance of NotFound'],
    [Symbol('x'), 'value is a symbol'],
    [Promise.resolve(1), 'value is an instance of Promise'],
    [new WeakMap(), 'value is an instance of WeakMap'],
    [new URL('http://localhost/'), 'value is an instance of URL'],
    [new SharedArrayBuffer(1), 'value is an instance of SharedArrayBuffer'],
    [Object.create(Date.prototype), 'value is Date by its prototype alone'],
    [new Array(1e9), 'value is an array with more than 65536 elements missing'],
    [new RegExp('a'.repeat(9_000)), 'value is a regular expression longer than 8192 bytes'],
  ])('that would not come back the same is refused, with its path: %#', (value, message) => {
    expect(() => encodeValue(value)).toThrow(`E_VALUE_UNSUPPORTED: ${message}`)
  })

  it('nested too deeply is refused, and the message stays short', () => {
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i++) deep = { next: [deep] }
    const refusal = catchError(() => encodeValue(deep))
    expect(refusal).toMatchObject({ code: 'E_VALUE_UNSUPPORTED' })
    expect(refusal.message).toContain('nested deeper than 200 levels')
    expect(refusal.message.length).toBeLessThan(500)
  })

  it('that answers JSON differently by a toJSON of its own is refused', () => {
    expect(() => encodeValue({ a: { toJSON: () => 'other' } })).toThrow('value.a.toJSON is a function')
  })
})

describe('a payload', () => {
  it('that is corrupt throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (payload) => {
        const decoded = attempt(() => decodeValue(codecs.json, payload))
        const expected = attempt(() => JSON.parse(Buffer.from(payload).toString('utf8')))
        expect(decoded).toEqual(expected)
      }),
    )
    expect(() => decodeValue(codecs.json, Buffer.from('{"a":'))).toThrow(SyntaxError)
    expect(() => decodeValue(codecs.json, new Uint8Array())).toThrow(SyntaxError)
  })

  it('of a codec that this version does not know throws', () => {
    expect(() => decodeValue(99, Buffer.from('1'))).toThrow('E_REDIS_REPLY')
  })
})

function attempt<T>(act: () => T): { value: T } | { failed: true } {
  try {
    return { value: act() }
  } catch {
    return { failed: true } // what fails is the property, not how
  }
}

function catchError(act: () => unknown): ForebayError {
  try {
    act()
  } catch (error) {
    if (error instanceof ForebayError) return error
  }
  throw new Error('nothing of ours was thrown')
}
