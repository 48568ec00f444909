import { describe, expect, it } from 'vitest'
import type { FarStore } from '../core/far-store.js'
import { deadlineMs, Fleet, type Node } from '../../test/fleet.js'
import { mostUnsent } from '../core/plan.js'

async function scene(options: Parameters<Node['cache']>[0] = {}, shards = 4) {
  const fleet = new Fleet(shards)
  const [one, two] = await fleet.ready('one', 'two')
  const origin = fleet.origin('first')
  for (const node of [one, two]) await fleet.until(node.cache<string>(options as never).getOrSet('b42', origin.load))
  await fleet.run(10)
  return { fleet, one, two, origin, books: one.cache<string>() }
}

describe('while Redis is away', () => {
  it('memory serves as long as it was proven, and not longer: then the origin is asked', async () => {
    const { fleet, books, origin } = await scene()
    fleet.group.primary.stop()
    await fleet.run(1_400)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ value: 'first', tier: 'memory' })
    await fleet.run(700)
    expect(books.peek('b42')).toBeUndefined()
    origin.value = 'second'
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ value: 'second', tier: 'origin' })
  })

  it('a load is kept for maxStaleness from its start, so that the origin sees one in that time', async () => {
    const { fleet, books, origin } = await scene({ maxStaleness: '1s' })
    fleet.group.primary.stop()
    await fleet.run(2_000)
    origin.loads = 0
    origin.takesMs = 400
    for (let i = 0; i < 100; i++) {
      await fleet.until(Promise.all([books.getOrSet('b42', origin.load), books.getOrSet('b42', origin.load)]))
      await fleet.run(50)
    }
    const seconds = (100 * 50) / 1_000
    expect(origin.loads).toBeGreaterThanOrEqual(seconds)
    expect(origin.loads).toBeLessThanOrEqual((fleet.clock.now() - 2_000) / 1_000 + 1)
    expect(origin.mostRunning).toBe(1)
  })

  it('a load that takes longer than maxStaleness is for its callers only', async () => {
    const { fleet, books, origin } = await scene({ maxStaleness: '1s' })
    fleet.group.primary.stop()
    await fleet.run(2_000)
    origin.takesMs = 1_200
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
    expect(books.peek('b42')).toBeUndefined()
  })

  it('a load is kept no longer though Redis is back and everything proven: it may have been older than it looks', async () => {
    const { fleet, books, origin } = await scene({ maxStaleness: '1s' })
    fleet.group.primary.stop()
    await fleet.run(1_100)
    await fleet.until(books.getOrSet('b42', origin.load))
    fleet.group.primary.start({ loseData: false })
    await fleet.run(500)
    expect(books.peek('b42')).toBe('first')
    await fleet.run(500)
    expect(books.peek('b42')).toBeUndefined()
  })

  it('callers are served as fast as the origin is, and told nothing of it', async () => {
    const { fleet, books, origin, one } = await scene()
    fleet.group.primary.stop()
    await fleet.run(3_000)
    const startedMs = fleet.clock.now()
    expect(await fleet.until(books.fetch('new', origin.load))).toMatchObject({ state: 'fresh', value: 'first', tier: 'origin' })
    expect(fleet.clock.now() - startedMs).toBe(10)
    expect(await fleet.until(books.get('other'))).toBeUndefined()
    expect(one.told('fill-refused')).toMatchObject([{ key: 'new', why: 'unanswered' }])
  })

  it('callers wait a deadline at most where nothing is answered', async () => {
    const { fleet, books, origin, one } = await scene()
    one.cutOff()
    await fleet.run(2_100)
    const startedMs = fleet.clock.now()
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
    expect(fleet.clock.now() - startedMs).toBeLessThanOrEqual(deadlineMs + 11)
    expect(one.told('degraded')).toMatchObject([{ cache: 'books', error: { code: 'E_REDIS_DEADLINE' } }])
    expect(books.stats().degraded).toBe(1)
  })

  it('a cache that says so serves its copies on, marked, for their stale windows too', async () => {
    const { fleet, books, origin } = await scene({ onOutage: 'serve', ttl: '1m', staleIfError: '1m' })
    fleet.group.primary.stop()
    origin.value = 'second'
    await fleet.run(30_000)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({
      state: 'stale',
      why: 'outage',
      value: 'first',
      tier: 'memory',
    })
    await fleet.run(80_000)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'stale', why: 'outage' })
    await fleet.run(11_000)
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: 'second', tier: 'origin' })
    expect(origin.loads).toBe(2)
  })

  it('an invalidation is obeyed in its own process at once, and queued', async () => {
    const { fleet, books, origin, one } = await scene({ onOutage: 'serve' })
    fleet.group.primary.stop()
    const written = await fleet.until(books.invalidate('b42'))
    expect(written.state).toBe('queued')
    origin.value = 'second'
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('second')
    expect([one.forebay.stats().outbox, books.stats().queuedWrites]).toEqual([1, 1])
    expect(one.told('outbox')).toEqual([{ type: 'outbox', waiting: 1, coarsened: false }])
  })

  it('a set is an invalidation, and never a late write', async () => {
    const { fleet, books, two } = await scene()
    fleet.group.primary.stop()
    expect(await fleet.until(books.set('b42', 'set in the outage'))).toMatchObject({ state: 'queued' })
    expect(books.peek('b42')).toBeUndefined()
    fleet.group.primary.start({ loseData: false })
    await fleet.run(2_000)
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('ready waits, and the cache serves meanwhile', async () => {
    const fleet = new Fleet()
    fleet.group.primary.stop()
    const node = fleet.start('one')
    let ready = false
    const becoming = node.forebay.ready().then(() => {
      ready = true
    })
    await fleet.run(5_000)
    expect(await fleet.until(node.cache().getOrSet('b42', fleet.origin('Dune').load))).toBe('Dune')
    expect([ready, node.forebay.stats().shards]).toEqual([false, { total: 4, proven: 0 }])
    fleet.group.primary.start({ loseData: false })
    await fleet.until(becoming)
    expect(node.forebay.stats().shards).toEqual({ total: 4, proven: 4 })
  })
})

describe('an invalidation that was not sent', () => {
  it('is sent before its process reads or loads from Redis again, though it could', async () => {
    const { fleet, books, origin, one } = await scene()
    one.links.listen.block('back')
    one.links.command.break()
    await fleet.until(books.invalidate('b42'))
    await fleet.run(500)
    origin.value = 'second'
    const acts = () => fleet.executed.filter(({ process, act }) => process === 'one' && act !== 'ask').map(({ act }) => act)
    fleet.executed.length = 0
    for (let i = 0; i < 10; i++) {
      expect(await fleet.until(books.getOrSet('b42', origin.load, { fresh: i % 2 === 0 }))).toBe('second')
      await fleet.run(100)
    }
    expect([one.links.command.whole, acts()]).toEqual([true, []])
    one.links.listen.unblock('back')
    await fleet.run(600)
    await fleet.until(books.getOrSet('b42', origin.load, { fresh: true }))
    expect(acts().slice(0, 2)).toEqual(['write', 'acquire'])
    expect(one.forebay.stats().outbox).toBe(0)
  })

  it('reaches the others when it has been sent', async () => {
    const { fleet, books, two } = await scene()
    fleet.group.primary.stop()
    await fleet.until(books.invalidate('b42'))
    fleet.group.primary.start({ loseData: false })
    await fleet.run(2_000)
    expect(two.cache().peek('b42')).toBeUndefined()
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it.each([
    ['tags', (node: Node) => node.forebay.invalidateTags(['all'])],
    ['a clear', (node: Node) => node.cache().clear()],
  ])('may be of a group: %s', async (_, write) => {
    const { fleet, one, two } = await scene({ tags: ['all'] })
    fleet.group.primary.stop()
    expect(await fleet.until(write(one))).toMatchObject({ state: 'queued' })
    fleet.group.primary.start({ loseData: false })
    await fleet.run(2_000)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('or sent and not answered, is sent again', async () => {
    const { fleet, books, one, two } = await scene()
    one.links.command.block('back')
    const startedMs = fleet.clock.now()
    expect(await fleet.until(books.invalidate('b42'))).toMatchObject({ state: 'queued' })
    expect(fleet.clock.now() - startedMs).toBeLessThanOrEqual(deadlineMs + 1)
    one.links.command.unblock('back')
    await fleet.run(1_000)
    expect(fleet.executed.filter(({ act, process }) => act === 'write' && process === 'one')).toHaveLength(2)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(two.cache().peek('b42')).toBeUndefined()
  })

  it('is one of many at most: then whole caches are cleared instead', async () => {
    const { fleet, books, one, two } = await scene({}, 1)
    await fleet.until(two.cache({}, 'films').getOrSet('alien', () => 'Alien'))
    fleet.group.primary.stop()
    await fleet.run(10)
    for (let i = 0; i <= mostUnsent; i++) void books.invalidate(`key ${i}`)
    await fleet.run(10)
    expect(one.forebay.stats().outbox).toBe(1)
    expect(one.told('outbox').filter(({ coarsened }) => coarsened)).toHaveLength(1)
    fleet.group.primary.start({ loseData: false })
    await fleet.run(2_000)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
    expect(await fleet.until(two.cache({}, 'films').read('alien'))).toMatchObject({ state: 'fresh' })
  })

  it('is sent by close, if Redis comes back in time', async () => {
    const { fleet, books, one, two } = await scene()
    fleet.group.primary.stop()
    await fleet.until(books.invalidate('b42'))
    const closing = one.forebay.close({ timeout: '5s' })
    await fleet.run(1_000)
    fleet.group.primary.start({ loseData: false })
    expect(await fleet.until(closing)).toEqual({ unsent: 0 })
    await fleet.run(2_000)
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('is told by close, if Redis does not', async () => {
    const { fleet, books, one } = await scene()
    fleet.group.primary.stop()
    await fleet.until(books.invalidate('b42'))
    await fleet.until(books.invalidate('b43'))
    const startedMs = fleet.clock.now()
    expect(await fleet.until(one.forebay.close({ timeout: '3s' }))).toEqual({ unsent: 2 })
    expect(fleet.clock.now() - startedMs).toBeLessThan(3_100)
  })
})

describe('when Redis is there again', () => {
  it('what was missed is replayed, and nothing else is dropped', async () => {
    const { fleet, one, two, books } = await scene()
    await fleet.until(one.cache<string>().getOrSet('b43', () => 'other'))
    one.cutOff()
    await fleet.run(1_000)
    await fleet.until(two.cache().invalidate('b42'))
    await fleet.run(1_000)
    one.reconnect()
    one.events.length = 0
    await fleet.run(1_000)
    expect(one.told('dropped')).toEqual([])
    expect(books.peek('b43')).toBe('other')
    expect(books.peek('b42')).toBeUndefined()
  })

  it('a notice whose push was lost is replayed with the next question', async () => {
    const { fleet, two, one, books } = await scene()
    fleet.weather.lostPush = 1
    await fleet.until(two.cache().invalidate('b42'))
    expect(books.peek('b42')).toBe('first')
    await fleet.run(510)
    expect(books.peek('b42')).toBeUndefined()
    expect(one.told('replayed')).toMatchObject([{ notices: 1 }])
    expect(one.forebay.stats().replayed).toBe(1)
  })

  it('and has lost its data, memory of before is dropped', async () => {
    const { fleet, one, books } = await scene()
    fleet.group.primary.stop()
    fleet.group.primary.start({ loseData: true })
    one.events.length = 0
    await fleet.run(1_000)
    expect(books.peek('b42')).toBeUndefined()
    expect(new Set(one.told('dropped').map(({ why }) => why))).toEqual(new Set(['incarnation']))
    expect(one.forebay.stats().dropped).toBe(one.told('dropped').length)
  })

  it('a shard that could not be asked since it was moving keeps its memory, and is proven at the next question', async () => {
    const fleet = new Fleet(1)
    let moving = false
    const wrap = (far: FarStore): FarStore => ({
      ...far,
      async ask(group) {
        const answer = await far.ask(group)
        return moving ? { ...answer, positions: new Map(), elsewhere: new Set(group.shards) } : answer
      },
    })
    const one = fleet.start('one', { wrap })
    await fleet.until(one.forebay.ready())
    await fleet.until(one.cache<string>().getOrSet('b42', () => 'first'))
    one.events.length = 0
    moving = true
    await fleet.run(1_400)
    expect(one.cache().peek('b42')).toBe('first')
    moving = false
    await fleet.run(4_000)
    expect(one.told('dropped')).toEqual([])
    expect(one.cache().peek('b42')).toBe('first')
  })

  it('an acknowledged invalidation that a failover has lost is sent again', async () => {
    const { fleet, one, two } = await scene()
    fleet.group.replicate()
    await fleet.until(one.cache().invalidate('b42'))
    fleet.group.failover({ oldStays: false, clockOffsetMs: 0 })
    await fleet.run(3_000)
    expect(one.told('resent').length + two.told('resent').length).toBeGreaterThan(0)
    const [three] = await fleet.ready('three')
    expect(await fleet.until(three.cache().read('b42'))).toEqual({ state: 'miss' })
    for (const node of [one, two]) expect(node.cache().peek('b42')).toBeUndefined()
  })

  it('an own acknowledged invalidation is missed though the history has gone on without it', async () => {
    const fleet = new Fleet(1)
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.cache<string>().getOrSet('b42', () => 'first'))
    await fleet.run(10)
    fleet.group.replicate()
    fleet.weather.lostPush = 1
    await fleet.until(one.cache().invalidate('b42'))
    one.links.listen.block('out')
    fleet.group.failover({ oldStays: false, clockOffsetMs: 0 })
    await fleet.run(300)
    expect(await fleet.until(two.cache().invalidate('other'))).toMatchObject({ state: 'acknowledged' })
    one.events.length = 0
    one.links.listen.unblock('out')
    await fleet.run(2_000)
    expect(one.told('dropped')).toEqual([])
    expect(one.told('resent')).toEqual([{ type: 'resent', shard: 0, notices: 1 }])
    const [three] = await fleet.ready('three')
    expect(await fleet.until(three.cache().read('b42'))).toEqual({ state: 'miss' })
  })
})
