import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import { endlessMs } from '../core/envelope.js'
import { entry } from './public.js'

/** A key with a `ttl` of ten seconds that is hit in this rhythm for a minute: what is left of its life, and the longest that it was given. */
async function livesInUse(options: { strategy?: 'lru' | 'lfu' | 'ttl' }, everyMs: number) {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  const open = (node: Node) => node.cache<string>({ ttl: '10s', ...options })
  const [used, seen] = [open(one), open(two)]
  await fleet.until(used.set('b42', 'Dune'))
  for (let spentMs = 0; spentMs < 60_000; spentMs += everyMs) {
    await fleet.run(everyMs)
    await fleet.until(used.get('b42'))
  }
  await fleet.run(50)
  const leftMs = ((await fleet.until(seen.explain('b42'))).redis as { freshForMs?: number }).freshForMs ?? 0
  const given = fleet.executed.flatMap((event) =>
    event.act === 'extend' && 'request' in event ? [(event.request as { freshMs: number }).freshMs || 10_000] : [],
  )
  return { leftMs, longestMs: Math.max(0, ...given) }
}

describe('the strategy', () => {
  it('ttl ends each life at its time', async () => {
    for (const options of [{ strategy: 'ttl' } as const, {}]) expect(await livesInUse(options, 1_000)).toEqual({ leftMs: 0, longestMs: 0 })
  })

  it('lru keeps for one ttl what is used, however often', async () => {
    for (const everyMs of [50, 2_000]) {
      const { leftMs, longestMs } = await livesInUse({ strategy: 'lru' }, everyMs)
      expect(leftMs).toBeGreaterThan(7_400)
      expect(leftMs).toBeLessThanOrEqual(10_000)
      expect(longestMs).toBe(10_000)
    }
  })

  it('lfu keeps longer what is used more often, and nothing beyond eight ttl', async () => {
    const lives = []
    for (const everyMs of [5_000, 1_000, 20]) lives.push(await livesInUse({ strategy: 'lfu' }, everyMs))
    const [seldom = 0, often = 0, always = 0] = lives.map(({ longestMs }) => longestMs)
    expect(seldom).toBeLessThanOrEqual(20_000)
    expect(often).toBeGreaterThan(20_000)
    expect(often).toBeLessThan(50_000)
    expect(always).toBeGreaterThan(70_000)
    expect(always).toBeLessThanOrEqual(80_000)
    for (const { leftMs } of lives) expect(leftMs).toBeGreaterThan(5_000)
  })

  it('lfu lets go what is used less than it was', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ ttl: '10s', strategy: 'lfu' })
    const freshForMs = async () => ((await fleet.until(books.explain('b42'))).redis as { freshForMs: number }).freshForMs
    await fleet.until(books.set('b42', 'Dune'))
    for (let i = 0; i < 1_000; i++) {
      await fleet.until(books.get('b42'))
      await fleet.run(10)
    }
    expect(await freshForMs()).toBeGreaterThan(40_000)
    while ((await freshForMs()) > 6_000) {
      await fleet.run(500)
      expect(await fleet.until(books.read('b42'))).toMatchObject({ state: 'fresh' })
    }
    await fleet.until(books.get('b42'))
    await fleet.run(50)
    expect(await freshForMs()).toBeLessThan(30_000)
  })

  it.each(['lru', 'lfu'] as const)('%s ends a life that is always used at 24 ttl', async (strategy) => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const books = one.cache<string>({ ttl: '1s', strategy })
    await fleet.until(books.set('b42', 'Dune'))
    const beganMs = fleet.clock.now()
    while ((await fleet.until(books.get('b42'))) !== undefined) await fleet.run(100)
    expect(fleet.clock.now() - beganMs).toBeGreaterThan(23_000)
    expect(fleet.clock.now() - beganMs).toBeLessThanOrEqual(24_200)
  })
})

describe('a persistent cache', () => {
  const persistent = { strategy: 'persistent', staleWhileRevalidate: '1m' } as const

  it('keeps its values for years, also where they are set, and gives them to others', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const open = (node: Node) => node.cache<string>({ ...persistent, memory: { ttl: '1m' } })
    const [cache, other] = [open(one), open(two)]
    await fleet.until(cache.getOrSet('loaded', () => 'Dune'))
    await fleet.until(cache.set('set', 'Emma'))
    const farAway = 3 * 365 * 86_400_000
    fleet.group.primary.shiftClock(farAway)
    await fleet.run(120_000)
    for (const node of [cache, other]) {
      expect(await fleet.until(node.read('loaded'))).toMatchObject({ state: 'fresh', tier: 'redis', value: 'Dune' })
      expect(await fleet.until(node.read('set'))).toMatchObject({ state: 'fresh', value: 'Emma' })
    }
    expect(await fleet.until(cache.extend('set', { ttl: '1s' }))).toBe(true)
    await fleet.run(60_000)
    expect(await fleet.until(other.read('set'))).toMatchObject({ state: 'fresh' })
  })

  it('loses them by every kind of invalidation', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    for (const node of [one, two]) node.cache<string>({ ...persistent, tags: ['all'] })
    const cache = one.cache<string>()
    for (const fence of [
      () => cache.invalidate('b42'),
      () => cache.invalidateTags(['all']),
      () => cache.clear(),
      () => one.forebay.clear(),
    ]) {
      await fleet.until(cache.set('b42', 'Dune'))
      await fleet.until(two.cache().get('b42'))
      await fleet.until(fence())
      await fleet.run(100)
      expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
    }
  })

  it('serves them inside the stale window once their freshness has been ended', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const cache = one.cache<string>(persistent)
    await fleet.until(cache.set('b42', 'Dune'))
    await fleet.until(cache.markStale('b42'))
    expect(await fleet.until(cache.read('b42'))).toMatchObject({ state: 'stale' })
    await fleet.run(61_000)
    expect(await fleet.until(cache.read('b42'))).toEqual({ state: 'miss' })
    expect(await fleet.until(cache.getOrSet('b42', ({ previous }) => `after ${String(previous)}`))).toBe('after Dune')
  })

  it('lets a value come with an end of its own', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const cache = one.cache<string>({ strategy: 'persistent', negativeTtl: '5s' })
    await fleet.until(cache.getOrSet('short', () => entry('Dune', { ttl: '5s' })))
    await fleet.until(cache.set('dated', 'Dune', { expiresAt: new Date(one.process.wall() + 5_000) }))
    await fleet.until(cache.set('none', null as never))
    await fleet.run(5_100)
    for (const key of ['short', 'dated', 'none']) expect(await fleet.until(cache.read(key))).toEqual({ state: 'miss' })
  })

  it('frees in Redis what a clear has voided, which would never leave by itself', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const cache = one.cache<string>(persistent)
    for (const clear of [() => cache.clear(), () => one.forebay.clear()]) {
      for (let i = 0; i < 20; i++) await fleet.until(cache.set(`b${i}`, 'Dune'))
      expect(fleet.group.primary.twin.entryNames([0, 1, 2, 3])).toHaveLength(20)
      await fleet.until(clear())
      await fleet.until(one.forebay.settled())
      expect(fleet.group.primary.twin.entryNames([0, 1, 2, 3])).toHaveLength(0)
    }
  })

  it('has no ttl in its plan', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    await fleet.until(one.cache(persistent).set('b42', 'Dune'))
    const fills = fleet.executed.filter(({ act }) => act === 'write')
    expect(fills.at(-1)).toMatchObject({ request: { value: { freshMs: endlessMs, extendMs: 0 } } })
  })
})
