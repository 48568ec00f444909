import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import type { ReplicaPlan } from '../core/far-store.js'
import type { CacheOptions } from './public.js'

const hedging: ReplicaPlan = { reads: 'hedge', hedgeAfterMs: 10, budget: 0.05 }
const preferring: ReplicaPlan = { ...hedging, reads: 'prefer' }
const withoutMemory: CacheOptions<string> = { memory: false }

/** Two processes without memory; the first reads from the replica too. It holds `b42`, which both have read. */
async function scene(replicas: ReplicaPlan) {
  const fleet = new Fleet(1)
  const one = fleet.start('one', { replicas })
  const two = fleet.start('two')
  await fleet.until(Promise.all([one.forebay.ready(), two.forebay.ready()]))
  const origin = fleet.origin('first')
  const books = one.cache<string>(withoutMemory)
  const theirs = two.cache<string>(withoutMemory)
  await fleet.until(books.getOrSet('b42', origin.load))
  fleet.group.replicate()
  fleet.executed.length = 0
  const before = replicaStats(one)
  /** What was counted since. */
  const counted = () => Object.fromEntries(Object.entries(replicaStats(one)).map(([what, times]) => [what, times - (before[what] ?? 0)]))
  const read = () => fleet.until(books.fetch('b42', origin.load))
  return { fleet, one, two, origin, books, theirs, read, counted }
}

function replicaStats(node: Node): Record<string, number> {
  return { ...node.forebay.stats().replicas }
}

describe('where replicas are preferred', () => {
  it('one that has caught up answers, and the primary is not asked', async () => {
    const { fleet, read, counted } = await scene(preferring)
    expect(await read()).toMatchObject({ value: 'first', tier: 'redis' })
    expect([fleet.count('replica-get'), fleet.count('get')]).toEqual([1, 0])
    expect(counted()).toEqual({ asked: 1, served: 1, refused: 0, hedged: 0, won: 0 })
  })

  it('one that lacks what this process has invalidated does not count', async () => {
    const { fleet, books, origin, read, counted } = await scene(preferring)
    await fleet.until(books.invalidate('b42'))
    origin.value = 'second'
    expect(await read()).toMatchObject({ value: 'second' })
    expect(counted()).toMatchObject({ served: 0, refused: 1 })
  })

  it('one that lacks what another has invalidated does not count once that has been heard', async () => {
    const { fleet, theirs, origin, read, counted } = await scene(preferring)
    await fleet.until(theirs.invalidate('b42'))
    await fleet.run(5)
    origin.value = 'second'
    expect(await read()).toMatchObject({ value: 'second' })
    expect(counted()).toMatchObject({ served: 0, refused: 1 })
  })

  it('one that is further than what was heard does not count either: its history may be another one', async () => {
    const { fleet, one, theirs, read, counted } = await scene(preferring)
    await fleet.until(theirs.getOrSet('other', () => 'other'))
    one.links.listen.block('back')
    await fleet.until(theirs.invalidate('other'))
    fleet.group.replicate()
    expect(await read()).toMatchObject({ value: 'first' })
    expect(counted()).toMatchObject({ served: 0, refused: 1 })
    one.links.listen.unblock('back')
  })

  it('one of another history does not count, though it has come as far', async () => {
    const { fleet, two, books, theirs, read, counted } = await scene(preferring)
    await fleet.until(books.invalidate('other'))
    await fleet.run(5)
    // The primary is parted from the rest: what it took last is lost, and the others go on without it.
    two.links.command.break()
    two.links.listen.break()
    fleet.group.failover({ oldStays: true, clockOffsetMs: 5_000 })
    await fleet.run(250)
    await fleet.until(theirs.invalidate('b42'))
    fleet.group.replicate()
    expect(await read()).toMatchObject({ value: 'first' })
    expect(counted()).toMatchObject({ asked: 1, served: 0, refused: 1 })
  })

  it('the primary is asked for what they do not have, and where none can be reached', async () => {
    const { fleet, one, books } = await scene(preferring)
    expect(await fleet.until(books.get('missing'))).toBeUndefined()
    expect([fleet.count('replica-get'), fleet.count('get')]).toEqual([1, 1])
    one.links.replica?.block('back')
    one.links.replica?.break()
    expect(await fleet.until(books.get('b42'))).toBe('first')
    expect([fleet.count('replica-get'), fleet.count('get')]).toEqual([1, 2])
  })

  it('a shard that is not proven is read from its primary, which judges by itself', async () => {
    const { fleet, one, read } = await scene(preferring)
    one.links.listen.block('back')
    await fleet.run(2_500)
    fleet.executed.length = 0
    expect(await read()).toMatchObject({ value: 'first', tier: 'redis' })
    expect([fleet.count('replica-get'), fleet.count('check')]).toEqual([0, 1])
  })

  it('what is marked as stale there is not served as fresh', async () => {
    const { fleet, books, origin, read } = await scene(preferring)
    await fleet.until(books.markStale('b42'))
    await fleet.run(5)
    fleet.group.replicate()
    origin.value = 'second'
    expect(await read()).toMatchObject({ value: 'second', tier: 'origin' })
  })
})

describe('where late reads are hedged', () => {
  it('a primary in time is the only one asked', async () => {
    const { fleet, read, counted } = await scene(hedging)
    for (let i = 0; i < 50; i++) expect(await read()).toMatchObject({ value: 'first' })
    expect([fleet.count('replica-get'), fleet.count('get')]).toEqual([0, 50])
    expect(counted()).toMatchObject({ asked: 0, hedged: 0 })
  })

  it('a replica answers for a frozen primary, after the hedge and one trip', async () => {
    const { fleet, read, counted } = await scene(hedging)
    fleet.group.primary.freeze(60_000)
    const beganMs = fleet.clock.now()
    expect(await read()).toMatchObject({ value: 'first', tier: 'redis' })
    expect(fleet.clock.now() - beganMs).toBeLessThan(10 + 5)
    expect(counted()).toEqual({ asked: 1, served: 1, refused: 0, hedged: 1, won: 1 })
  })

  it('no more reads are hedged than the budget has', async () => {
    const { fleet, books, origin, counted } = await scene({ ...hedging, budget: 0.125 })
    const readWhileFrozen = async (count: number) => {
      fleet.group.primary.freeze(60_000)
      const reads = Array.from({ length: count }, (_, i) => books.fetch(`k${i}`, origin.load))
      await fleet.run(100)
      fleet.group.primary.thaw()
      await fleet.until(Promise.all(reads))
      await fleet.run(1_000)
    }
    await readWhileFrozen(120)
    // As many as may be sent at once.
    expect(counted()).toMatchObject({ hedged: 100 })
    await readWhileFrozen(120)
    // And the share of the reads that have come since.
    expect(counted()).toMatchObject({ hedged: 115 })
  })

  it('no hedge is spent where there is no replica to ask', async () => {
    const { fleet, one, read, counted } = await scene(hedging)
    one.links.replica?.close()
    fleet.group.primary.freeze(100)
    expect(await read()).toMatchObject({ value: 'first' })
    expect(counted()).toMatchObject({ asked: 0, hedged: 0 })
  })

  it('an answer of the primary that comes first counts, whatever the replica says later', async () => {
    const { fleet, one, read, counted } = await scene({ ...hedging, hedgeAfterMs: 1 })
    one.links.replica?.block('back')
    expect(await read()).toMatchObject({ value: 'first' })
    one.links.replica?.unblock('back')
    await fleet.run(10)
    expect(counted()).toMatchObject({ hedged: 1, won: 0 })
  })

  it('a stalled process hedges nothing whose answer is there already', async () => {
    const { fleet, one, books, origin, counted } = await scene(hedging)
    const read = books.fetch('b42', origin.load)
    one.process.stall(300)
    expect(await fleet.until(read)).toMatchObject({ value: 'first' })
    expect(counted()).toMatchObject({ asked: 0, hedged: 0 })
  })

  it('a replica stands in where the link breaks during the read', async () => {
    const { fleet, one, books, origin, counted } = await scene(hedging)
    const read = books.fetch('b42', origin.load)
    one.links.command.break()
    expect(await fleet.until(read)).toMatchObject({ value: 'first', tier: 'redis' })
    expect(counted()).toMatchObject({ served: 1, hedged: 0 })
  })
})

describe.each([hedging, preferring])('while the primary is down, with $reads', (plan) => {
  it('a replica serves for as long as the last proof holds; then the origin does', async () => {
    const { fleet, origin, read } = await scene(plan)
    fleet.group.primary.stop()
    await fleet.run(1_000)
    origin.loads = 0
    expect(await read()).toMatchObject({ value: 'first', tier: 'redis' })
    expect(origin.loads).toBe(0)
    await fleet.run(1_500)
    expect(await read()).toMatchObject({ tier: 'origin' })
  })

  it('no replica serves what this process has invalidated since, for that waits to be sent', async () => {
    const { fleet, books, origin, read } = await scene(plan)
    fleet.group.primary.stop()
    await fleet.run(10)
    expect(await fleet.until(books.invalidate('b42'))).toMatchObject({ state: 'queued' })
    origin.value = 'second'
    expect(await read()).toMatchObject({ value: 'second', tier: 'origin' })
  })

  it('what it does not have is loaded', async () => {
    const { fleet, books, origin } = await scene(plan)
    fleet.group.primary.stop()
    await fleet.run(10)
    expect(await fleet.until(books.fetch('missing', origin.load))).toMatchObject({ value: 'first', tier: 'origin' })
  })
})

it('without replicas there is nothing to tell', async () => {
  const { two } = await scene(hedging)
  expect(two.forebay.stats().replicas).toBeUndefined()
})
