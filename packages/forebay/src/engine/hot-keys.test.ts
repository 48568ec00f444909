import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { SimClock } from '../testing/sim-clock.js'
import { SimRandom } from '../testing/sim-random.js'
import { HotKeys } from './hot-keys.js'

/** Ten seconds of reads: some hot keys, each with its share, among ever new cold ones. */
async function tenSeconds(shares: Readonly<Record<string, number>>, readsPerSecond: number) {
  const clock = new SimClock()
  const random = new SimRandom('hot')
  const sketch = new HotKeys(clock, random)
  for (let i = 0; i < 10 * readsPerSecond; i++) {
    let left = random.unit()
    const hot = Object.entries(shares).find(([, share]) => {
      left -= share
      return left < 0
    })
    sketch.saw(hot?.[0] ?? `cold-${i}`)
    if (i % (readsPerSecond / 100) === 0) await clock.run(10)
  }
  return { sketch, clock }
}

describe('the sketch of hot keys', () => {
  it('finds the hot ones among ten thousand cold ones, in their order', async () => {
    const { sketch } = await tenSeconds({ a: 0.2, b: 0.1, c: 0.05 }, 2_000)
    expect(
      sketch
        .report(3)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['a', 'b', 'c'])
    expect(sketch.report(1)[0]?.key).toBe('a')
    expect(sketch.report(1)[0]?.readsPerSecond).toBeGreaterThan(200)
  })

  it('calls no cold key hot', async () => {
    const { sketch } = await tenSeconds({ a: 0.2 }, 2_000)
    expect(sketch.report(64).filter(({ key }) => sketch.isHot(key, 50))).toMatchObject([{ key: 'a' }])
  })

  it('forgets what is hot no more', async () => {
    const { sketch, clock } = await tenSeconds({ a: 0.5 }, 1_000)
    expect(sketch.isHot('a', 100)).toBe(true)
    await clock.run(20_000)
    expect(sketch.isHot('a', 1)).toBe(false)
    expect(sketch.report(64)).toEqual([])
  })
})

describe('hotKeys', () => {
  it('shows what a process reads oftenest from Redis', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const cache = node.cache<string>({ memory: false })
    for (let i = 0; i < 300; i++) {
      await fleet.until(cache.getOrSet(i % 3 === 0 ? `b${i}` : 'hot', () => 'value'))
      await fleet.run(5)
    }
    expect(cache.hotKeys()[0]).toMatchObject({ key: 'hot' })
    expect(cache.hotKeys(1)).toHaveLength(1)
  })
})
