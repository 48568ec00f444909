import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import type { Bytes } from '../core/bytes.js'
import { openEnvelope } from '../core/envelope.js'
import { shardOf } from '../core/key.js'
import type { CompressionPlan, Packing } from '../core/packing.js'
import { createPacking } from '../system/packing.js'
import { SimRandom } from '../testing/sim-random.js'
import type { CacheOptions } from './public.js'

const packing = createPacking({ aside: false })
const text = 'the course of true love never did run smooth; '.repeat(500)
const large = { id: 42, text }
const key1 = Buffer.alloc(32, 1)
const key2 = Buffer.alloc(32, 2)
const seal = { keys: { one: key1 }, use: 'one' }

/** What an entry of the cache `books` is in Redis: its parts, or all its bytes as text. */
function stored(fleet: Fleet, key = 'b42', version = '') {
  const bytes = fleet.group.primary.twin.get(addressOf(key, version), fleet.group.primary.nowMs())
  const envelope = bytes && openEnvelope(bytes)
  if (bytes === undefined || envelope === undefined) throw new RangeError(`nothing is stored under ${key}`)
  return { ...envelope, payload: Buffer.from(envelope.payload), all: Buffer.from(bytes).toString('latin1') }
}

function addressOf(key: string, version = '') {
  return { shard: shardOf('books', key, 4), cache: 'books', version, key }
}

let forgeries = 0

/** Somebody with access to Redis puts other bytes there. */
async function forge(
  fleet: Fleet,
  what: { codec: number; payload: Bytes; tags?: readonly string[]; version?: number },
  key = 'b42',
  of = '',
) {
  const value = { tags: [], version: 0, ...what, freshMs: 60_000, staleMs: 0, errorMs: 0, keepMs: 0, extendMs: 0, costMs: 0 }
  const { twin } = fleet.group.primary
  twin.write(
    addressOf(key, of),
    { kind: 'set', nonce: `forged-${forgeries++}`, newInc: 'inc', value, lease: undefined },
    fleet.group.primary.nowMs(),
  )
  await fleet.run(10)
}

async function stage<V = unknown>(options: CacheOptions<V>, names: readonly string[] = ['one']) {
  const fleet = new Fleet()
  const nodes = await fleet.ready(...names)
  const [node] = nodes
  if (node === undefined) throw new RangeError('no process')
  return { fleet, node, nodes, books: node.cache<V>({ memory: false, ...options }) }
}

describe('compression', () => {
  it.each([...packing.codecs])('by %s keeps the value, and makes less of it in Redis', async (codec) => {
    const { fleet, books } = await stage({ compression: codec })
    await fleet.until(books.set('b42', large))
    expect(stored(fleet).payload.length).toBeLessThan(JSON.stringify(large).length / 10)
    expect(await fleet.until(books.read('b42'))).toMatchObject({ state: 'fresh', tier: 'redis', value: large })
    expect(await fleet.until(books.getOrSet('b43', () => large))).toEqual(large)
    expect(await fleet.until(books.getOrSet('b43', () => 0))).toEqual(large)
  })

  it('begins at the threshold, and is kept only where it makes less', async () => {
    const { fleet, books } = await stage({ compression: { codec: 'gzip', threshold: 100 } })
    await fleet.until(books.set('b42', 'x'.repeat(97)))
    expect(stored(fleet)).toMatchObject({ codec: 0 })
    await fleet.until(books.set('b42', 'x'.repeat(98)))
    expect(stored(fleet)).toMatchObject({ codec: 0x10 })
    const chance = new SimRandom('noise')
    const noise = String.fromCharCode(...Array.from({ length: 98 }, () => 35 + chance.below(57)))
    await fleet.until(books.set('b42', noise))
    expect(stored(fleet)).toMatchObject({ codec: 0 })
    expect(await fleet.until(books.get('b42'))).toBe(noise)
  })

  it('is read whatever this process itself writes with', async () => {
    const { fleet, node, nodes, books } = await stage({ compression: 'gzip' }, ['one', 'two'])
    await fleet.until(books.set('b42', large))
    const [, two] = nodes
    expect(await fleet.until((two ?? node).cache().get('b42'))).toEqual(large)
  })

  it('takes no more room in memory for having been compressed', async () => {
    const { fleet, nodes, books } = await stage({ compression: 'gzip' }, ['one', 'two'])
    await fleet.until(books.set('b42', large))
    const two = nodes[1]?.cache()
    await fleet.until(two?.get('b42') ?? Promise.resolve())
    expect(two?.stats().memory.bytes).toBeGreaterThan(JSON.stringify(large).length)
  })

  it('that this Node lacks cannot be chosen; and its values are misses, told once', async () => {
    const fleet = new Fleet()
    const old: Packing = { ...packing, codecs: new Set(['gzip', 'brotli'] as const) }
    const node = fleet.start('old', { packing: old })
    await fleet.until(node.forebay.ready())
    expect(() => node.cache({ compression: 'zstd' }, 'other')).toThrow(/E_OPTION: cache 'other': compression is "zstd"/)
    const books = node.cache({ memory: false })
    await forge(fleet, { codec: 0x30, payload: Buffer.from([0, 0, 0, 9, 1, 2, 3]) })
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
    expect(node.told('warning').filter(({ text }) => text.includes('zstd'))).toHaveLength(1)
    expect(node.told('corrupt')).toMatchObject([{ why: 'compression' }, { why: 'compression' }])
  })
})

describe('bytes that pose as compressed', () => {
  const plan: CompressionPlan = { codec: 'gzip', thresholdBytes: 0, level: 9 }
  const compressed = (bytes: Bytes, says = bytes.length) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(says)
    return Buffer.concat([length, packing.compress(bytes, plan) as Bytes])
  }
  const zeros = Buffer.alloc(5_000_000, '0')

  it.each([
    ['a bomb that says how large it is', compressed(zeros)],
    ['a bomb that says it is small', compressed(zeros, 100)],
    ['less than it says', compressed(Buffer.from('"a"'), 100)],
    ['nothing', Buffer.alloc(0)],
    ['a length and nothing', Buffer.from([0, 0, 0, 3])],
    ['what says that it holds nothing', compressed(Buffer.alloc(0))],
    ['a truncated value', compressed(Buffer.from(JSON.stringify(large))).subarray(0, 60)],
    ['foreign bytes', Buffer.from([0, 0, 0, 20, 1, 2, 3, 4, 5, 6])],
  ])('are a miss that is told: %s', async (_, payload) => {
    const { fleet, node, books } = await stage({ maxValueBytes: 1_000_000 })
    await forge(fleet, { codec: 0x10, payload })
    expect(await fleet.until(books.getOrSet('b42', () => 'anew'))).toBe('anew')
    expect(node.told('corrupt')).toEqual([{ type: 'corrupt', cache: 'books', key: 'b42', why: 'compression' }])
  })
})

describe('a sealed value', () => {
  const secret = { card: '4111-1111-1111-1111', note: 'a secret between us' }

  it('shows nothing of itself in Redis, compressed or not', async () => {
    for (const compression of [false, { codec: 'brotli', threshold: 0 }] as const) {
      const { fleet, books } = await stage({ seal, compression })
      await fleet.until(books.set('b42', secret))
      expect(stored(fleet).all).not.toMatch(/4111|secret|card|note/)
      expect(await fleet.until(books.get('b42'))).toEqual(secret)
      await fleet.until(books.set('b42', undefined))
      expect(await fleet.until(books.read('b42'))).toMatchObject({ state: 'fresh', value: undefined })
    }
  })

  it('is another each time', async () => {
    const { fleet, books } = await stage({ seal })
    await fleet.until(books.set('b42', secret))
    const { payload } = stored(fleet)
    await fleet.until(books.set('b42', secret))
    expect(payload.equals(stored(fleet).payload)).toBe(false)
  })

  it('is opened by every key of the ring, and sealed by one', async () => {
    const { fleet, nodes, books } = await stage({ seal }, ['old', 'both', 'new'])
    const [, both, anew] = nodes as readonly Node[]
    await fleet.until(books.set('b42', secret))
    const rotating = both?.cache({ memory: false, seal: { keys: { one: key1, two: key2 }, use: 'two' } })
    expect(await fleet.until(rotating?.get('b42') ?? Promise.resolve())).toEqual(secret)
    const done = anew?.cache({ memory: false, seal: { keys: { two: key2.toString('base64') }, use: 'two' } })
    expect(await fleet.until(done?.get('b42') ?? Promise.resolve())).toBeUndefined()
    expect(anew?.told('corrupt')).toMatchObject([{ why: 'seal' }])
    await fleet.until(Promise.resolve(rotating?.set('b42', secret)))
    expect(await fleet.until(done?.get('b42') ?? Promise.resolve())).toEqual(secret)
    expect(await fleet.until(books.get('b42'))).toBeUndefined()
  })

  it.each([
    ['of another key', 'b43', ''],
    ['of another version of the cache', 'b42', '2'],
  ])('is not opened in the place %s', async (_, key, version) => {
    const { fleet, nodes, books } = await stage({ seal }, ['one', 'two'])
    await fleet.until(books.set('b42', secret))
    await forge(fleet, stored(fleet), key, version)
    const two = nodes[1] as Node
    expect(await fleet.until(two.cache({ memory: false, seal, version: version || undefined }).read(key))).toEqual({ state: 'miss' })
    expect(two.told('corrupt')).toEqual([{ type: 'corrupt', cache: 'books', key, why: 'seal' }])
  })

  it.each([
    ['its tags', { tags: [] }],
    ['its version', { version: 8 }],
    ['its codec', { codec: 0x81 }],
    ['its compression', { codec: 0x90 }],
    ['its seal', { codec: 0 }],
  ])('is not opened once somebody has altered %s', async (_, altered) => {
    const { fleet, node, books } = await stage({ seal })
    await fleet.until(books.set('b42', secret, { tags: ['red'], version: 7 }))
    await forge(fleet, stored(fleet), 'b42')
    expect(await fleet.until(books.get('b42'))).toEqual(secret)
    await fleet.until(books.invalidate('b42'))
    await fleet.until(books.set('b42', secret, { tags: ['red'], version: 7 }))
    await forge(fleet, { ...stored(fleet), ...altered }, 'b42')
    expect(await fleet.until(books.get('b42'))).toBeUndefined()
    expect(node.told('corrupt')).toMatchObject([{ why: 'seal' }])
  })

  it('is not opened with any byte altered, nor cut anywhere', async () => {
    const { fleet, node, books } = await stage({ seal })
    await fleet.until(books.set('b42', 'short'))
    const { codec, payload } = stored(fleet)
    for (let i = 0; i < payload.length; i++) {
      const altered = Buffer.from(payload)
      altered[i] = (altered[i] ?? 0) ^ (1 << (i % 8))
      await forge(fleet, { codec, payload: altered })
      expect(await fleet.until(books.get('b42')), `byte ${i} altered`).toBeUndefined()
      await forge(fleet, { codec, payload: payload.subarray(0, i) })
      expect(await fleet.until(books.get('b42')), `cut at ${i}`).toBeUndefined()
    }
    expect(node.told('corrupt')).toHaveLength(2 * payload.length)
  })

  it('cannot be replaced by one in the clear; nor is it read where nothing is sealed', async () => {
    const { fleet, nodes, books } = await stage({ seal }, ['sealed', 'open'])
    await forge(fleet, { codec: 0, payload: Buffer.from('{"admin":true}') })
    expect(await fleet.until(books.get('b42'))).toBeUndefined()
    await fleet.until(books.set('b42', secret))
    expect(await fleet.until(nodes[1]?.cache({ memory: false }).get('b42') ?? Promise.resolve())).toBeUndefined()
    expect(nodes[1]?.told('corrupt')).toMatchObject([{ why: 'seal' }])
  })
})

describe('random bytes in Redis', () => {
  it.each([
    ['plain', {}],
    ['compressed', { compression: { codec: 'gzip', threshold: 0 } }],
    ['sealed', { compression: { codec: 'brotli', threshold: 0 }, seal }],
  ] as const)('never throw, and never become a value that nobody stored: %s', async (_, options) => {
    const { fleet, books } = await stage(options)
    await fleet.until(books.set('b42', large))
    const { codec, payload } = stored(fleet)
    const chance = new SimRandom('mutations')
    for (let round = 0; round < 150; round++) {
      const mutated = Buffer.from(payload)
      for (let n = chance.below(8); n >= 0; n--) mutated[chance.below(mutated.length)] = chance.below(256)
      const cut = chance.chance(0.2) ? mutated.subarray(0, chance.below(mutated.length)) : mutated
      await forge(fleet, { codec: chance.chance(0.5) ? codec : chance.below(256), payload: cut })
      const found = await fleet.until(books.read('b42'))
      if (found.state !== 'miss' && 'seal' in options) expect(found.value).toEqual(large)
    }
  })
})

describe('work that is left to the thread pool', () => {
  /** Answers when it is told to. */
  function slowPacking() {
    const waiting: (() => void)[] = []
    const later = (bytes: Bytes): Promise<Bytes> => new Promise((resolve) => waiting.push(() => resolve(bytes)))
    const slow: Packing = {
      ...packing,
      compress: (bytes, plan) => later(packing.compress(bytes, plan) as Bytes),
      decompress: (bytes, codec, length) => later(packing.decompress(bytes, codec, length) as Bytes),
    }
    const finish = (): void => {
      for (const done of waiting.splice(0)) done()
    }
    return { slow, finish, waiting }
  }

  async function slowStage() {
    const fleet = new Fleet()
    const [other] = await fleet.ready('other')
    const { slow, finish, waiting } = slowPacking()
    const node = fleet.start('slow', { packing: slow })
    await fleet.until(node.forebay.ready())
    return { fleet, node, other, finish, waiting, books: node.cache({ compression: 'gzip' }), others: other.cache({ compression: 'gzip' }) }
  }

  it('does not keep a value in memory that was invalidated while it was decompressed', async () => {
    const { fleet, finish, waiting, books, others } = await slowStage()
    await fleet.until(others.set('b42', large))
    const reading = books.getOrSet('b42', () => 'anew')
    await fleet.run(10)
    expect(waiting).toHaveLength(1)
    await fleet.until(others.invalidate('b42'))
    await fleet.run(10)
    finish()
    expect(await fleet.until(reading)).toEqual(large)
    expect(books.peek('b42')).toBeUndefined()
  })

  it('keeps it where nothing came between', async () => {
    const { fleet, finish, books, others } = await slowStage()
    await fleet.until(others.set('b42', large))
    const reading = books.fetch('b42', () => 'anew')
    await fleet.run(10)
    finish()
    expect(await fleet.until(reading)).toMatchObject({ tier: 'redis', value: large })
    expect(books.peek('b42')).toEqual(large)
  })

  it('shares one decompression among those who ask meanwhile', async () => {
    const { fleet, finish, waiting, books, others } = await slowStage()
    await fleet.until(others.set('b42', large))
    const reading = Promise.all([books.getOrSet('b42', () => 'anew'), books.getOrSet('b42', () => 'anew')])
    await fleet.run(10)
    expect(waiting).toHaveLength(1)
    finish()
    expect(await fleet.until(reading)).toEqual([large, large])
  })

  it('does not let a set undo a write that came while it was compressed', async () => {
    const { fleet, finish, books, others } = await slowStage()
    const first = books.set('b42', large)
    await fleet.run(1)
    await fleet.until(books.set('b42', 'later'))
    finish()
    await fleet.until(first)
    await fleet.run(10)
    expect(await fleet.until(others.get('b42'))).not.toEqual(large)
    expect(books.peek('b42')).not.toEqual(large)
  })

  it('gives the callers of a load their value before it is compressed, and stores it then', async () => {
    const { fleet, node, finish, books } = await slowStage()
    expect(await fleet.until(books.fetch('b42', () => large))).toMatchObject({ tier: 'origin', value: large })
    finish()
    await fleet.until(node.forebay.settled())
    expect(stored(fleet).codec).toBe(0x10)
  })
})
