import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay } from '../../src/create-forebay.js'
import type { Strategy } from '../../src/core/strategy.js'
import type { CacheOptions, Forebay } from '../../src/engine/public.js'
import { noHurry } from './no-hurry.js'

let server: Awaited<ReturnType<typeof startRedis>>
let services = 0
const open: Forebay[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server?.stop())
afterEach(async () => {
  await Promise.all(open.splice(0).map((forebay) => forebay.close()))
})

const optionsOf = (strategy: Strategy): CacheOptions => (strategy === 'persistent' ? { strategy } : { strategy, ttl: '1h' })

/** What a service is told that starts while its server has this policy. */
async function warnings(policy: string, { maxmemory, early, late }: { maxmemory: number; early: Strategy; late?: Strategy }) {
  await server.command('CONFIG', 'SET', 'maxmemory', maxmemory)
  await server.command('CONFIG', 'SET', 'maxmemory-policy', policy)
  services += 1
  const forebay = createForebay({ service: `evicting${services}`, redis: { url: server.url, ...noHurry } })
  open.push(forebay)
  const told: string[] = []
  forebay.on('warning', ({ text }) => told.push(text))
  forebay.cache('early', optionsOf(early))
  await forebay.ready()
  if (late !== undefined) forebay.cache('late', optionsOf(late))
  return { forebay, told }
}
const bounded = 100 * 1024 * 1024

describe('at the start a service is warned', () => {
  it('of a policy that contradicts the strategy of a cache, made before the server was reached or after', async () => {
    const { told } = await warnings('volatile-lru', { maxmemory: bounded, early: 'lfu', late: 'persistent' })
    expect(told).toEqual([
      expect.stringContaining(
        "'lfu' of cache 'early' contradicts Redis' maxmemory-policy volatile-lru: it evicts the entries idle longest",
      ),
      expect.stringContaining(
        "'persistent' of cache 'late' contradicts Redis' maxmemory-policy volatile-lru: it evicts every entry with an end",
      ),
    ])
  })

  it('once for each contradiction', async () => {
    const { forebay, told } = await warnings('noeviction', { maxmemory: bounded, early: 'lru', late: 'lru' })
    forebay.cache('third', optionsOf('lfu'))
    expect(told.map((text) => /strategy '(\w+)' of cache '(\w+)'/.exec(text)?.slice(1))).toEqual([
      ['lru', 'early'],
      ['lfu', 'third'],
    ])
  })

  it('of evicted metadata, whatever the strategy', async () => {
    const { told } = await warnings('allkeys-lru', { maxmemory: bounded, early: 'lru' })
    expect(told).toEqual([expect.stringContaining('Redis evicts by allkeys-lru')])
  })

  it('of nothing where they agree, or memory has no bound', async () => {
    for (const [policy, early] of [
      ['volatile-ttl', 'lru'],
      ['volatile-lfu', 'lfu'],
      ['volatile-random', 'ttl'],
      ['noeviction', 'persistent'],
    ] as const) {
      expect((await warnings(policy, { maxmemory: bounded, early })).told).toEqual([])
    }
    expect((await warnings('allkeys-random', { maxmemory: 0, early: 'persistent' })).told).toEqual([])
  })
})

describe('a persistent entry', () => {
  it('stands in Redis without an expiry, and with one again once a value with an end follows it', async () => {
    const { forebay } = await warnings('noeviction', { maxmemory: 0, early: 'persistent' })
    const cache = forebay.cache<string>('early')
    const lives = async () => {
      const names = (await server.command('KEYS', `fb1:*evicting${services}*early*`)) as string[]
      return Promise.all(names.map((name) => server.command('PTTL', name)))
    }
    await cache.getOrSet('b42', () => 'Dune')
    await until('the value is stored', async () => (await lives()).length === 1)
    expect(await lives()).toEqual([-1])
    await cache.set('b42', 'Emma')
    expect(await lives()).toEqual([-1])
    await cache.markStale('b42')
    expect(await lives()).toEqual([-1])
    await cache.set('b42', 'Ulysses', { ttl: '1h' })
    expect(Number((await lives())[0])).toBeGreaterThan(0)
    await cache.set('b42', 'Middlemarch')
    expect(await lives()).toEqual([-1])
    await cache.invalidate('b42')
    expect(await lives()).toEqual([])
  })
})
