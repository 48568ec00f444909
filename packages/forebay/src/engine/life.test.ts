import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

describe('a cache', () => {
  it('is the same under the same name, and is not made again with other options', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.forebay.cache('books', { ttl: '1h' })
    expect(node.forebay.cache('books')).toBe(books)
    expect(node.forebay.cache('books', { ttl: 3_600_000 })).toBe(books)
    expect(node.forebay.cache('films')).not.toBe(books)
    expect(books.name).toBe('books')
    expect(() => node.forebay.cache('books', { ttl: '2h' })).toThrow('E_OPTION')
  })

  it('can be had after others have been used', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    await fleet.run(10_000)
    const films = node.cache<string>({ maxStaleness: '100ms' }, 'films')
    await fleet.until(films.getOrSet('alien', () => 'Alien'))
    await fleet.run(10_000)
    expect(films.peek('alien')).toBe('Alien')
  })
})

describe('a process that is closed', () => {
  it('refuses everything', async () => {
    const fleet = new Fleet()
    const [{ forebay }] = await fleet.ready('one')
    const books = forebay.cache('books')
    await fleet.until(books.getOrSet('b42', () => 'Dune'))
    await fleet.until(forebay.close())
    const refused = [
      () => books.getOrSet('b42', () => 'Dune'),
      () => books.fetch('b42', () => 'Dune'),
      () => books.get('b42'),
      () => books.read('b42'),
      () => books.set('b42', 'Dune'),
      () => books.invalidate('b42'),
      () => books.delete('b42'),
      () => books.markStale('b42'),
      () => books.invalidateTags(['a']),
      () => books.clear(),
      () => forebay.invalidateTags(['a']),
      () => forebay.clear(),
      () => forebay.ready(),
    ]
    for (const call of refused) expect(await fleet.failure(call())).toMatchObject({ code: 'E_CLOSED' })
    expect(() => forebay.cache('books')).toThrow('E_CLOSED')
    expect(books.peek('b42')).toBeUndefined()
  })

  it('has stored what was being loaded', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const loading = one.cache().getOrSet('b42', fleet.origin('Dune', 500).load)
    await fleet.run(100)
    expect(await fleet.until(one.forebay.close())).toEqual({ unsent: 0 })
    expect(await fleet.until(loading)).toBe('Dune')
    expect(await fleet.until(two.cache().read('b42'))).toMatchObject({ value: 'Dune' })
  })

  it('has not waited longer than its timeout for a load', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    void one.cache().getOrSet('b42', fleet.origin('Dune', 20_000).load)
    await fleet.run(100)
    const startedMs = fleet.clock.now()
    await fleet.until(one.forebay.close({ timeout: '1s' }))
    expect(fleet.clock.now() - startedMs).toBe(1_000)
    await fleet.run(30_000)
  })

  it('was closed once, however often it is asked, and asks its server nothing more', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const closing = one.forebay.close()
    expect(one.forebay.close()).toBeInstanceOf(Promise)
    await fleet.until(closing)
    await fleet.until(Promise.resolve(one.forebay[Symbol.asyncDispose]()))
    fleet.executed.length = 0
    await fleet.run(10_000)
    expect(fleet.executed).toEqual([])
  })

  it('refuses a timeout that is none', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    expect(await fleet.failure(one.forebay.close({ timeout: 0 }))).toMatchObject({ code: 'E_OPTION' })
  })

  it('does not leave those waiting who wait for another process', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    void one.cache().getOrSet('b42', fleet.origin('Dune', 20_000).load)
    await fleet.run(100)
    const waiting = fleet.failure(two.cache().getOrSet('b42', fleet.origin('own').load))
    fleet.clock.after(100, () => void two.forebay.close({ timeout: 100 }))
    await waiting
    expect(fleet.clock.now()).toBeLessThan(2_000)
  })

  it('rejects those who wait for it to be ready', async () => {
    const fleet = new Fleet()
    fleet.group.primary.stop()
    const node = fleet.start('one')
    const becoming = fleet.failure(node.forebay.ready())
    fleet.clock.after(1_000, () => void node.forebay.close({ timeout: 100 }))
    expect(await becoming).toMatchObject({ code: 'E_CLOSED' })
  })
})

describe('settled', () => {
  it('waits for fills and refreshes', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache({ ttl: '10s', staleWhileRevalidate: '1h' })
    const origin = fleet.origin('first', 300)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.until(node.forebay.settled())
    await fleet.run(11_000)
    await fleet.until(books.getOrSet('b42', origin.load))
    origin.value = 'ignored'
    await fleet.until(node.forebay.settled())
    expect([origin.loads, origin.running]).toEqual([2, 0])
    expect(fleet.count('fill')).toBe(2)
  })
})

describe('a machine that slept', () => {
  it('serves nothing from memory that it cannot prove anew, from the first moment on', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first')
    const books = one.cache()
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(100)
    one.process.suspend(60_000)
    await fleet.run(10)
    one.cutOff()
    origin.value = 'second'
    await fleet.until(two.cache().invalidate('b42'))
    await fleet.run(60_000)
    expect(books.peek('b42')).toBeUndefined()
    expect(one.told('suspended')).toMatchObject([{ ms: expect.closeTo(60_000, -2) }])
    one.reconnect()
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('second')
  })

  it('serves from memory again what it has proven anew', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    await fleet.until(one.cache<string>().getOrSet('b42', () => 'Dune'))
    await fleet.run(100)
    one.process.suspend(60_000)
    await fleet.run(61_000)
    expect(one.cache().peek('b42')).toBe('Dune')
  })
})

describe('a cache made with what is hardly meant', () => {
  it('is told once', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    for (let i = 0; i < 2; i++) one.forebay.cache('prices', { ttl: 60 })
    expect(one.told('warning').map(({ text }) => text)).toEqual([
      expect.stringContaining("cache 'prices': ttl is 60, which is 60 milliseconds"),
    ])
  })
})

describe('listeners', () => {
  it('for what never happens are refused', async () => {
    const fleet = new Fleet()
    const [{ forebay }] = await fleet.ready('one')
    const on = forebay.on as (type: string, listener: () => void) => void
    expect(() => on.call(forebay, 'mis', () => {})).toThrow('E_OPTION: "mis" is no event; there are hit, stale, miss,')
  })

  it('that throw are contained, counted and stay; the others hear everything', async () => {
    const fleet = new Fleet()
    const [{ forebay }] = await fleet.ready('one')
    const heard: string[] = []
    const fault = new Error('my log is full')
    forebay.on('miss', () => {
      throw fault
    })
    forebay.on('miss', ({ key }) => heard.push(key))
    forebay.on('listener-error', ({ error }) => heard.push(String(error)))
    for (const key of ['a', 'b']) await fleet.until(forebay.cache('books').getOrSet(key, () => 1))
    expect(heard).toEqual(['Error: my log is full', 'a', 'Error: my log is full', 'b'])
    expect(forebay.stats().listenerErrors).toBe(2)
  })

  it('that throw at errors of listeners do not go round in circles', async () => {
    const fleet = new Fleet()
    const [{ forebay }] = await fleet.ready('one')
    forebay.onAny(() => {
      throw new Error('always')
    })
    await fleet.until(forebay.cache('books').getOrSet('a', () => 1))
    expect(forebay.stats().listenerErrors).toBeGreaterThan(0)
  })

  it('can be ended, each by itself', async () => {
    const fleet = new Fleet()
    const [{ forebay }] = await fleet.ready('one')
    let heard = 0
    const listener = () => {
      heard++
    }
    const ends = [forebay.on('miss', listener), forebay.on('miss', listener), forebay.onAny((event) => event.type === 'miss' && listener())]
    for (const [i, end] of ends.entries()) {
      await fleet.until(forebay.cache('books').getOrSet(`b${i}`, () => 1))
      end()
      end()
    }
    expect(heard).toBe(3 + 2 + 1)
    await fleet.until(forebay.cache('books').getOrSet('last', () => 1))
    expect(heard).toBe(6)
  })
})

describe('the statistics', () => {
  it('measure one hit in memory of 1,024', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache()
    await fleet.until(books.getOrSet('b42', () => 'Dune'))
    for (let i = 0; i < 2_048; i++) books.peek('b42')
    expect(books.stats().latency.memoryHit.count).toBe(2)
  })

  it('add up', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const options = { ttl: '10s', staleWhileRevalidate: '1h' } as const
    const books = one.cache(options)
    const origin = fleet.origin('Dune')
    await fleet.until(two.cache(options).getOrSet('from two', origin.load))
    await fleet.until(Promise.all([books.getOrSet('b42', origin.load), books.getOrSet('b42', origin.load)]))
    for (let i = 0; i < 5; i++) await fleet.until(books.getOrSet('b42', origin.load))
    books.peek('b42')
    await fleet.until(books.getOrSet('from two', origin.load))
    await fleet.until(books.get('nothing'))
    origin.broken = new Error('no database')
    await fleet.failure(books.getOrSet('broken', origin.load))
    origin.broken = undefined
    await fleet.run(10_500)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.until(one.forebay.settled())
    await fleet.until(books.invalidate('b42'))
    await fleet.until(books.set('b43', 'x'))
    const stats = books.stats()
    const { latency, control, ...counters } = stats
    expect(counters).toEqual({
      hits: { memory: 6, redis: 1 },
      stale: 1,
      misses: 3,
      joins: 1,
      loads: 2,
      loadErrors: 1,
      fills: 2,
      refusedFills: 0,
      waits: 0,
      writes: 2,
      queuedWrites: 0,
      degraded: 0,
      corrupt: 0,
      schemaMismatches: 0,
      extensions: 0,
      earlyRefreshes: 0,
      evictions: 0,
      loading: { running: 0, queued: { callers: 0, refreshes: 0, warmUps: 0 }, shed: 0 },
      memory: { entries: 2, bytes: expect.any(Number) },
      hitRatio: 8 / 11,
      monitor: undefined,
    })
    const counted = Object.fromEntries(Object.entries(latency).map(([what, { count }]) => [what, count]))
    expect(counted).toEqual({ memoryHit: 0, redisHit: 1, load: 2, wait: 0, write: 2 })
    expect(control).toMatchObject({ mode: 'on', ramp: 100 })
    expect(latency.load.maxMs).toBeGreaterThanOrEqual(10)
    expect(one.forebay.stats()).toMatchObject({
      caches: { books: stats },
      total: { hits: { memory: 6, redis: 1 }, misses: 3 },
      shards: { total: 4, proven: 4 },
      outbox: 0,
      listenerErrors: 0,
    })
    await fleet.run(1_000)
    const told = one.told('hit')
    expect(told.filter(({ tier }) => tier === 'memory').reduce((sum, { count }) => sum + count, 0)).toBe(6)
    expect(told.filter(({ tier }) => tier === 'redis')).toHaveLength(1)
  })

  it('of a cache that was never asked have no ratio', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    expect(one.cache().stats().hitRatio).toBe(0)
  })
})
