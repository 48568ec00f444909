import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import { leaseMs } from '../core/plan.js'

const ask = (nodes: readonly Node[], load: () => Promise<unknown>) => nodes.map((node) => node.cache().fetch('b42', load))

describe('one load in the whole fleet', () => {
  it('serves all processes: the others wait and are woken as soon as it is stored', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two', 'three')
    const origin = fleet.origin('Dune', 300)
    const startedMs = fleet.clock.now()
    const found = await fleet.until(Promise.all(nodes.map((node) => node.cache().fetch('b42', origin.load))))
    expect(found.map(({ value }) => value)).toEqual(['Dune', 'Dune', 'Dune'])
    expect(found.map(({ tier }) => tier).sort()).toEqual(['origin', 'redis', 'redis'])
    expect(origin.loads).toBe(1)
    expect(fleet.clock.now() - startedMs).toBeLessThan(320)
    expect(nodes.flatMap((node) => node.told('wait'))).toHaveLength(2)
    await fleet.run(10)
    expect(nodes.map((node) => node.cache().peek('b42'))).toEqual(['Dune', 'Dune', 'Dune'])
  })

  it('serves a waiter who hears nothing a little later', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 300)
    fleet.weather.lostPush = 1
    const startedMs = fleet.clock.now()
    await fleet.until(Promise.all(ask(nodes, () => origin.load({} as never))))
    expect(origin.loads).toBe(1)
    expect(fleet.clock.now() - startedMs).toBeLessThan(300 + 520)
  })

  it('that fails wakes the others, of whom one loads at once', async () => {
    const fleet = new Fleet()
    const [one, two, three] = await fleet.ready('one', 'two', 'three')
    const broken = fleet.origin('', 100)
    broken.broken = new Error('no database')
    const failing = fleet.failure(one.cache().getOrSet('b42', broken.load))
    await fleet.run(50)
    const origin = fleet.origin('Dune', 100)
    const startedMs = fleet.clock.now()
    const others = [two, three].map((node) => node.cache().getOrSet('b42', origin.load))
    expect(await failing).toBe(broken.broken)
    expect(await fleet.until(Promise.all(others))).toEqual(['Dune', 'Dune'])
    expect(origin.loads).toBe(1)
    expect(fleet.clock.now() - startedMs).toBeLessThan(200)
  })

  it('passes on when its process dies', async () => {
    const fleet = new Fleet()
    const [one, two, three] = await fleet.ready('one', 'two', 'three')
    const origin = fleet.origin('Dune', 1_000)
    void one.cache().getOrSet('b42', origin.load)
    await fleet.run(500)
    one.kill()
    const startedMs = fleet.clock.now()
    const others = [two, three].map((node) => node.cache().getOrSet('b42', origin.load))
    expect(await fleet.until(Promise.all(others))).toEqual(['Dune', 'Dune'])
    expect(origin.loads).toBe(2)
    expect(fleet.clock.now() - startedMs).toBeLessThan(leaseMs + 1_100)
  })

  it('stays one load however long it takes', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 28_000)
    expect((await fleet.until(Promise.all(nodes.map((node) => node.cache().getOrSet('b42', origin.load))))).length).toBe(2)
    expect(origin.loads).toBe(1)
    expect(fleet.count('renew')).toBeGreaterThanOrEqual(Math.floor((3 * 28_000) / leaseMs) - 2)
    await fleet.run(1_000)
    fleet.executed.length = 0
    await fleet.run(10_000)
    expect(fleet.count('renew')).toBe(0)
  })

  it('stays one though an answer about its lease is lost', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 20_000)
    const all = [one, two].map((node) => node.cache().getOrSet('b42', origin.load))
    await fleet.run(1_000)
    one.links.command.block('back')
    fleet.clock.after(1_500, () => one.links.command.unblock('back'))
    await fleet.until(Promise.all(all))
    expect(origin.loads).toBe(1)
  })

  it.each(['one', 'two'] as const)('whose lease was granted by an answer that was lost does not keep %s waiting', async (reader) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 5)
    const options = { memory: false } as const
    one.links.command.block('back')
    expect(await fleet.until(one.cache(options).getOrSet('b42', origin.load, { fresh: true }))).toBe('Dune')
    one.links.command.unblock('back')
    const startedMs = fleet.clock.now()
    const next = reader === 'one' ? one : two
    expect(await fleet.until(next.cache(options).getOrSet('b42', origin.load))).toBe('Dune')
    expect(fleet.clock.now() - startedMs).toBeLessThan(1_000)
  })

  it.each(['one', 'two'] as const)('whose value could not be stored does not keep readers of process %s waiting', async (reader) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 100)
    const options = { memory: false } as const
    const first = one.cache(options).getOrSet('b42', origin.load)
    await fleet.run(50)
    await fleet.until(one.forebay.invalidateTags(['red'])) // the load may have it: from here on it is not joined, but keeps its lease
    const second = (reader === 'one' ? one : two).cache(options).getOrSet('b42', origin.load)
    await fleet.run(45)
    fleet.weather.lostRequest = 1
    await fleet.run(15)
    fleet.weather.lostRequest = 0
    one.links.command.break()
    const lostMs = fleet.clock.now()
    expect(await fleet.until(Promise.all([first, second]))).toEqual(['Dune', 'Dune'])
    expect([origin.loads, fleet.clock.now() - lostMs < 340]).toEqual([2, true])
  })

  it.each(['one', 'two'] as const)('whose end a failover has undone does not keep %s waiting', async (reader) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 100)
    const options = { memory: false } as const
    const first = one.cache(options).getOrSet('b42', origin.load)
    await fleet.run(50)
    fleet.group.replicate()
    await fleet.until(first)
    await fleet.until(one.forebay.settled())
    fleet.group.failover({ oldStays: false, clockOffsetMs: 5_000 })
    await fleet.run(1_000)
    const startedMs = fleet.clock.now()
    const next = reader === 'one' ? one : two
    expect(await fleet.until(next.cache(options).getOrSet('b42', origin.load))).toBe('Dune')
    expect([origin.loads, fleet.clock.now() - startedMs < 1_000]).toEqual([2, true])
  })

  it('is not waited for where the value is already stale and may be served', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const options = { ttl: '10s', staleWhileRevalidate: '1h' } as const
    const origin = fleet.origin('first', 1_000)
    await fleet.until(one.cache(options).getOrSet('b42', origin.load))
    await fleet.run(11_000)
    await fleet.until(one.cache().getOrSet('b42', origin.load))
    await fleet.run(100)
    const startedMs = fleet.clock.now()
    expect(await fleet.until(two.cache(options).fetch('b42', origin.load))).toMatchObject({ state: 'stale', value: 'first' })
    expect(fleet.clock.now() - startedMs).toBeLessThan(10)
    await fleet.run(2_000)
    expect(origin.loads).toBe(2)
  })

  it('whose lease another process takes for a fresh load is not stored', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first', 100)
    const before = one.cache().getOrSet('b42', origin.load)
    await fleet.run(50)
    origin.value = 'second'
    const fresh = two.cache().getOrSet('b42', origin.load, { fresh: true })
    expect(await fleet.until(Promise.all([before, fresh]))).toEqual(['first', 'second'])
    await fleet.until(one.forebay.settled())
    expect(one.told('fill-refused')).toMatchObject([{ why: 'lease' }])
    expect(await fleet.until(one.cache().getOrSet('b42', origin.load))).toBe('second')
  })

  it('whose process holds on for ever is taken over by those who have waited beyond any doubt', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('never', 1e9)
    void one
      .cache({ hardTimeout: '1h' })
      .getOrSet('b42', origin.load)
      .catch(() => {})
    await fleet.run(100)
    const startedMs = fleet.clock.now()
    expect(await fleet.until(two.cache({ hardTimeout: '1s' }).getOrSet('b42', fleet.origin('Dune').load))).toBe('Dune')
    expect(fleet.clock.now() - startedMs).toBeLessThan(2 * leaseMs + 2_000)
  })
})
