import { describe, expect, it } from 'vitest'
import { deadlineMs, Fleet } from '../fleet.js'
import { Puppet } from './puppet.js'

/**
 * The shortest ways to break a coherence protocol that lacks one rule, each found by a model checker before there was any code. The names
 * say what the rule is about; here the traces are played with the rule in place.
 */

const maxStaleness = 1_000
const options = { maxStaleness, tags: ['g'] }

async function scene(origin = 'v1') {
  const fleet = new Fleet(1)
  const puppet = new Puppet()
  const one = fleet.start('one', puppet)
  const two = fleet.start('two')
  await fleet.until(Promise.all([one.forebay.ready(), two.forebay.ready()]))
  const [mine, theirs] = [one.cache<string>(options), two.cache<string>(options)]
  const source = fleet.origin(origin)
  const read = (cache = mine) => fleet.until(cache.getOrSet('a', source.load))
  return { fleet, puppet, one, two, mine, theirs, source, read }
}

describe('an answer on its way', () => {
  it('from Redis, overtaken by an invalidation that is acknowledged before it arrives, is not remembered (near)', async () => {
    const { fleet, puppet, mine, theirs, source, read } = await scene()
    await fleet.until(theirs.getOrSet('a', source.load))
    const release = puppet.hold('get', 'answer')
    const early = mine.getOrSet('a', source.load)
    await fleet.run(10)
    source.value = 'v2'
    await fleet.until(mine.invalidate('a'))
    release()
    expect(await fleet.until(early)).toBe('v1')
    expect(mine.peek('a')).toBeUndefined()
    expect(await read()).toBe('v2')
  })

  it('from the origin, overtaken by an invalidation, is not shared with who comes after it (nojoin)', async () => {
    const { fleet, mine, source, read } = await scene()
    source.takesMs = 100
    const early = mine.getOrSet('a', source.load)
    await fleet.run(20)
    source.value = 'v2'
    await fleet.until(mine.invalidate('a'))
    const late = mine.getOrSet('a', source.load)
    expect(await fleet.until(early)).toBe('v1')
    expect(await fleet.until(late)).toBe('v2')
    expect(await read()).toBe('v2')
  })

  it('read between an own invalidation and its acknowledgement is forgotten with it (ack2)', async () => {
    const { fleet, puppet, mine, theirs, source, read } = await scene()
    await fleet.until(theirs.getOrSet('a', source.load))
    source.value = 'v2'
    const release = puppet.hold('write', 'call')
    const invalidated = mine.invalidate('a')
    expect(await read()).toBe('v1')
    release()
    await fleet.until(invalidated)
    expect(await read()).toBe('v2')
  })

  it('from a load that began before Redis forgot its shard is not stored, though the numbers fit again (inc)', async () => {
    const { fleet, mine, theirs, source, read } = await scene('v2')
    await fleet.until(theirs.invalidateTags(['g']))
    source.takesMs = 200
    const loading = theirs.getOrSet('a', source.load)
    await fleet.run(200)
    fleet.group.primary.twin.evict('meta', 0)
    source.value = 'v3'
    await fleet.until(mine.invalidateTags(['g']))
    expect(await fleet.until(loading)).toBe('v2')
    expect(await read()).toBe('v3')
    await fleet.run(3 * maxStaleness)
    expect(await read()).toBe('v3')
    expect(await read(theirs)).toBe('v3')
  })
})

describe('a command that comes late', () => {
  it('gives nobody a lease under which an old value could be stored (attempt)', async () => {
    const { fleet, one, mine, theirs, source, read } = await scene()
    one.links.command.block('out')
    source.takesMs = deadlineMs * 3
    const loading = mine.getOrSet('a', source.load)
    await fleet.run(deadlineMs * 2.5)
    source.value = 'v2'
    await fleet.until(theirs.invalidate('a'))
    one.links.command.unblock('out')
    expect(await fleet.until(loading)).toBe('v1')
    await fleet.run(3 * maxStaleness)
    expect(await read()).toBe('v2')
    expect(await read(theirs)).toBe('v2')
  })

  it('and has not been answered leaves its invalidation waiting, and meanwhile nothing is read that it concerns (gate)', async () => {
    const { fleet, one, mine, theirs, source, read } = await scene()
    await fleet.until(theirs.getOrSet('a', source.load))
    source.value = 'v2'
    fleet.weather.lostRequest = 1
    const invalidated = mine.invalidate('a')
    fleet.weather.lostRequest = 0
    expect(await fleet.until(invalidated)).toMatchObject({ state: 'queued' })
    expect(await read()).toBe('v2')
    await fleet.run(3 * maxStaleness)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(await read(theirs)).toBe('v2')
  })
})

describe('without Redis', () => {
  it('a slow load is not kept for longer than maxStaleness from its beginning (birth)', async () => {
    const { fleet, one, mine, theirs, source, read } = await scene()
    one.cutOff()
    source.takesMs = 10 * maxStaleness
    const loading = mine.getOrSet('a', source.load)
    await fleet.run(maxStaleness)
    source.value = 'v2'
    source.takesMs = 1
    await fleet.until(theirs.invalidate('a'))
    expect(await fleet.until(loading)).toBe('v1')
    expect(mine.peek('a')).toBeUndefined()
    expect(await read()).toBe('v2')
  })
})

describe('a process that has just begun', () => {
  it('does not trust an entry older than the stamps that it has fetched (base)', async () => {
    const { fleet, theirs, source } = await scene()
    await fleet.until(theirs.getOrSet('a', source.load))
    source.value = 'v2'
    await fleet.until(theirs.invalidateTags(['g']))
    for (let i = 0; i < 300; i++) await fleet.until(theirs.invalidateTags([`other-${i}`]))
    const fresh = fleet.start('three')
    await fleet.until(fresh.forebay.ready())
    expect(await fleet.until(fresh.cache<string>(options).getOrSet('a', source.load))).toBe('v2')
  })
})

describe('after a failover', () => {
  it('a group’s fence that the new primary lacks is sent again, and what was stored without it is gone (chain, resend)', async () => {
    const { fleet, one, two, theirs, source, read } = await scene('v2')
    await fleet.until(theirs.invalidateTags(['g']))
    source.takesMs = 600
    const loading = theirs.getOrSet('a', source.load)
    await fleet.run(20)
    fleet.group.replicate()
    source.value = 'v3'
    expect(await fleet.until(theirs.invalidateTags(['g']))).toMatchObject({ state: 'acknowledged' })
    fleet.group.failover({ oldStays: false, clockOffsetMs: 5_000 })
    await fleet.until(loading)
    source.takesMs = 1
    await fleet.run(3 * maxStaleness)
    expect([...one.told('resent'), ...two.told('resent')].length).toBeGreaterThan(0)
    expect(await read()).toBe('v3')
    expect(await read(theirs)).toBe('v3')
  })

  it('an invalidation that is sent again is news to who has heard it before, and has read since (repeat)', async () => {
    const { fleet, one, two, mine, theirs, source, read } = await scene()
    await fleet.until(theirs.getOrSet('a', source.load))
    fleet.group.replicate()
    source.value = 'v2'
    expect(await fleet.until(theirs.invalidate('a'))).toMatchObject({ state: 'acknowledged' })
    await fleet.run(10)
    two.cutOff()
    one.links.listen.block('out')
    fleet.group.failover({ oldStays: false, clockOffsetMs: 5_000 })
    await fleet.run(250)
    expect(await read()).toBe('v1')
    two.reconnect()
    await fleet.run(500)
    one.links.listen.unblock('out')
    await fleet.run(3 * maxStaleness)
    expect(mine.peek('a')).toBeUndefined()
    expect(await read()).toBe('v2')
  })

  it('a former primary that is still reached proves nothing (wcheck)', async () => {
    const { fleet, two, mine, theirs, source, read } = await scene()
    expect(await read()).toBe('v1')
    isolate(fleet)
    two.links.command.break()
    two.links.listen.break()
    await fleet.run(300)
    source.value = 'v2'
    expect(await fleet.until(theirs.invalidate('a'))).toMatchObject({ state: 'acknowledged' })
    await fleet.run(maxStaleness)
    expect(mine.peek('a')).toBeUndefined()
    expect(await read()).toBe('v2')
  })

  it('a plain read that leads to a former primary is not trusted, though the new one has proven the shard (sameNode)', async () => {
    const { fleet, one, two, theirs, source, read } = await scene()
    await fleet.until(theirs.getOrSet('a', source.load))
    isolate(fleet)
    for (const link of [two.links.command, two.links.listen, one.links.listen]) link.break()
    await fleet.run(300)
    source.value = 'v2'
    expect(await fleet.until(theirs.invalidate('a'))).toMatchObject({ state: 'acknowledged' })
    await fleet.run(maxStaleness)
    expect(await read()).toBe('v2')
  })
})

/** The replica becomes the primary and lacks nothing; the old one stays up, and reached by whoever does not leave it. */
function isolate(fleet: Fleet): void {
  fleet.group.replicate()
  fleet.group.failover({ oldStays: true, clockOffsetMs: 5_000 })
}

describe('an update', () => {
  it('overtaken by a group’s fence between its commit and its store is not stored (ticket)', async () => {
    const { fleet, puppet, mine, theirs, source, read } = await scene()
    const release = puppet.hold('write', 'call')
    const updating = mine.update('a', () => 'v2')
    await fleet.run(10)
    source.value = 'v3'
    await fleet.until(theirs.invalidateTags(['g']))
    release()
    await fleet.until(updating)
    expect(await read(theirs)).toBe('v3')
    expect(await read()).toBe('v3')
  })
})
