import { readdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { cachePlan } from '../src/config/cache-plan.js'
import { ForebayError } from '../src/core/errors.js'
import type { FarStore } from '../src/core/far-store.js'
import type { CacheOptions } from '../src/engine/public.js'
import { createForebay, entry } from '../src/index.js'
import { followChanges, outboxSource } from '../src/upstream/index.js'
import { Fleet } from './fleet.js'

/** What caches before this one got wrong, from their sources and their issues: each as one short story through all tiers. */

afterEach(() => {
  vi.useRealTimers()
})

const waitForNews = 3_000

describe('a write while a load runs', () => {
  it.each(['one', 'two'] as const)('is not overwritten by what the load brings, when process %s writes', async (writer) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const [books, theirs] = [one.cache<string>(), two.cache<string>()]
    const writing = { one: books, two: theirs }[writer]
    const origin = fleet.origin('old', 100)
    const loading = Promise.all([books.getOrSet('removed', origin.load), books.getOrSet('set', origin.load)])
    await fleet.run(20)
    await fleet.until(Promise.all([writing.invalidate('removed'), writing.set('set', 'new')]))
    await fleet.until(loading)
    await fleet.run(100)
    for (const cache of [books, theirs]) {
      expect(await fleet.until(cache.read('removed'))).toEqual({ state: 'miss' })
      expect(await fleet.until(cache.read('set'))).toMatchObject({ state: 'fresh', value: 'new' })
    }
  })

  it('voids what the load brings also by a tag that is only known once it has ended', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const loading = one.cache<string>().getOrSet('b42', async () => {
      await fleet.sleep(100)
      return entry('old', { tags: ['author:7'] })
    })
    await fleet.run(20)
    await fleet.until(two.forebay.invalidateTags(['author:7']))
    await fleet.until(loading)
    await fleet.run(100)
    expect(await fleet.until(one.cache().read('b42'))).toEqual({ state: 'miss' })
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('is not undone by it when it is a clear: no tier keeps what was loaded before', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('old', 60)
    const keys = Array.from({ length: 20 }, (_, i) => `b${i}`)
    const loading = keys.map((key, i) => fleet.sleep(5 * i).then(() => one.cache<string>().getOrSet(key, origin.load)))
    await fleet.run(50)
    await fleet.until(two.cache().clear())
    await fleet.until(Promise.all(loading))
    await fleet.run(100)
    const begunBefore = keys.slice(0, 8)
    const found = await fleet.until(Promise.all(begunBefore.flatMap((key) => [one, two].map((node) => node.cache().read(key)))))
    expect(found.every(({ state }) => state === 'miss')).toBe(true)
  })
})

describe('a process that was cut off', () => {
  it('serves nothing old when it is back', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('old')
    await fleet.until(Promise.all([one, two].map((node) => node.cache<string>().getOrSet('b42', origin.load))))
    two.cutOff()
    origin.value = 'new'
    await fleet.until(one.cache().invalidate('b42'))
    await fleet.run(500)
    two.reconnect()
    await fleet.run(waitForNews)
    expect(two.cache().peek('b42')).toBeUndefined()
    expect(await fleet.until(two.cache<string>().getOrSet('b42', origin.load))).toBe('new')
  })

  it('tells its invalidations that Redis has not taken, and nobody refills from the old value once they are sent', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('old')
    await fleet.until(one.cache<string>().getOrSet('b42', origin.load))
    one.cutOff()
    origin.value = 'new'
    expect(await fleet.until(one.cache().delete('b42'))).toMatchObject({ state: 'queued' })
    expect(await fleet.until(one.cache<string>().getOrSet('b42', origin.load))).toBe('new')
    one.reconnect()
    await fleet.run(waitForNews)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(await fleet.until(two.cache<string>().getOrSet('b42', origin.load))).toBe('new')
  })

  it('says what would die with it, and a change that must not be lost is told by the database', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    one.cutOff()
    expect(await fleet.until(one.cache().invalidate('b42'))).toMatchObject({ state: 'queued' })
    expect(await fleet.until(one.forebay.close({ timeout: 100 }))).toEqual({ unsent: 1 })

    const forebay = createForebay({ service: 'shop', defaults: { ttl: '1h' } })
    const books = forebay.cache<string>('books')
    await books.set('b42', 'old')
    const table = [{ id: '1', key: 'b42' }] // committed by a process that has died since
    const source = outboxSource<{ id: string; key: string }>({
      read: async (limit) => table.slice(0, limit),
      done: async (rows) => void table.splice(0, rows.length),
    })
    const changes = followChanges({ forebay, source, map: ({ key }) => [{ cache: 'books', key }], onError: () => {} })
    await vi.waitUntil(() => table.length === 0)
    expect(await books.get('b42')).toBeUndefined()
    await changes.stop()
    await forebay.close()
  })

  it('does not give Redis up for one command that has failed', async () => {
    const fleet = new Fleet()
    let failures = 1
    const once = (far: FarStore): FarStore => ({
      ...far,
      get: (at) => (failures-- > 0 ? Promise.reject(new ForebayError('E_REDIS_DEADLINE', 'too slow, once')) : far.get(at)),
    })
    const [one] = await fleet.ready('one')
    const two = fleet.start('two', { wrap: once })
    await fleet.until(two.forebay.ready())
    await fleet.until(Promise.all([one.cache().set('b1', 1), one.cache().set('b2', 2)]))
    await fleet.until(two.cache<number>().getOrSet('b1', () => -1))
    expect(failures).toBe(0)
    expect(await fleet.until(two.cache().read('b2'))).toMatchObject({ value: 2, tier: 'redis' })
  })
})

describe('news between processes', () => {
  it('is ordered by Redis, whatever the clocks of the machines say', async () => {
    const fleet = new Fleet()
    const behind = fleet.start('behind', { skew: { offsetMs: -3_600_000, drift: 0 } })
    const ahead = fleet.start('ahead', { skew: { offsetMs: 3_600_000, drift: 0 } })
    await fleet.until(Promise.all([behind.forebay.ready(), ahead.forebay.ready()]))
    const origin = fleet.origin('old')
    const load = async (context: Parameters<typeof origin.load>[0]) => entry(await origin.load(context), { tags: ['author:7'] })
    await fleet.until(ahead.cache<string>().getOrSet('b42', load))
    await fleet.until(behind.cache().invalidateTags(['author:7']))
    origin.value = 'new'
    await fleet.run(50)
    expect(await fleet.until(ahead.cache<string>().getOrSet('b42', load))).toBe('new')
    await fleet.until(ahead.cache().invalidateTags(['author:7']))
    expect(await fleet.until(behind.cache<string>().fetch('b42', load))).toMatchObject({ value: 'new', tier: 'origin' })
    await fleet.run(50)
    expect(await fleet.until(ahead.cache().read('b42'))).toMatchObject({ state: 'fresh' })
  })

  it('of a clear reaches the memory of every process', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two', 'three')
    await fleet.until(nodes[0].cache().set('b42', 'old'))
    await fleet.until(Promise.all(nodes.map((node) => node.cache().get('b42'))))
    await fleet.until(nodes[0].cache().clear())
    await fleet.run(50)
    expect(nodes.map((node) => node.cache().peek('b42'))).toEqual([undefined, undefined, undefined])
  })

  it('tells keys and no values', async () => {
    const fleet = new Fleet()
    const heard: unknown[] = []
    const listening = (far: FarStore): FarStore => ({
      ...far,
      onNotice: (listener) =>
        far.onNotice((shard, notice) => {
          heard.push(notice)
          listener(shard, notice)
        }),
    })
    const [one] = await fleet.ready('one')
    const two = fleet.start('two', { wrap: listening })
    await fleet.until(two.forebay.ready())
    await fleet.until(one.cache().set('b42', { title: 'a secret' }))
    await fleet.until(one.cache().getOrSet('b43', () => 'a secret'))
    await fleet.run(50)
    expect(JSON.stringify(heard)).toContain('b42')
    expect(JSON.stringify(heard)).not.toContain('secret')
  })

  it('of a tag is heard each time, however often the tag was asked about before', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    for (const value of ['first', 'second', 'third']) {
      await fleet.until(one.cache<string>().set('b42', value, { tags: ['author:7'] }))
      expect(await fleet.until(two.cache().get('b42'))).toBe(value)
      await fleet.until(one.forebay.invalidateTags(['author:7']))
      await fleet.run(50)
      expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
    }
  })

  it('of an old invalidation takes nothing away that was stored since, from whoever hears of it late', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.forebay.invalidateTags(['author:7']))
    await fleet.until(one.cache().set('b42', 'new', { tags: ['author:7'] }))
    await fleet.until(two.cache().get('b42'))
    const late = fleet.start('late')
    await fleet.until(late.forebay.ready())
    expect(await fleet.until(late.cache().read('b42'))).toMatchObject({ value: 'new', tier: 'redis' })
    await fleet.run(waitForNews)
    expect([one, two, late].map((node) => node.cache().peek('b42'))).toEqual(['new', 'new', 'new'])
  })
})

describe('a value', () => {
  it.each([0, '', false, null, undefined, Number.NaN, -0, 0n])('%s is a hit like any other, in memory and in Redis', async (value) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin<unknown>(value)
    await fleet.until(one.cache().getOrSet('b42', origin.load))
    for (const [node, tier] of [
      [one, 'memory'],
      [two, 'redis'],
      [two, 'memory'],
    ] as const) {
      expect(await fleet.until(node.cache().fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value, tier })
    }
    expect(origin.loads).toBe(1)
  })

  it.each([
    ['a text that looks like JSON', '{"a":1}'],
    ['a Date', new Date(0)],
    ['a Map', new Map([['a', [1n]]])],
    ['bytes', new Uint8Array([1, 2])],
  ])('is of the same type from memory and from Redis: %s', async (_, value) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.cache().set('b42', value))
    for (const node of [one, two, two]) expect(await fleet.until(node.cache().get('b42'))).toEqual(value)
  })

  it('that comes up into memory ends there when it does in Redis', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.cache({ ttl: '1h' }).set('b42', 'short', { ttl: '5s' }))
    await fleet.run(3_000)
    await fleet.until(two.cache({ ttl: '1h' }).get('b42'))
    expect(two.cache().peek('b42')).toBe('short')
    await fleet.run(2_100)
    expect(two.cache().peek('b42')).toBeUndefined()
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('that is old is not removed by whoever finds it: the new one that has come meanwhile stays', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.cache().set('b42', 'old', { tags: ['author:7'] }))
    await fleet.until(one.cache().invalidateTags(['author:7']))
    fleet.executed.length = 0
    const finding = two.cache().get('b42')
    await fleet.until(Promise.all([finding, one.cache().set('b42', 'new', { tags: ['author:7'] })]))
    await fleet.run(50)
    expect(await fleet.until(two.cache().get('b42'))).toBe('new')
    const acts = fleet.executed.filter(({ process }) => process === 'two').map(({ act }) => act)
    expect(acts.filter((act) => act === 'write' || act === 'fill' || act === 'stamp')).toEqual([])
  })

  it('of a cache that seals is never stored in the clear, and no cache begins without its keys', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const seal = { keys: { k1: Buffer.alloc(32, 7) }, use: 'k1' }
    const books = one.cache<string>({ seal })
    await fleet.until(books.set('b42', 'a secret title'))
    const stored = fleet.executed.find(({ act }) => act === 'write')
    const { payload } = (stored as unknown as { request: { value: { payload: Uint8Array } } }).request.value
    expect(Buffer.from(payload).includes('secret')).toBe(false)
    for (const bad of [
      { keys: {}, use: 'k1' },
      { keys: { k1: 'too short' }, use: 'k1' },
      { keys: { k1: undefined }, use: 'k1' },
    ]) {
      expect(() => one.cache({ seal: bad }, 'others')).toThrow(/^E_OPTION: /)
    }
  })
})

describe('a load', () => {
  it('that fails fails its callers, with its own error', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const origin = fleet.origin('never')
    origin.broken = new RangeError('the database is down')
    expect(await fleet.failure(one.cache<string>().getOrSet('b42', origin.load))).toBe(origin.broken)
    expect(await fleet.until(one.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('is one for all who find an old value, in all processes', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two')
    const options = { ttl: '10s', staleWhileRevalidate: '1m' } as const
    const origin = fleet.origin('old', 50)
    await fleet.until(nodes[0].cache<string>(options).getOrSet('b42', origin.load))
    await fleet.until(nodes[1].cache<string>(options).get('b42'))
    await fleet.run(11_000)
    origin.value = 'new'
    const readers = Array.from({ length: 100 }, (_, i) => nodes[i % 2 === 0 ? 0 : 1].cache<string>())
    const found = await fleet.until(Promise.all(readers.map((cache) => cache.getOrSet('b42', origin.load))))
    expect(new Set(found)).toEqual(new Set(['old']))
    await fleet.run(100)
    expect(origin.loads).toBe(2)
    expect(nodes.map((node) => node.cache().peek('b42'))).toContain('new')
  })

  it('goes on for the others when one caller leaves', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const origin = fleet.origin('Dune', 100)
    const leaving = new AbortController()
    const left = fleet.failure(one.cache<string>().getOrSet('b42', origin.load, { signal: leaving.signal }))
    const staying = one.cache<string>().getOrSet('b42', origin.load)
    await fleet.run(20)
    leaving.abort(new RangeError('gone'))
    expect(await left).toMatchObject({ message: 'gone' })
    expect(await fleet.until(staying)).toBe('Dune')
    expect([origin.loads, origin.seen[0]?.signal.aborted]).toEqual([1, false])
  })
})

describe('the size of things', () => {
  it('of one call does not become the size of one command: thousands of keys go a few hundred at a time', async () => {
    const fleet = new Fleet()
    let underWay = 0
    let most = 0
    const counting = (far: FarStore): FarStore => ({
      ...far,
      write: async (at, request) => {
        most = Math.max(most, ++underWay)
        return far.write(at, request).finally(() => underWay--)
      },
    })
    const one = fleet.start('one', { wrap: counting })
    await fleet.until(one.forebay.ready())
    const keys = Array.from({ length: 3_000 }, (_, i) => `b${i}`)
    expect(await fleet.until(one.cache().deleteMany(keys))).toMatchObject({ state: 'acknowledged' })
    expect(fleet.count('write')).toBe(keys.length)
    expect(most).toBeLessThanOrEqual(500)
    expect(await fleet.failure(one.cache().invalidateTags(keys))).toMatchObject({ code: 'E_TAG' })
  })

  it('does not grow with the keys ever seen: long ones leave nothing behind', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const forebay = createForebay({ service: 'shop', defaults: { ttl: '1h', memory: { maxEntries: 10 } } })
    const books = forebay.cache('books')
    const longKey = (i: number) => ({ query: `${i}`.padEnd(2_000, 'x') })
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 20_000; i++) books.peek(longKey(i))
    for (let i = 0; i < 200; i++) await books.set(longKey(i), i)
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000) // the keys are 40 MB
    expect(books.stats().memory.entries).toBeLessThanOrEqual(10)
    await forebay.close()
  })
})

describe('time', () => {
  it('is read when it is asked for: fake timers work', async () => {
    vi.useFakeTimers()
    const forebay = createForebay({ service: 'shop', defaults: { ttl: '1m', jitter: 0 } })
    const books = forebay.cache<string>('books')
    await books.set('b42', 'Dune')
    await vi.advanceTimersByTimeAsync(59_000)
    expect(await books.get('b42')).toBe('Dune')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await books.get('b42')).toBeUndefined()
    const closing = forebay.close()
    await vi.advanceTimersByTimeAsync(5_000)
    await closing
  })

  it('has one unit in all options, milliseconds, and a name for it in all examples', () => {
    const spans = [
      'ttl',
      'staleWhileRevalidate',
      'staleIfError',
      'maxStaleness',
      'hardTimeout',
      'softTimeout',
      'negativeTtl',
      'keepForRevalidation',
    ]
    const plan = (span: number | `${number}ms`) => {
      const options: CacheOptions<never> = {
        ...Object.fromEntries(spans.map((option) => [option, span])),
        memory: { ttl: span },
        sliding: { max: span },
      }
      return cachePlan('books', options, undefined)
    }
    expect(JSON.stringify(plan(1_500))).toBe(JSON.stringify(plan('1500ms')))
    const guide = new URL('../../../docs/guide/', import.meta.url)
    const bare = new RegExp(`\\b(${spans.join('|')}|again|timeout|max): [\\d_]+[ ,}]`, 'g')
    const examples = readdirSync(guide).flatMap((page) => readFileSync(new URL(page, guide), 'utf8').match(bare) ?? [])
    expect(examples.filter((example) => !/^max: /.test(example))).toEqual([])
  })
})

describe('looking', () => {
  it('changes nothing: not memory, not Redis, not the order of what is evicted by explain', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.cache().set('b42', 'Dune'))
    const books = two.cache()
    fleet.executed.length = 0
    const seen = await fleet.until(books.explain('b42'))
    expect(seen).toMatchObject({ memory: undefined, redis: { state: 'fresh' } })
    expect([books.peek('b42'), books.stats().memory.entries, books.hotKeys()]).toEqual([undefined, 0, []])
    two.forebay.stats()
    const acts = fleet.executed.filter(({ process }) => process === 'two').map(({ act }) => act)
    expect(acts.every((act) => act === 'get' || act === 'check' || act === 'ask')).toBe(true)
    expect(books.stats().hits).toEqual({ memory: 0, redis: 0 })
  })
})
