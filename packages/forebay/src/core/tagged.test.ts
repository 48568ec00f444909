import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from './codec.js'
import { handOut, toKeep } from './kept-value.js'
import { readTagged } from './tagged-reader.js'
import { writeTagged } from './tagged-writer.js'
import { ValueCodecs } from './value-codec.js'

class Money {
  constructor(
    readonly cents: number,
    readonly note?: unknown,
  ) {}
}
const codecs = new ValueCodecs([
  {
    name: 'money',
    class: Money,
    encode: ({ cents, note }: Money) => ({ cents, note }),
    decode: ({ cents, note }: Money) => new Money(cents, note),
  },
])

const bytes = (...values: number[]) => Uint8Array.from(values).buffer
const cycle: { self?: unknown } = {}
cycle.self = cycle
const part = { a: 1 }

function withHole(one: unknown, other: unknown): unknown[] {
  const list = [one]
  list[2] = other
  return list
}

/** Deep equality with types, -0, holes and cycles; for Node no invalid date equals another. */
function alike(a: unknown, b: unknown): boolean {
  const invalid = (value: unknown) => value instanceof Date && Number.isNaN(value.getTime())
  return (invalid(a) && invalid(b)) || isDeepStrictEqual(a, b)
}

describe('the bytes of every kind of value', () => {
  // What was once written is read for ever: these lines are only ever added to.
  it.each<[string, unknown]>([
    ['00', undefined],
    ['01', null],
    ['02', false],
    ['03', true],
    ['0400', 0],
    ['0401', -1],
    ['04feffffff0f', 2_147_483_647],
    ['04ffffffff0f', -2_147_483_648],
    ['05000000000000e041', 2_147_483_648],
    ['05000000000000e03f', 0.5],
    ['050000000000000080', -0],
    ['05000000000000f87f', Number.NaN],
    ['05000000000000f07f', Number.POSITIVE_INFINITY],
    ['05000000000000f0ff', Number.NEGATIVE_INFINITY],
    ['0600', ''],
    ['060c6772c3b6c39f6520f09f9396', 'größe 📖'],
    ['0704610000d8', 'a\ud800'],
    ['080130', 0n],
    ['08026666', 255n],
    ['0903313030', -256n],
    ['1000', {}],
    ['10020006016104020006016200', { a: 1, b: undefined }],
    ['1001000601611001011100', { a: { a: [] } }],
    ['10010006095f5f70726f746f5f5f0402', JSON.parse('{"__proto__":1}')],
    ['1100', []],
    ['1102000402', [undefined, 1]],
    ['11020b0b', new Array(2)],
    ['12010402010006056669656c640404', Object.assign([1], { field: 2 })],
    ['100100060473656c660a00', cycle],
    ['110210010006016104020a01', [part, part]],
    [
      '130206016b040210010006016104020a01',
      new Map<unknown, unknown>([
        ['k', 1],
        [part, part],
      ]),
    ],
    ['14020402060161', new Set([1, 'a'])],
    ['1500b08756febc7842', new Date(1_700_000_000_123)],
    ['15000000000000f87f', new Date(Number.NaN)],
    ['160604615c2f6203676975', /a\/b/giu],
    ['1700010006076d65737361676506026e6f00', new Error('no')],
    ['1705020006076d65737361676506026e6f0006056361757365040200', new TypeError('no', { cause: 1 })],
    ['17020001000604636f6465060145', Object.assign(new RangeError(), { code: 'E' })],
    ['1701010006076d657373616765060000', new EvalError('')],
    ['1703010006076d657373616765060000', new ReferenceError('')],
    ['1704010006076d657373616765060000', new SyntaxError('')],
    ['1706010006076d657373616765060000', new URIError('')],
    ['1707020006076d65737361676506026e6f0006066572726f72731101040200', new AggregateError([1], 'no')],
    ['180402', Object(1)],
    ['18060161', Object('a')],
    ['1803', Object(true)],
    ['18080131', Object(1n)],
    ['19020102', bytes(1, 2)],
    ['1a00026162', Buffer.from('ab')],
    ['1a01020102', new DataView(bytes(1, 2))],
    ['1a02020102', new Uint8Array([1, 2])],
    ['1a0301ff', new Int8Array([-1])],
    ['1a0401ff', new Uint8ClampedArray([255])],
    ['1a05020201', new Uint16Array([258])],
    ['1a0602feff', new Int16Array([-2])],
    ['1a070404030201', new Uint32Array([16_909_060])],
    ['1a0804feffffff', new Int32Array([-2])],
    ['1a09040000003f', new Float32Array([0.5])],
    ['1a0a08000000000000e03f', new Float64Array([0.5])],
    ['1a0b08feffffffffffffff', new BigInt64Array([-2n])],
    ['1a0c080201000000000000', new BigUint64Array([258n])],
    ['1b056d6f6e6579100200060563656e7473040a0006046e6f746500', new Money(5)],
  ])('%s stay what they are', (hex, value) => {
    expect(Buffer.from(writeTagged(value, codecs)).toString('hex')).toBe(hex)
    expect(alike(readTagged(Buffer.from(hex, 'hex'), 0, codecs), value)).toBe(true)
  })
})

/** Whatever can be cached, with parts that occur twice and cycles through all of it. */
const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withMap: true,
  withSet: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
  stringUnit: 'binary',
  maxDepth: 4,
})
const special = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.uint8Array().map((octets) => Buffer.from(octets)),
  fc.uint8Array().map((octets) => new DataView(Uint8Array.from(octets).buffer)),
  fc.uint8Array().map((octets) => Uint8Array.from(octets).buffer),
  fc.constantFrom(/a(?<b>.)/dgimsuy, /(?:)/),
  fc.tuple(fc.string(), anything).map(([message, cause]) => Object.assign(new TypeError(message, { cause }), { code: cause })),
  fc.tuple(fc.string(), fc.array(anything)).map(([message, errors]) => new AggregateError(errors, message)),
  fc.tuple(fc.integer(), anything).map(([cents, note]) => new Money(cents, note)),
)
const value = fc.oneof(
  anything,
  special,
  fc.tuple(anything, special, fc.string({ unit: 'binary' })).map(([one, other, name]) => {
    const root: Record<string, unknown> = { one, other, again: other, list: withHole(one, other) }
    root.map = new Map<unknown, unknown>([
      [root, one],
      [name, root],
    ])
    root.set = new Set([root, other, root.list])
    root[`field ${name}`] = root
    return root
  }),
)

describe('any value', () => {
  const decoded = (given: unknown) => {
    const { codec, payload } = encodeValue(given, codecs)
    const shifted = Buffer.concat([Buffer.from('head'), payload])
    return { codec, value: decodeValue(codec, shifted, 4, codecs) }
  }

  it('comes back from its bytes as it was: types, -0, holes, cycles', () => {
    fc.assert(fc.property(value, (given) => alike(decoded(given).value, given)))
  })

  it('is the same for callers from memory and from Redis, however they get it', () => {
    fc.assert(
      fc.property(value, fc.constantFrom('frozen', 'cloned', 'shared'), (given, values) => {
        const { codec, value: back } = decoded(given)
        const kept = toKeep(back, codec, { values, codecs })
        return alike(handOut(kept), given) && alike(handOut(kept), given)
      }),
    )
  })

  it('has the same bytes when what came back is encoded again', () => {
    fc.assert(
      fc.property(
        value,
        (given) => Buffer.compare(encodeValue(decoded(given).value, codecs).payload, encodeValue(given, codecs).payload) === 0,
      ),
    )
  })

  it('takes nothing along of the memory around a view', () => {
    const secret = Buffer.from('a secret, and a word')
    const word = secret.subarray(16)
    expect(Buffer.from(encodeValue(word).payload).toString('latin1')).not.toContain('secret')
    const back = decodeValue(2, encodeValue(word).payload) as Buffer
    expect([Buffer.isBuffer(back), back.toString(), back.buffer.byteLength]).toEqual([true, 'word', 4])
  })

  it('that is an error brings no stack, and its other fields', () => {
    const error = Object.assign(new RangeError('too far', { cause: new Error('why') }), { code: 'E_FAR' })
    const back = decoded(error).value as typeof error
    expect(back).toBeInstanceOf(RangeError)
    expect([back.message, back.code, back.stack, (back.cause as Error).message]).toEqual(['too far', 'E_FAR', 'RangeError: too far', 'why'])
    expect(Object.keys(back)).toEqual(['code'])
  })
})

describe('instances of a class', () => {
  it('come back through the codec of their name, wherever they stand', () => {
    const value = { price: new Money(5, new Date(1)), all: new Map([[new Money(6), [new Money(7, new Money(8))]]]) }
    const { codec, payload } = encodeValue(value, codecs)
    expect(alike(decodeValue(codec, payload, 0, codecs), value)).toBe(true)
  })

  it('are unreadable where no codec has their name', () => {
    const { codec, payload } = encodeValue(new Money(5), codecs)
    expect(() => decodeValue(codec, payload)).toThrow('E_REDIS_REPLY')
  })

  it('whose codec fails are refused, with the path', () => {
    const failing = new ValueCodecs([
      {
        name: 'money',
        match: (given) => given instanceof Money,
        encode: () => {
          throw new Error('not this one')
        },
        decode: () => new Money(1),
      },
    ])
    const refused = "E_VALUE_UNSUPPORTED: value.list[0] is an instance of Money that its codec 'money' does not encode"
    expect(() => encodeValue({ list: [new Money(5)] }, failing)).toThrow(refused)
  })

  it('that their own data refers to are refused', () => {
    const price: { cents: number; note?: unknown } = new Money(5)
    price.note = [price]
    expect(() => encodeValue(price, codecs)).toThrow('the instance that its codec is encoding')
  })
})
