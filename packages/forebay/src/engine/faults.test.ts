import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import { fillPatienceMs } from '../core/plan.js'

const titles = (node: Node) => node.cache<string>()

/** Both processes hold `first`; the origin has `second` by now. */
async function scene(options: Parameters<Node['cache']>[0] = {}) {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  const origin = fleet.origin('first')
  for (const node of [one, two]) await fleet.until(node.cache<string>(options as never).getOrSet('b42', origin.load))
  await fleet.run(10)
  origin.value = 'second'
  return { fleet, one, two, origin }
}

describe('a memory copy that was superseded', () => {
  const cutAnswers = ({ links }: Node): void => {
    links.listen.block('back')
    links.command.block('back')
  }
  const killQuestions = ({ links }: Node): void => {
    links.listen.break()
    links.listen.block('out')
  }
  const cuts: readonly [string, (node: Node) => void][] = [
    ['is cut off', (node) => node.cutOff()],
    ['sends, and gets no answer', cutAnswers],
    ['has its link for questions killed', killQuestions],
  ]

  it.each(cuts)('is served for maxStaleness at most where the process %s', async (_, cut) => {
    const { fleet, one, two, origin } = await scene({ maxStaleness: '1s' })
    cut(one)
    await fleet.until(titles(two).invalidate('b42'))
    const acknowledgedMs = fleet.clock.now()
    let lastOldMs = acknowledgedMs
    while (fleet.clock.now() < acknowledgedMs + 5_000) {
      const found = await fleet.until(titles(one).fetch('b42', origin.load))
      if (found.value === 'first') lastOldMs = fleet.clock.now()
      await fleet.run(7)
    }
    expect(lastOldMs - acknowledgedMs).toBeGreaterThan(300)
    expect(lastOldMs - acknowledgedMs).toBeLessThanOrEqual(1_000)
  })

  it('is served for maxStaleness at most where only pushes are lost', async () => {
    const { fleet, one, two } = await scene({ maxStaleness: '1s' })
    fleet.weather.lostPush = 1
    await fleet.until(titles(two).invalidate('b42'))
    await fleet.run(260)
    expect(titles(one).peek('b42')).toBeUndefined()
  })
})

describe('a load in an outage', () => {
  it('is not joined by those who come more than maxStaleness after it began', async () => {
    const { fleet, one, origin } = await scene({ maxStaleness: '1s' })
    fleet.group.primary.stop()
    await fleet.run(2_000)
    origin.takesMs = 1_500
    const before = titles(one).getOrSet('b42', origin.load)
    await fleet.run(900)
    const joins = titles(one).getOrSet('b42', origin.load)
    await fleet.run(200)
    origin.value = 'third'
    const anew = titles(one).getOrSet('b42', origin.load)
    expect(await fleet.until(Promise.all([before, joins, anew]))).toEqual(['second', 'second', 'third'])
    expect(origin.loads).toBe(1 + 2)
  })
})

describe('a value whose storing is not answered', () => {
  it('is given to its callers soon, and is not kept in memory', async () => {
    const { fleet, one, origin } = await scene()
    origin.takesMs = 100
    const startedMs = fleet.clock.now()
    const loading = titles(one).fetch('new', origin.load)
    await fleet.run(50)
    one.links.command.block('back')
    expect(await fleet.until(loading)).toMatchObject({ value: 'second', tier: 'origin' })
    expect(fleet.clock.now() - startedMs).toBeLessThan(110 + fillPatienceMs)
    await fleet.run(1_000)
    expect(titles(one).peek('new')).toBeUndefined()
    expect(one.told('fill-refused')).toMatchObject([{ key: 'new', why: 'unanswered' }])
  })
})

describe('a server that is full', () => {
  it('takes invalidations, and callers are served from the origin', async () => {
    const { fleet, one, two, origin } = await scene()
    fleet.group.primary.twin.full = true
    expect(await fleet.until(titles(one).invalidate('b42'))).toMatchObject({ state: 'acknowledged' })
    await fleet.run(2)
    expect(titles(two).peek('b42')).toBeUndefined()
    expect(await fleet.until(titles(two).fetch('b42', origin.load))).toMatchObject({ value: 'second', tier: 'origin' })
    expect(two.told('degraded')).toMatchObject([{ error: { code: 'E_REDIS_REFUSED' } }])
  })
})

describe('a server that is a replica now', () => {
  it('proves nothing, and takes no invalidation: it is kept and sent to the primary', async () => {
    const { fleet, one, two } = await scene()
    fleet.group.primary.twin.writable = false
    expect(await fleet.until(titles(one).invalidate('b42'))).toMatchObject({ state: 'queued' })
    await fleet.run(2_100)
    expect(titles(two).peek('b42')).toBeUndefined()
    fleet.group.primary.twin.writable = true
    await fleet.run(1_000)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(await fleet.until(titles(two).read('b42'))).toEqual({ state: 'miss' })
  })
})

describe('a log that no longer reaches back', () => {
  it('costs the memory of its shard, and nothing else', async () => {
    const { fleet, one, two } = await scene()
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`)
    for (const key of keys) await fleet.until(titles(one).getOrSet(key, () => key))
    await fleet.run(10)
    one.cutOff()
    const { token } = await fleet.until(titles(two).invalidate('b42'))
    const shard = Number.parseInt(token.split('*')[1]?.split('!')[0] ?? '', 36)
    fleet.group.primary.twin.evict('log', shard)
    await fleet.run(100)
    one.events.length = 0
    one.links.listen.break()
    one.reconnect()
    await fleet.run(1_000)
    expect(one.told('dropped')).toEqual([{ type: 'dropped', shard, why: 'gap' }])
    const left = keys.filter((key) => titles(one).peek(key) !== undefined).length
    expect(left).toBeGreaterThan(8)
    expect(left).toBeLessThan(20)
    expect(titles(one).peek('b42')).toBeUndefined()
  })
})

describe('stamps that the server has lost', () => {
  it('void what is tagged, also for a process that knew nothing of it', async () => {
    const fleet = new Fleet(1)
    const [one] = await fleet.ready('one')
    await fleet.until(one.cache<string>({ tags: ['all'] }).getOrSet('b42', () => 'Dune'))
    await fleet.until(one.cache<string>({}, 'plain').getOrSet('b42', () => 'Emma'))
    await fleet.until(one.cache().invalidate('other'))
    fleet.group.primary.twin.evict('stamps', 0)
    const [two] = await fleet.ready('two')
    expect(await fleet.until(two.cache<string>({ tags: ['all'] }).read('b42'))).toEqual({ state: 'miss' })
    expect(await fleet.until(two.cache<string>({}, 'plain').read('b42'))).toMatchObject({ value: 'Emma' })
  })
})
