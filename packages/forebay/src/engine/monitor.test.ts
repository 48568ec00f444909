import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import { SimRandom } from '../testing/sim-random.js'

const books = 400

/** Two processes that read all the time, and writers whose invalidations get lost with a certain chance. */
async function underWrites(loss: number) {
  const fleet = new Fleet()
  const nodes = await fleet.ready('one', 'two')
  const versions = Array.from({ length: books }, () => 0)
  const random = new SimRandom('writes')
  const options = { maxStaleness: '1s', monitor: { share: 0.5, maxPerSecond: 1_000 } } as const
  let over = false
  const read = async (node: Node): Promise<void> => {
    const cache = node.cache<number>(options)
    while (!over) {
      const book = Math.floor(random.unit() * books)
      await cache.getOrSet(`b${book}`, async () => {
        const value = versions[book] ?? 0
        await fleet.sleep(3)
        return value
      })
      await fleet.sleep(1)
    }
  }
  const write = async (node: Node): Promise<void> => {
    while (!over) {
      const book = Math.floor(random.unit() * books)
      versions[book] = (versions[book] ?? 0) + 1
      if (random.unit() >= loss) await node.cache<number>(options).invalidate(`b${book}`)
      await fleet.sleep(5)
    }
  }
  const work = Promise.all([...nodes.map(read), ...nodes.map(write)])
  await fleet.run(10_000)
  over = true
  await fleet.until(work)
  return nodes.map((node) => ({ stats: node.cache(options).stats().monitor, told: node.told('inconsistent') }))
}

describe('the consistency monitor', () => {
  it('reports nothing under heavy honest writes', async () => {
    for (const { stats, told } of await underWrites(0)) {
      expect(stats?.samples).toBeGreaterThan(100)
      expect(stats?.staleAfter).toEqual({ '1s': 0, '10s': 0, '60s': 0 })
      expect(told).toEqual([])
    }
  })

  it('finds a loss of one invalidation in a hundred', async () => {
    const seen = await underWrites(0.01)
    expect(seen.reduce((sum, { stats }) => sum + (stats?.staleAfter['1s'] ?? 0), 0)).toBeGreaterThan(0)
    expect(seen.flatMap(({ told }) => told)[0]).toMatchObject({ cache: 'books', afterMs: 1_000 })
  })

  it('follows a copy that stays old, and tells how long it lasted', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('first')
    const cache = node.cache({ monitor: { share: 1 } })
    await fleet.until(cache.getOrSet('b42', origin.load))
    origin.value = 'second'
    await fleet.until(cache.getOrSet('b42', origin.load))
    await fleet.run(12_000)
    expect(cache.stats().monitor).toMatchObject({ samples: 1, mismatches: 1, staleAfter: { '1s': 1, '10s': 1, '60s': 0 } })
    await fleet.until(cache.invalidate('b42'))
    await fleet.run(50_000)
    const { histogram, staleAfter } = cache.stats().monitor ?? {}
    expect(histogram?.filter(({ count }) => count > 0)).toEqual([{ atMostMs: 30_000, count: 1 }])
    expect(staleAfter?.['60s']).toBe(0)
  })

  it('says nothing where the origin cannot be asked', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('first')
    const cache = node.cache({ monitor: { share: 1 } })
    await fleet.until(cache.getOrSet('b42', origin.load))
    origin.broken = new Error('down')
    await fleet.until(cache.getOrSet('b42', origin.load))
    await fleet.run(100)
    expect(cache.stats().monitor).toMatchObject({ samples: 1, inconclusive: 1, mismatches: 0 })
  })

  it('asks the origin no oftener than it may', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('first', 1)
    const cache = node.cache({ monitor: { share: 1, maxPerSecond: 2 } })
    for (let i = 0; i < 100; i++) {
      await fleet.until(cache.getOrSet('b42', origin.load))
      await fleet.run(50)
    }
    expect(cache.stats().monitor?.samples).toBe(10)
  })

  it('takes a place among the loads, and looks at nothing while there is none', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('first', 50)
    const cache = node.cache({ monitor: { share: 1, maxPerSecond: 1_000 }, loads: { max: 1, queue: 10 } })
    await fleet.until(cache.getOrSet('b42', origin.load))
    const other = cache.getOrSet('b43', origin.load)
    await fleet.run(10)
    await fleet.until(cache.getOrSet('b42', origin.load))
    expect(cache.stats()).toMatchObject({ monitor: { samples: 0 }, loading: { running: 1 } })
    await fleet.until(other)
    await fleet.until(cache.getOrSet('b42', origin.load))
    expect(cache.stats()).toMatchObject({ monitor: { samples: 1 }, loading: { running: 1 } })
    const third = cache.getOrSet('b44', origin.load)
    await fleet.run(10)
    expect(cache.stats().loading).toMatchObject({ running: 1, queued: { callers: 1 } })
    await fleet.until(third)
    expect(cache.stats()).toMatchObject({ monitor: { samples: 1, consistent: 1 }, loading: { running: 0 } })
  })

  it('asks nothing about a copy that it follows while there is no place for it', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('first')
    const cache = node.cache({ monitor: { share: 1 }, loads: { max: 1 } })
    await fleet.until(cache.getOrSet('b42', origin.load))
    origin.value = 'second'
    await fleet.until(cache.getOrSet('b42', origin.load))
    await fleet.run(500)
    const slow = cache.getOrSet('b43', () => fleet.sleep(2_000).then(() => 'slow'))
    await fleet.run(15_000)
    await slow
    expect(cache.stats().monitor).toMatchObject({ mismatches: 1, staleAfter: { '1s': 0, '10s': 1 } })
  })

  it('looks at what reads of many keys serve too, without preferring the first of them', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const asked: string[] = []
    let version = 1
    const keys = Array.from({ length: 20 }, (_, i) => `b${i}`)
    const cache = node.cache<number>({ monitor: { share: 1, maxPerSecond: 1_000 } })
    const load = async ({ keys: wanted }: { readonly keys: readonly string[] }) => {
      if (wanted.length === 1) asked.push(...wanted)
      return new Map(wanted.map((key) => [key, version]))
    }
    await fleet.until(cache.getOrSetMany(keys, load))
    expect(cache.stats().monitor?.samples).toBe(0)
    for (let i = 0; i < 20; i++) {
      expect(await fleet.until(cache.getOrSetMany(keys, load))).toEqual(keys.map(() => 1))
      await fleet.run(20)
    }
    expect(cache.stats().monitor).toMatchObject({ samples: 20, consistent: 20 })
    expect(new Set(asked).size).toBeGreaterThan(5)
    version = 2
    await fleet.until(cache.getOrSetMany(keys, load))
    await fleet.run(2_000)
    expect(cache.stats().monitor).toMatchObject({ mismatches: 1, staleAfter: { '1s': 1 } })
  })

  it('finds a value that a bulk loader does not have any more', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const cache = node.cache({ monitor: { share: 1 } })
    await fleet.until(cache.getOrSet('b42', () => 'first'))
    await fleet.until(cache.getOrSetMany(['b42'], () => new Map()))
    await fleet.run(2_000)
    expect(cache.stats().monitor).toMatchObject({ samples: 1, mismatches: 1, staleAfter: { '1s': 1 } })
  })

  it('is off unless asked for', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    expect(node.cache().stats().monitor).toBeUndefined()
  })

  it.each([{ share: 2 }, { share: 0.1, maxPerSecond: 0 }, { share: 0.1, often: 1 }, true])('refuses %j', async (monitor) => {
    const fleet = new Fleet()
    const node = fleet.start('one')
    expect(() => node.cache({ monitor } as never)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})
