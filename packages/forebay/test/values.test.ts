import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { encodeValue } from '../src/core/codec.js'
import { shardOf } from '../src/core/key.js'
import { notModified } from '../src/index.js'
import { ValueCodecs } from '../src/core/value-codec.js'
import { createTestForebay } from '../src/testing/create-test-forebay.js'
import { Fleet } from './fleet.js'

class Money {
  constructor(readonly cents: number) {}
}
const money = { name: 'money', class: Money, encode: (given: Money) => given.cents, decode: (cents: number) => new Money(cents) }
const defaults = { ttl: '1m', jitter: 0 } as const

const rich = () => ({
  at: new Date(5),
  none: undefined,
  numbers: [-0, Number.NaN, 5n],
  map: new Map([['a', new Set([1])]]),
  bytes: Buffer.from('a'),
  octets: new Uint8Array([1]),
  price: new Money(5),
})

describe('a value of any kind', () => {
  it.each(['frozen', 'cloned', 'shared'] as const)(
    'is the same from its load, from memory and from Redis, if values are %s',
    async (values) => {
      const { forebay, another, settle } = createTestForebay({ defaults, codecs: [money] })
      await forebay.ready()
      const cache = forebay.cache<ReturnType<typeof rich>>('any', { values })
      const theirs = another().cache<ReturnType<typeof rich>>('any', { values })
      const found = [await cache.fetch('k', rich)]
      await settle()
      for (const reader of [cache, theirs, theirs]) found.push(await reader.fetch('k', rich))
      expect(found.map(({ tier }) => tier)).toEqual(['origin', 'memory', 'redis', 'memory'])
      for (const { value } of found) expect(isDeepStrictEqual(value, rich())).toBe(true)
      expect(isDeepStrictEqual([cache.peek('k'), await cache.get('k')], [rich(), rich()])).toBe(true)
    },
  )

  it('is a copy for each of those who wait for one load, where it is copied', async () => {
    for (const values of ['frozen', 'cloned'] as const) {
      const { forebay, settle } = createTestForebay({ defaults, codecs: [money] })
      await forebay.ready()
      const cache = forebay.cache<ReturnType<typeof rich>>('any', { values })
      const [one, other] = await Promise.all([cache.getOrSet('k', rich), cache.getOrSet('k', rich)])
      await settle()
      one.at.setTime(0)
      one.bytes.fill(0)
      expect(isDeepStrictEqual(other, rich())).toBe(true)
      expect(isDeepStrictEqual(cache.peek('k'), rich())).toBe(true)
    }
  })

  it('is the very same object for all where it is shared', async () => {
    const { forebay, settle } = createTestForebay({ defaults, codecs: [money] })
    await forebay.ready()
    const cache = forebay.cache<ReturnType<typeof rich>>('any', { values: 'shared' })
    const one = await cache.getOrSet('k', rich)
    await settle()
    expect(await cache.getOrSet('k', rich)).toBe(one)
    expect(Object.isFrozen(one)).toBe(false)
  })

  it('is a copy for the loader, and for the function that gives tags', async () => {
    const { forebay, clock } = createTestForebay({ defaults: { ...defaults, staleWhileRevalidate: '1m' } })
    const cache = forebay.cache<{ list: number[] }>('any', {
      values: 'cloned',
      tags: ({ list }) => {
        list.length = 0
        return ['a']
      },
    })
    await cache.set('k', { list: [1] })
    await clock.advance('61s')
    const seen: unknown[] = []
    const load = ({ previous }: { previous: unknown }) => {
      seen.push(previous)
      ;(previous as { list: number[] }).list.push(2)
      return { list: [3] }
    }
    expect(await cache.getOrSet('k', load)).toEqual({ list: [1] })
    await clock.advance('1s')
    expect(seen).toEqual([{ list: [1, 2] }])
    expect(await cache.get('k')).toEqual({ list: [3] })
  })

  it('is handed out as well when many are asked for at once, and when the loader says that it has not changed', async () => {
    const { forebay, clock } = createTestForebay({ defaults, codecs: [money] })
    const cache = forebay.cache<ReturnType<typeof rich>>('any', { staleIfError: '1m' })
    const loadAll = async <K extends string>(keys: readonly K[]) => new Map(keys.map((key) => [key, rich()] as const))
    for (let times = 0; times < 2; times++) {
      for (const value of await cache.getOrSetMany(['a', 'b'], ({ keys }) => loadAll(keys)))
        expect(isDeepStrictEqual(value, rich())).toBe(true)
    }
    expect(isDeepStrictEqual(await cache.getMany(['a', 'b']), [rich(), rich()])).toBe(true)
    await clock.advance('61s')
    expect(isDeepStrictEqual(await cache.getOrSet('a', () => notModified()), rich())).toBe(true)
  })

  it('that holds an instance without a codec is refused, with its path', async () => {
    const { forebay } = createTestForebay({ defaults })
    const refused = 'E_VALUE_UNSUPPORTED: value.price is an instance of Money'
    await expect(forebay.cache<unknown>('any').getOrSet('k', rich)).rejects.toThrow(refused)
    await expect(forebay.cache<unknown>('any').set('k', rich())).rejects.toThrow(refused)
  })
})

describe('a value in Redis that cannot be read', () => {
  const written = encodeValue({ price: new Money(5) }, new ValueCodecs([money]))
  it.each([
    ['of a codec that is not registered here', written.codec, written.payload],
    ['that was cut off', written.codec, written.payload.subarray(0, 9)],
    ['that claims to be huge', 2, Buffer.from('11ffffffff0f', 'hex')],
    ['that is nested without end', 2, Buffer.from('1101'.repeat(10_000), 'hex')],
    ['that is nested without end, in JSON', 0, Buffer.from(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)],
    ['of a codec byte from the future', 9, Buffer.from('1')],
  ])('%s is a miss, and told', async (_, codec, payload) => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const at = { shard: shardOf('books', 'b42', 4), cache: 'books', version: '', key: 'b42' }
    const value = { payload, codec, tags: [], freshMs: 60_000, staleMs: 0, errorMs: 0, keepMs: 0, extendMs: 0, costMs: 0, version: 0 }
    const set = { kind: 'set', nonce: 'foreign', newInc: 'inc', value, lease: undefined } as const
    fleet.group.primary.twin.write(at, set, fleet.group.primary.nowMs())
    await fleet.run(10)
    expect(await fleet.until(node.cache().fetch('b42', fleet.origin('Dune').load))).toMatchObject({ value: 'Dune', tier: 'origin' })
    expect(node.told('corrupt')).toEqual([{ type: 'corrupt', cache: 'books', key: 'b42', why: 'value' }])
  })
})
