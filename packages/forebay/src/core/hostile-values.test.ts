import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from './codec.js'
import { handOut, toKeep, type ValuesMode } from './kept-value.js'
import { readTagged } from './tagged-reader.js'
import { noCodecs, ValueCodecs } from './value-codec.js'

class Money {
  constructor(readonly cents: number) {}
}
const codecs = new ValueCodecs([
  { name: 'money', class: Money, encode: (money: Money) => money.cents, decode: (cents: number) => new Money(cents) },
])
const modes: readonly ValuesMode[] = ['frozen', 'cloned', 'shared']

/** A small generator of chance with a seed, so that each run tries the same. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Decodes as a read does. What is not refused must be a value that can be handed out. */
function survives(codec: number, payload: Uint8Array, values: ValuesMode): boolean {
  let kept: unknown
  try {
    kept = toKeep(decodeValue(codec, payload, 0, codecs), codec, { values, codecs })
  } catch {
    return false // refused: a miss for the caller
  }
  handOut(kept)
  handOut(kept)
  return true
}

function untouched(): void {
  expect(Object.getOwnPropertyNames(Object.prototype).filter((name) => !names.includes(name))).toEqual([])
  expect(Object.keys(Array.prototype)).toEqual([])
  expect({}.constructor).toBe(Object)
}
const names = Object.getOwnPropertyNames(Object.prototype)

const shared = { a: 1, list: [1.5, undefined, 'text', 7n] }
const cycle: { self?: unknown; shared: unknown } = { shared }
cycle.self = [cycle, shared]
const corpus: readonly unknown[] = [
  { id: 1, title: 'Dune', tags: ['a', 'b'], nested: { deep: [[[{}]]] } },
  JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'),
  {
    at: new Date(0),
    map: new Map<unknown, unknown>([
      [1, new Set(['a'])],
      [shared, shared],
    ]),
    bytes: Buffer.from('bytes'),
  },
  cycle,
  Object.assign(new Array(2), { 0: 1, field: /a+/g }),
  new TypeError('no', { cause: new AggregateError([new Error('one')], 'all') }),
  [new Float64Array([1, 2]), new DataView(new ArrayBuffer(3)), Object(1n), new Money(5), { a: -0, b: Number.NaN }],
]

describe('bytes that nobody of ours has written', () => {
  it('are refused or are some value, and change nothing else', () => {
    const below = chance(1)
    for (let i = 0; i < 12_000; i++) {
      const payload = Uint8Array.from({ length: below(48) }, () => (below(2) === 0 ? below(32) : below(256)))
      survives(below(4), payload, modes[below(3)] ?? 'frozen')
    }
    untouched()
  })

  it('but for a few that were altered are refused or are some value, and change nothing else', () => {
    const below = chance(2)
    const valid = corpus.map((value) => encodeValue(value, codecs))
    let alive = 0
    for (let i = 0; i < 20_000; i++) {
      const { codec, payload } = valid[below(valid.length)] ?? encodeValue(1)
      if (survives(codec, mutated(payload, below), modes[below(3)] ?? 'frozen')) alive++
    }
    untouched()
    expect(alive).toBeGreaterThan(1_000) // else nothing past the first check was tried
  })

  it('and end too early are refused', () => {
    for (const value of corpus) {
      const { codec, payload } = encodeValue(value, codecs)
      for (let length = 0; length < payload.length; length++) {
        expect(() => decodeValue(codec, payload.subarray(0, length), 0, codecs)).toThrow()
      }
    }
  })
})

function mutated(payload: Uint8Array, below: (below: number) => number): Uint8Array {
  let bytes = Buffer.from(payload)
  for (let times = 1 + below(2); times > 0; times--) {
    const [at, other] = [below(bytes.length + 1), below(bytes.length + 1)].sort((a, b) => a - b) as [number, number]
    const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, other), bytes.subarray(other)]
    const kinds = [
      () => Buffer.concat([head, Buffer.of(below(256)), bytes.subarray(at + 1)]),
      () => Buffer.concat([head, Buffer.of(below(32)), bytes.subarray(at)]),
      () => Buffer.concat([head, tail]),
      () => Buffer.concat([head, middle, middle, tail]),
      () => Buffer.concat([tail, middle, head]),
    ]
    bytes = kinds[below(kinds.length)]?.() ?? bytes
  }
  return bytes
}

describe('hostile bytes', () => {
  const read = (hex: string) => readTagged(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 0, noCodecs)

  it.each([
    ['a text longer than the bytes', '06 ffffffff0f 61'],
    ['more elements than bytes', '11 ffffffff0f 00'],
    ['more fields than bytes', '10 80808010 00'],
    ['more entries than bytes', '13 ffffff7f 00 00'],
    ['a length beyond all bounds', '19 ffffffffffffffffff7f'],
    ['nesting without end', '1101'.repeat(100_000)],
    ['a reference to what has not begun', '1101 0a05'],
    ['a reference of a box to itself', '18 0a00'],
    ['a name that was not named', '1001 05 00'],
    ['a name that is no text', '1001 00 04 02 00'],
    ['a field twice', '1002 00 060161 00 01 00'],
    ['an element among the fields of an array', '12 00 01 00 060139 00'],
    ['the length among the fields of an array', '12 00 01 00 06066c656e677468 0402'],
    ['a hole outside an array', '0b'],
    ['a tag that there is not', '7f'],
    ['something behind the value', '0000'],
    ['a class of errors that there is not', '17 63 00 00'],
    ['an error whose message is no text', '1700 01 00 06076d657373616765 1000 00'],
    ['an error whose name is no text', '1700 00 01 00 06046e616d65 1000'],
    ['an error with a stack', '1700 00 01 00 0605737461636b 060161'],
    ['an error that hides a field', '1700 01 00 06046e616d65 060161 00'],
    ['a view of a class that there is not', '1a 63 00'],
    ['half an element', '1a 0a 04 00000000'],
    ['a regular expression that is none', '16 060128 00'],
    ['flags that are none', '16 060161 0161'],
    ['a box of what cannot be boxed', '18 1000'],
    ['a bigint that is no number', '08 03 2d3131'],
    ['an integer beyond its range', '04 ffffffffff0f'],
    ['half a character', '07 01 61'],
    ['an instance of an unknown codec', '1b 01 61 00'],
  ])('with %s are refused', (_, hex) => {
    expect(() => read(hex)).toThrow()
  })

  it('with more holes than ever are written are refused', () => {
    const holes = 70_000
    const head = [0x11, (holes & 127) | 128, ((holes >> 7) & 127) | 128, holes >> 14]
    expect(() => readTagged(Buffer.concat([Buffer.from(head), Buffer.alloc(holes, 0x0b)]), 0, noCodecs)).toThrow('too many')
  })

  it('that name __proto__ or constructor set a field of that name, and nothing else', () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
      const text = Buffer.from(name).toString('hex')
      const value = read(`1001 00 06 ${name.length.toString(16).padStart(2, '0')} ${text} 1001 00 060161 03`) as object
      expect(Object.keys(value)).toEqual([name])
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect('a' in value).toBe(false)
    }
    untouched()
  })

  it('take no more memory than a multiple of their length, whatever they claim', () => {
    // Each level claims as many elements as there are bytes.
    const levels = Array.from({ length: 190 }, () => [0x11, 0xf0, 0x2e]).flat()
    const bytes = Buffer.concat([Buffer.from(levels), Buffer.alloc(6_000, 0x00)])
    const before = process.memoryUsage().heapUsed
    expect(() => readTagged(bytes, 0, noCodecs)).toThrow()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1024 * 1024)
  })
})
