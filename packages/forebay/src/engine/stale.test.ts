import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

const options = { ttl: '10s', staleWhileRevalidate: '20s' } as const

describe('a stale value while it is revalidated', () => {
  it('is served at once, and loaded anew once, whoever asks', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache(options)
    const origin = fleet.origin('first', 100)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.value = 'second'
    const startedMs = fleet.clock.now()
    const asked = Array.from({ length: 10 }, () => books.fetch('b42', origin.load))
    const told = await fleet.until(Promise.all(asked))
    expect(fleet.clock.now()).toBe(startedMs)
    expect(told).toEqual(Array(10).fill(expect.objectContaining({ state: 'stale', why: 'revalidating', value: 'first', tier: 'memory' })))
    await fleet.until(node.forebay.settled())
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: 'second', tier: 'memory' })
    expect(origin.loads).toBe(2)
    expect(node.told('load').map(({ background }) => background)).toEqual([false, true])
  })

  it('is served from Redis to a process that has no copy, which then refreshes it', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first')
    await fleet.until(one.cache(options).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.value = 'second'
    const found = await fleet.until(two.cache(options).fetch('b42', origin.load))
    expect(found).toMatchObject({ state: 'stale', value: 'first', tier: 'redis' })
    await fleet.until(two.forebay.settled())
    expect(two.cache().peek('b42')).toBe('second')
    expect(await fleet.until(one.cache().fetch('b42', origin.load))).toMatchObject({ value: expect.any(String) })
  })

  it('is refreshed by one process in the fleet', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two', 'three')
    const origin = fleet.origin('first', 200)
    for (const node of nodes) await fleet.until(node.cache(options).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.value = 'second'
    await fleet.until(Promise.all(nodes.map((node) => node.cache().getOrSet('b42', origin.load))))
    await fleet.run(1_000)
    expect(origin.loads).toBe(2)
    const now = await fleet.until(Promise.all(nodes.map((node) => node.cache().getOrSet('b42', origin.load))))
    expect(now).toEqual(['second', 'second', 'second'])
  })

  it('is loaded in the foreground once its window is over', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache(options)
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    origin.value = 'second'
    await fleet.run(30_100)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: 'second', tier: 'origin' })
  })

  it('stays while refreshing fails, until its window is over; the origin is asked once a second at most', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache(options)
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    origin.broken = new Error('no database')
    await fleet.run(10_100)
    for (let i = 0; i < 190; i++) {
      expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'stale', value: 'first' })
      await fleet.run(100)
    }
    expect(origin.loads).toBeGreaterThan(10)
    expect(origin.loads).toBeLessThan(21)
    await fleet.run(1_000)
    expect(await fleet.failure(books.getOrSet('b42', origin.load))).toBe(origin.broken)
  })

  it('is what get and read give, without loading', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first')
    await fleet.until(one.cache(options).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    for (const node of [one, two]) {
      expect(await fleet.until(node.cache(options).get('b42'))).toBe('first')
      expect(await fleet.until(node.cache(options).read('b42'))).toMatchObject({ state: 'stale', why: 'revalidating' })
      expect(node.cache(options).peek('b42')).toBeUndefined()
    }
    await fleet.run(1_000)
    expect(origin.loads).toBe(1)
  })

  it('is the loader’s previous value', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('first')
    await fleet.until(node.cache(options).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    await fleet.until(node.cache(options).getOrSet('b42', origin.load))
    await fleet.until(node.forebay.settled())
    expect(origin.seen.map(({ key, previous }) => [key, previous])).toEqual([
      ['b42', undefined],
      ['b42', 'first'],
    ])
  })
})

describe('a stale value on error', () => {
  const onError = { ttl: '10s', staleIfError: '1h' } as const

  it('is served where the load fails, and the origin is left alone for a second', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache(onError)
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.broken = new Error('no database')
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'stale', why: 'error', value: 'first' })
    for (let i = 0; i < 9; i++) {
      await fleet.run(100)
      expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'stale', why: 'error', tier: 'memory' })
    }
    expect(origin.loads).toBe(2)
    await fleet.run(200)
    await fleet.until(books.fetch('b42', origin.load))
    expect(origin.loads).toBe(3)
    origin.broken = undefined
    origin.value = 'second'
    await fleet.run(1_100)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: 'second' })
  })

  it('is served in a process that never had it', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first')
    await fleet.until(one.cache(onError).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.broken = new Error('no database')
    expect(await fleet.until(two.cache(onError).fetch('b42', origin.load))).toMatchObject({ state: 'stale', why: 'error', value: 'first' })
  })

  it('is served where the loader is too slow', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache({ ...onError, hardTimeout: '2s' })
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.takesMs = 60_000
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'stale', why: 'error', value: 'first' })
  })

  it('is never served after an invalidation', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first', 50)
    const books = one.cache(onError)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.broken = new Error('no database')
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
    await fleet.until(two.cache(onError).invalidate('b42'))
    await fleet.run(10)
    expect(await fleet.failure(books.getOrSet('b42', origin.load))).toBe(origin.broken)
    expect(await fleet.failure(two.cache(onError).getOrSet('b42', origin.load))).toBe(origin.broken)
  })

  it('is not served where the invalidation comes while the load runs', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first', 100)
    await fleet.until(one.cache(onError).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.broken = new Error('no database')
    const failing = fleet.failure(one.cache(onError).getOrSet('b42', origin.load))
    fleet.clock.after(50, () => void two.cache(onError).invalidate('b42'))
    expect(await failing).toBe(origin.broken)
  })

  it('is not served after its window, nor for an error of the caller', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<unknown>({ ttl: '10s', staleIfError: '10s' })
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    expect(await fleet.failure(books.getOrSet('b42', () => new WeakMap()))).toMatchObject({ code: 'E_VALUE_UNSUPPORTED' })
    origin.broken = new Error('no database')
    await fleet.run(10_000)
    expect(await fleet.failure(books.getOrSet('b42', origin.load))).toBe(origin.broken)
  })
})

describe('markStale', () => {
  it('ends the freshness everywhere, and leaves the value to be served while it is refreshed', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two')
    const [one, two] = nodes
    const origin = fleet.origin('first', 100)
    for (const node of nodes) await fleet.until(node.cache({ ttl: '1h', staleWhileRevalidate: '1h' }).getOrSet('b42', origin.load))
    origin.value = 'second'
    expect(await fleet.until(one.cache().markStale('b42'))).toMatchObject({ state: 'acknowledged' })
    await fleet.run(10)
    expect([one.cache().peek('b42'), two.cache().peek('b42')]).toEqual([undefined, undefined])
    for (const node of nodes) {
      expect(await fleet.until(node.cache().fetch('b42', origin.load))).toMatchObject({ state: 'stale', value: 'first' })
    }
    await fleet.run(1_000)
    for (const node of nodes) expect(await fleet.until(node.cache().getOrSet('b42', origin.load))).toBe('second')
    expect(origin.loads).toBe(2)
  })

  it('without stale windows leaves nothing to serve', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const origin = fleet.origin('first', 100)
    const books = one.cache({ ttl: '1h' })
    await fleet.until(books.getOrSet('b42', origin.load))
    origin.value = 'second'
    await fleet.until(books.markStale('b42'))
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('second')
  })

  it('is a fence: a load that began before is not stored', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first', 100)
    const before = one.cache().getOrSet('b42', origin.load)
    await fleet.run(50)
    origin.value = 'second'
    await fleet.until(two.cache().markStale('b42'))
    expect(await fleet.until(before)).toBe('first')
    await fleet.until(one.forebay.settled())
    expect(await fleet.until(two.cache().getOrSet('b42', origin.load))).toBe('second')
    expect(await fleet.until(one.cache().getOrSet('b42', origin.load))).toBe('second')
  })
})
