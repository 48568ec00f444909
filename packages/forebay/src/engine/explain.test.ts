import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { pattern } from '../core/pattern.js'

async function scene() {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  const options = { tags: ['shelf'], staleWhileRevalidate: '1h' } as const
  const [books, others] = [one.cache<string>(options), two.cache<string>(options)]
  return { fleet, one, two, books, others, origin: fleet.origin('Dune') }
}

describe('explain', () => {
  it('tells where a value stands, and how it came there', async () => {
    const { fleet, books, origin } = await scene()
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(1_000)
    const told = await fleet.until(books.explain('b42'))
    expect(told).toMatchObject({
      key: 'b42',
      memory: { state: 'fresh' },
      redis: { state: 'fresh', tags: ['shelf'] },
      shard: { proven: true, reachable: true, unsent: 0 },
      running: undefined,
      limits: { maxStalenessMs: 2_000, hardTimeoutMs: 30_000 },
    })
    expect(told.memory?.ageMs).toBeGreaterThanOrEqual(1_000)
    expect(told.decisions.map(({ what }) => what)).toEqual(['fill', 'load', 'miss'])
    expect(told.decisions[1]?.details).toMatchObject({ ms: 10, background: false })
  })

  it('tells who invalidated it, by whatever means', async () => {
    const { fleet, one, two, books, others, origin } = await scene()
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.until(others.invalidateTags(['shelf']))
    await fleet.run(100)
    const stale = await fleet.until(books.explain('b42'))
    expect(stale.memory?.state).toBe('invalidated')
    expect(stale.redis.state).toBe('none')
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.until(others.invalidatePattern(pattern`b4*`))
    await fleet.until(books.invalidate('b42'))
    await fleet.until(two.forebay.clear())
    await fleet.until(books.invalidate('another'))
    await fleet.until(others.invalidateTags(['cellar']))
    await fleet.run(100)
    const { decisions } = await fleet.until(books.explain('b42'))
    const invalidated = decisions.filter(({ what }) => what === 'invalidated').map(({ details }) => details)
    const [here, there] = [one.forebay.stats().process, two.forebay.stats().process]
    expect(invalidated).toContainEqual({ by: here, how: 'key' })
    expect(invalidated).toContainEqual({ by: there, how: 'clear' })
    expect(invalidated).toContainEqual({ by: there, how: 'pattern' })
    expect(invalidated.filter(({ by }) => by === here)).toHaveLength(1)
  })

  it('tells what is under way, and whether it is still worth anything', async () => {
    const { fleet, books, others } = await scene()
    const read = books.getOrSet('b42', async () => {
      await fleet.sleep(500)
      return 'Dune'
    })
    await fleet.run(100)
    expect((await fleet.until(books.explain('b42'))).running).toMatchObject({ overtaken: false })
    await fleet.until(others.invalidate('b42'))
    await fleet.run(10)
    expect((await fleet.until(books.explain('b42'))).running).toMatchObject({ overtaken: true })
    await fleet.until(read)
  })

  it('tells who loads it elsewhere', async () => {
    const { fleet, two, books, others, origin } = await scene()
    const load = others.getOrSet('b42', origin.load)
    await fleet.run(5)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.until(load)
    const { decisions } = await fleet.until(books.explain('b42'))
    expect(decisions.find(({ what }) => what === 'wait')?.details).toMatchObject({ by: two.forebay.stats().process })
  })

  it('answers when Redis cannot be asked', async () => {
    const { fleet, one, books, origin } = await scene()
    await fleet.until(books.getOrSet('b42', origin.load))
    one.cutOff()
    await fleet.run(5_000)
    const told = await fleet.until(books.explain('b42'))
    expect(told).toMatchObject({ memory: { state: 'unproven' }, redis: { state: 'away' }, shard: { proven: false } })
  })

  it('keeps a bounded memory', async () => {
    const { fleet, books } = await scene()
    for (let i = 0; i < 600; i++) await fleet.until(books.get('b42'))
    expect((await fleet.until(books.explain('b42'))).decisions).toHaveLength(512)
  })
})
