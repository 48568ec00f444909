import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { cachePlan } from '../config/cache-plan.js'
import { isEarly, lifeOf } from './lifetimes.js'
import { doNotStore, entry, notModified } from './public.js'

const day = 86_400_000

describe('the absence of a value', () => {
  it('lives as long as the cache says for it, unless it comes with a ttl of its own', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<string | null>({ ttl: '1h', negativeTtl: '5s' })
    await fleet.until(books.getOrSet('gone', () => null, { ttl: '1d' }))
    await fleet.until(books.getOrSet('long gone', () => entry(null, { ttl: '1h' })))
    await fleet.run(6_000)
    expect(await fleet.until(books.read('gone'))).toEqual({ state: 'miss' })
    expect(await fleet.until(books.read('long gone'))).toMatchObject({ state: 'fresh', value: null })
  })

  it('is not kept where the cache says so, not by a set either', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<string | null>({ negativeTtl: false })
    expect(await fleet.until(books.getOrSet('gone', () => null))).toBeNull()
    expect(await fleet.until(books.read('gone'))).toEqual({ state: 'miss' })
    await fleet.until(books.set('b42', 'Dune'))
    await fleet.until(books.set('b42', null))
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
  })
})

describe('a sliding life', () => {
  it('goes on as long as it is used, in memory and in Redis, and then ends', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const sessions = [one, two].map((node) => node.cache<string>({ ttl: '10s', sliding: true }))
    const origin = fleet.origin('session')
    await fleet.until(sessions[0]?.getOrSet('s', origin.load) ?? Promise.reject(new Error('no cache')))
    for (let i = 0; i < 30; i++) {
      await fleet.run(2_000)
      expect(await fleet.until(sessions[i % 2]?.read('s') ?? Promise.reject(new Error('no cache')))).toMatchObject({ state: 'fresh' })
    }
    expect(origin.loads).toBe(1)
    await fleet.run(10_100)
    expect(await fleet.until(one.cache().read('s'))).toEqual({ state: 'miss' })
  })

  it('asks Redis for it only once a share of it has been used', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const sessions = one.cache<string>({ ttl: '10s', sliding: true })
    await fleet.until(sessions.set('s', 'session'))
    for (let i = 0; i < 100; i++) {
      await fleet.until(sessions.get('s'))
      await fleet.run(100)
    }
    expect(fleet.count('get')).toBe(0)
    expect(fleet.count('extend')).toBeLessThanOrEqual(4)
    expect(one.cache().stats().extensions).toBe(fleet.count('extend'))
  })

  it('ends at its greatest age all the same', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const sessions = one.cache<string>({ ttl: '10s', sliding: { max: '30s' } })
    await fleet.until(sessions.set('s', 'session'))
    const beganMs = fleet.clock.now()
    while ((await fleet.until(sessions.get('s'))) !== undefined) await fleet.run(500)
    expect(fleet.clock.now() - beganMs).toBeGreaterThan(29_000)
    expect(fleet.clock.now() - beganMs).toBeLessThanOrEqual(30_600)
  })

  it('is ended by an invalidation, whatever was being prolonged', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    for (const node of [one, two]) node.cache<string>({ ttl: '10s', sliding: true })
    await fleet.until(one.cache().set('s', 'session'))
    await fleet.until(two.cache().get('s'))
    await fleet.run(5_000)
    const prolonging = one.cache().get('s')
    await fleet.until(two.cache().invalidate('s'))
    await fleet.until(prolonging)
    await fleet.run(100)
    expect(await fleet.until(one.cache().read('s'))).toEqual({ state: 'miss' })
    expect(one.cache().peek('s')).toBeUndefined()
  })

  it('is not brought back by a prolongation that comes after markStale', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ ttl: '10s', staleWhileRevalidate: '1m' })
    await fleet.until(books.set('s', 'session'))
    await fleet.until(books.markStale('s'))
    expect(await fleet.until(books.extend('s'))).toBe(false)
    expect(await fleet.until(books.read('s'))).toMatchObject({ state: 'stale' })
  })
})

describe('extend', () => {
  it('prolongs what is fresh, and tells whether there was any', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const books = one.cache<string>({ ttl: '10s' })
    await fleet.until(books.set('b42', 'Dune'))
    await fleet.until(books.set('tonight', 'Dune', { expiresAt: new Date(one.process.wall() + 5_000) }))
    expect(await fleet.until(books.extend('b42', { ttl: '1h' }))).toBe(true)
    expect(await fleet.until(books.extend('tonight', { ttl: '1h' }))).toBe(true)
    expect(await fleet.until(books.extend('unknown'))).toBe(false)
    await fleet.run(20_000)
    expect(await fleet.until(books.read('b42'))).toMatchObject({ state: 'fresh', value: 'Dune' })
    expect(await fleet.until(two.cache({ ttl: '10s' }).read('b42'))).toMatchObject({ state: 'fresh', tier: 'redis' })
    expect(await fleet.until(books.read('tonight'))).toEqual({ state: 'miss' })
  })

  it('answers false while Redis is away', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    await fleet.until(one.cache().set('b42', 'Dune'))
    one.cutOff()
    expect(await fleet.until(one.cache().extend('b42'))).toBe(false)
  })
})

describe('a life that a calendar ends', () => {
  it('ends then, with its stale windows', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ ttl: '1h', staleIfError: '1d', staleWhileRevalidate: '1d' })
    const expiresAt = new Date(one.process.wall() + 60_000)
    await fleet.until(books.getOrSet('b42', () => entry('Dune', { expiresAt })))
    await fleet.run(59_000)
    expect(await fleet.until(books.read('b42'))).toMatchObject({ state: 'fresh' })
    await fleet.run(1_100)
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
    await fleet.until(books.set('b42', 'Dune', { expiresAt }))
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
  })

  it('ends at a time of day where the cache says so', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const end = new Date(Math.ceil(one.process.wall() / 60_000) * 60_000 + 120_000)
    const at = end.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' })
    const prices = one.cache<number>({ ttl: '30d', expireDaily: { at, timeZone: 'Europe/Berlin' }, staleIfError: '1d' })
    const origin = fleet.origin(5)
    while (origin.loads < 2) {
      await fleet.until(prices.getOrSet('b42', origin.load))
      await fleet.run(1_000)
    }
    const lateMs = one.process.wall() - end.getTime()
    expect(lateMs).toBeGreaterThanOrEqual(0)
    expect(lateMs).toBeLessThan(2_500)
  })
})

describe('the life in memory', () => {
  it('can be shorter than that in Redis, whose remaining life a copy keeps', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune')
    const [first, second] = [one, two].map((node) => node.cache<string>({ ttl: '60s', memory: { ttl: '5s' } }))
    if (first === undefined || second === undefined) throw new Error('two caches')
    await fleet.until(first.getOrSet('b42', origin.load))
    await fleet.run(4_000)
    expect(await fleet.until(first.fetch('b42', origin.load))).toMatchObject({ tier: 'memory' })
    await fleet.run(1_100)
    expect(await fleet.until(first.fetch('b42', origin.load))).toMatchObject({ tier: 'redis', state: 'fresh' })
    await fleet.run(53_000)
    expect(await fleet.until(second.fetch('b42', origin.load))).toMatchObject({ tier: 'redis' })
    expect(second.peek('b42')).toBe('Dune')
    await fleet.run(2_000)
    expect(second.peek('b42')).toBeUndefined()
    expect(await fleet.until(second.read('b42'))).toEqual({ state: 'miss' })
    expect(origin.loads).toBe(1)
  })
})

describe('an early refresh', () => {
  it('happens before freshness ends, once in the fleet, and nobody waits for it', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two', 'three')
    const origin = fleet.origin('first', 1_000)
    const caches = nodes.map((node) => node.cache<string>({ ttl: '60s', earlyRefresh: true }))
    for (const cache of caches) await fleet.until(cache.getOrSet('b42', origin.load))
    for (let i = 0; i < 1_800; i++) {
      for (const cache of caches) expect(await fleet.until(cache.fetch('b42', origin.load))).toMatchObject({ state: 'fresh' })
      await fleet.run(100)
    }
    expect(origin.mostRunning).toBe(1)
    expect(origin.loads).toBeGreaterThanOrEqual(3)
    expect(origin.loads).toBeLessThanOrEqual(6)
    expect(nodes.flatMap((node) => node.told('load')).filter(({ background }) => !background)).toHaveLength(1)
    expect(nodes.reduce((sum, node) => sum + node.cache().stats().earlyRefreshes, 0)).toBeGreaterThan(0)
  })

  it('comes the earlier the dearer the load is, and never of what cost nothing', () => {
    const plan = cachePlan('books', { ttl: 1, earlyRefresh: true }, undefined)
    const aging = (costMs: number) => ({ createdMs: 0, freshUntilMs: 10_000, extendMs: 0, costMs })
    const share = (costMs: number, nowMs: number) => {
      let early = 0
      for (let i = 0; i < 1_000; i++) if (isEarly(plan, aging(costMs), nowMs, { unit: () => i / 1_000, id: () => '' })) early++
      return early / 1_000
    }
    expect(share(1_000, 9_000)).toBeCloseTo(Math.exp(-1), 2)
    expect(share(1_000, 8_000)).toBeCloseTo(Math.exp(-2), 2)
    expect(share(100, 8_000)).toBe(0)
    expect(share(0, 9_999)).toBe(0)
    expect(share(5_000, 9_000)).toBeCloseTo(Math.exp(-0.2), 2)
  })
})

describe('a soft timeout', () => {
  const options = { ttl: '10s', staleIfError: '1m', softTimeout: '100ms' } as const

  it('gives callers the old value while the load goes on, whose value is then kept', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const books = one.cache<string>(options)
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.value = 'second'
    origin.takesMs = 3_000
    const beganMs = fleet.clock.now()
    const here = books.fetch('b42', origin.load)
    await fleet.run(10)
    const elsewhere = two.cache<string>(options).fetch('b42', origin.load)
    expect(await fleet.until(here)).toMatchObject({ state: 'stale', why: 'slow', value: 'first' })
    expect(fleet.clock.now() - beganMs).toBeLessThan(120)
    expect(await fleet.until(elsewhere)).toMatchObject({ state: 'stale', why: 'slow', value: 'first' })
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'stale', why: 'slow' })
    await fleet.until(one.forebay.settled())
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: 'second', tier: 'memory' })
    expect(origin.loads).toBe(2)
  })

  it('makes nobody wait less without an old value, nor after an invalidation, nor for a fresh one', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>(options)
    const origin = fleet.origin('first', 1_000)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', tier: 'origin' })
    origin.value = 'second'
    expect(await fleet.until(books.fetch('b42', origin.load, { fresh: true }))).toMatchObject({ value: 'second' })
    await fleet.run(11_000)
    const slow = books.fetch('b42', origin.load)
    await fleet.run(50)
    await fleet.until(books.invalidate('b42'))
    expect(await fleet.until(slow)).toMatchObject({ tier: 'origin' })
  })

  it('lets nobody join it longer than the old value may be served', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ ...options, staleIfError: '2s' })
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    origin.takesMs = 5_000
    origin.value = 'second'
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ why: 'slow' })
    await fleet.run(2_000)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: 'second' })
    expect(origin.loads).toBe(2)
  })
})

describe('a conditional reload', () => {
  it('is told the validator, and keeps the value, its tags and its validator for another life', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<{ title: string }>({ ttl: '10s', keepForRevalidation: '1h' })
    await fleet.until(books.getOrSet('b42', () => entry({ title: 'Dune' }, { validator: '"v1"', tags: ['sand'] })))
    for (let i = 0; i < 3; i++) {
      await fleet.run(60_000)
      expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
      const told: unknown[] = []
      const reload = books.fetch('b42', ({ previous, validator }) => {
        told.push(previous, validator)
        return notModified()
      })
      expect(await fleet.until(reload)).toMatchObject({ state: 'fresh', value: { title: 'Dune' } })
      expect(told).toEqual([{ title: 'Dune' }, '"v1"'])
    }
    expect(await fleet.until(books.read('b42'))).toMatchObject({ state: 'fresh' })
    await fleet.until(books.invalidateTags(['sand']))
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
    const error = await fleet.failure(
      books.getOrSet('b42', ({ previous }) => (previous === undefined ? notModified() : doNotStore({ title: '' }))),
    )
    expect(error).toMatchObject({ code: 'E_NOT_MODIFIED' })
  })

  it('refuses a validator that is none', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const load = () => entry('Dune', { validator: 'x'.repeat(1_025) })
    expect(await fleet.failure(one.cache<string>().getOrSet('b42', load))).toMatchObject({ code: 'E_OPTION' })
  })
})

describe('a read that must be revalidated', () => {
  it('asks the shard, past memory', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ staleWhileRevalidate: '1m' })
    const origin = fleet.origin('first')
    await fleet.until(books.getOrSet('b42', origin.load))
    expect(await fleet.until(books.fetch('b42', origin.load, { mustRevalidate: true }))).toMatchObject({ tier: 'redis', state: 'fresh' })
    expect(await fleet.until(books.read('b42', { mustRevalidate: true }))).toMatchObject({ tier: 'redis', state: 'fresh' })
    expect(fleet.count('check')).toBe(2)
    await fleet.until(books.markStale('b42'))
    expect(await fleet.until(books.read('b42', { mustRevalidate: true }))).toEqual({ state: 'miss' })
    origin.value = 'second'
    expect(await fleet.until(books.getOrSet('b42', origin.load, { mustRevalidate: true }))).toBe('second')
    expect(await fleet.until(books.getMany(['b42', 'b43'], { mustRevalidate: true }))).toEqual(['second', undefined])
  })

  it('is a miss while Redis is away, and loads from the origin', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ onOutage: 'serve' })
    await fleet.until(books.set('b42', 'first'))
    one.cutOff()
    expect(await fleet.until(books.read('b42', { mustRevalidate: true }))).toEqual({ state: 'miss' })
    expect(await fleet.until(books.getOrSet('b42', fleet.origin('second').load, { mustRevalidate: true }))).toBe('second')
  })
})

describe('lifetimes obey their laws', () => {
  const clockAt = (wallMs: number) => ({ now: () => 0, wall: () => wallMs, after: () => ({ cancel: () => {} }), afterInput: () => {} })
  const span = fc.integer({ min: 1, max: 3 * day })

  it('no life passes the end that was set for it, and jitter only shortens', () => {
    const given = fc.record({ ttl: span, staleWhileRevalidate: span, staleIfError: span })
    fc.assert(
      fc.property(
        given,
        span,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.boolean(),
        (options, leftMs, unit, daily) => {
          const wallMs = Date.UTC(2026, 2, 28, 22)
          const plan = cachePlan(
            'books',
            { ...options, jitter: 0.5, expireDaily: daily ? { at: '02:30', timeZone: 'Europe/Berlin' } : undefined },
            undefined,
          )
          const parts = { random: { unit: () => unit, id: () => '' }, clock: clockAt(wallMs) }
          const life = lifeOf(plan, 1, [{ expiresAt: new Date(wallMs + leftMs) }], parts)
          const mostMs = Math.min(leftMs, plan.expireDaily === undefined ? leftMs : plan.expireDaily.after(wallMs) - wallMs)
          expect(life.freshMs).toBeGreaterThanOrEqual(1)
          expect(life.freshMs).toBeLessThanOrEqual(Math.min(options.ttl, mostMs))
          for (const window of [life.staleMs, life.errorMs]) expect(life.freshMs + window).toBeLessThanOrEqual(mostMs)
          expect(life.extendMs).toBe(0)
        },
      ),
    )
  })

  it('what is told of an untouched value goes from fresh to stale to nothing, and never back', async () => {
    const state = fc.record({
      swr: fc.constantFrom(undefined, 500, 5_000),
      sie: fc.constantFrom(undefined, 2_000),
      memory: fc.constantFrom(300, 50_000),
    })
    await fc.assert(
      fc.asyncProperty(
        state,
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 5, maxLength: 20 }),
        async ({ swr, sie, memory }, steps) => {
          const fleet = new Fleet(1)
          const [one] = await fleet.ready('one')
          const books = one.cache<string>({ ttl: 2_000, staleWhileRevalidate: swr, staleIfError: sie, memory: { ttl: memory } })
          await fleet.until(books.set('b42', 'Dune'))
          const order = ['fresh', 'stale', 'miss']
          let reached = 0
          for (const step of steps) {
            const now = order.indexOf((await fleet.until(books.read('b42'))).state)
            expect(now).toBeGreaterThanOrEqual(reached)
            reached = now
            await fleet.run(step)
          }
        },
      ),
      { numRuns: 20 },
    )
  })
})
