import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecs, decodeValue, deepFreeze, encodeValue } from './codec.js'
import { ForebayError } from './errors.js'

const roundTrip = (value: unknown) => {
  const { codec, payload } = encodeValue(value)
  return decodeValue(codec, Uint8Array.from(payload))
}

describe('a value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        // JSON has one zero.
        expect(roundTrip(value)).toEqual(JSON.parse(JSON.stringify(value)))
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

  it('leaves out the fields that are undefined, as JSON does', () => {
    expect(roundTrip({ a: undefined, b: 1 })).toEqual({ b: 1 })
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
    [new Date(0), 'value is an instance of Date'],
    [{ list: [1, { at: new Date(0) }] }, 'value.list[1].at is an instance of Date'],
    [{ tags: new Set() }, 'value.tags is an instance of Set'],
    [new Map(), 'value is an instance of Map'],
    [Buffer.from('x'), 'value is an instance of Buffer'],
    [new (class Book {})(), 'value is an instance of Book'],
    [{ n: Number.NaN }, 'value.n is NaN'],
    [[Number.POSITIVE_INFINITY], 'value[0] is Infinity'],
    [{ id: 1n }, 'value.id is a bigint'],
    [{ f: () => 1 }, 'value.f is a function'],
    [Symbol('x'), 'value is a symbol'],
    [[1, undefined], 'value[1] is undefined in an array'],
    [new Array(2), 'value[0] is undefined in an array'],
    [Promise.resolve(1), 'value is an instance of Promise'],
  ])('that would not come back the same is refused, with its path: %#', (value, message) => {
    expect(() => encodeValue(value)).toThrow(`E_VALUE_UNSUPPORTED: ${message}`)
  })

  it('with a cycle is refused, and the message stays short', () => {
    const cycle: { next?: unknown } = {}
    cycle.next = [cycle]
    const refusal = catchError(() => encodeValue(cycle))
    expect(refusal).toMatchObject({ code: 'E_VALUE_UNSUPPORTED' })
    expect(refusal.message).toContain('nested too deeply, or in a cycle')
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

describe('a frozen value', () => {
  it('is frozen all the way down', () => {
    const value = deepFreeze({ list: [{ a: 1 }], inner: { b: { c: 2 } } }) as { list: { a: number }[]; inner: { b: { c: number } } }
    expect(() => value.list.push({ a: 2 })).toThrow(TypeError)
    expect(() => {
      value.inner.b.c = 3
    }).toThrow(TypeError)
    expect([value, value.list, value.list[0], value.inner, value.inner.b].every(Object.isFrozen)).toBe(true)
  })

  it.each([null, undefined, 1, 'text'])('may be %j', (value) => {
    expect(deepFreeze(value)).toBe(value)
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
