import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { SimRandom } from '../testing/sim-random.js'
import type { MemoryOptions } from './public.js'

const planted = 'planted'
const readsPerSecond = 1_000
/** Of all reads, those of the planted key. */
const share = 0.3
const coldKeys = 5_000

/** Draws keys: the planted one, else by Zipf's law; of the cold ones none is read oftener than some thirty times a second. */
function drawer(random: SimRandom): () => string {
  const sums: number[] = []
  for (let i = 1; i <= coldKeys; i++) sums.push((sums.at(-1) ?? 0) + i ** -0.8)
  return () => {
    if (random.unit() < share) return planted
    const at = random.unit() * (sums.at(-1) ?? 0)
    return `cold-${sums.findIndex((sum) => sum >= at)}`
  }
}

async function underLoad(memory: MemoryOptions | false) {
  const fleet = new Fleet()
  const [one] = await fleet.ready('one')
  const cache = one.cache<string>({ memory })
  const draw = drawer(new SimRandom('zipf'))
  let most = 0
  const load = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds * readsPerSecond; i++) {
      void cache.getOrSet(draw(), ({ key }) => `value of ${String(key)}`)
      await fleet.run(1_000 / readsPerSecond)
      if (i % 50 === 0) most = Math.max(most, cache.stats().memory.entries)
    }
  }
  const readsOf = (key: string) => fleet.executed.filter((event) => event.act === 'get' && 'at' in event && event.at.key === key).length
  const readsOfItsShard = () => {
    const reads = fleet.executed.flatMap((event) => (event.act === 'get' && 'at' in event ? [event.at] : []))
    const shard = reads.find(({ key }) => key === planted)?.shard
    return reads.filter((at) => at.shard === shard).length
  }
  return { fleet, one, cache, load, readsOf, readsOfItsShard, mostKept: () => most }
}

describe('memory of hot keys only', () => {
  it('finds a planted key within three seconds, spares its shard more than half of its reads, and keeps no cold one', async () => {
    const without = await underLoad(false)
    const hot = await underLoad({ hotOnly: true })
    for (const { load, fleet } of [without, hot]) {
      await load(3)
      fleet.executed.length = 0
      await load(3)
    }
    expect(hot.cache.peek(planted) ?? 'between two copies').toBeDefined()
    // Three seconds, a copy of a second each, and what was under way meanwhile.
    expect(hot.readsOf(planted)).toBeLessThanOrEqual(10)
    expect(without.readsOf(planted)).toBeGreaterThan(500)
    expect(hot.readsOfItsShard()).toBeLessThan(0.5 * without.readsOfItsShard())
    expect(hot.mostKept()).toBe(1)
    expect(hot.one.told('evict')).toEqual([])
  }, 60_000)

  it('keeps no older value of a key that has cooled down when a newer one comes', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const cache = one.cache<string>({ memory: { hotOnly: { perSecond: 50 }, ttl: '1h' } })
    for (let i = 0; i < 500; i++) {
      await fleet.until(cache.getOrSet('b42', () => 'first'))
      await fleet.run(2)
    }
    expect(cache.peek('b42')).toBe('first')
    await fleet.run(60_000)
    await fleet.until(cache.getOrSet('b42', () => 'second', { fresh: true }))
    expect(await fleet.until(cache.getOrSet('b42', () => 'third'))).toBe('second')
  })

  it('keeps a key while it is hot, though hits no longer reach Redis, and lets it go when it cools down', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const cache = one.cache<string>({ memory: { hotOnly: { perSecond: 50 } } })
    const read = async (times: number, everyMs: number) => {
      const tiers: string[] = []
      for (let i = 0; i < times; i++) {
        tiers.push((await fleet.until(cache.fetch('b42', () => 'Dune'))).tier)
        await fleet.run(everyMs)
      }
      return tiers
    }
    await read(400, 5)
    const hot = await read(2_000, 5)
    expect(hot.filter((tier) => tier === 'redis').length).toBeLessThanOrEqual(15)
    await read(20, 500)
    expect(await read(4, 500)).toEqual(['redis', 'redis', 'redis', 'redis'])
    expect(cache.peek('b42')).toBeUndefined()
  })

  it('obeys every invalidation at once, as all memory does', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const cache = one.cache<string>({ memory: { hotOnly: { perSecond: 20 }, ttl: '1h' } })
    const origin = fleet.origin('old', 1)
    for (let i = 0; i < 300; i++) {
      await fleet.until(cache.getOrSet('b42', origin.load))
      await fleet.run(5)
    }
    expect(cache.peek('b42')).toBe('old')
    origin.value = 'new'
    await fleet.until(two.cache().invalidate('b42'))
    await fleet.run(10)
    expect(await fleet.until(cache.getOrSet('b42', origin.load))).toBe('new')
  })
})
