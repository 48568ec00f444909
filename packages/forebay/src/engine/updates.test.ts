import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import { pattern } from '../core/pattern.js'
import { doNotStore } from './public.js'

const books = (node: Node) => node.cache<string>()

async function scene() {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  return { fleet, one, two }
}

describe('update', () => {
  it('keeps the committed value, here and for the others', async () => {
    const { fleet, one, two } = await scene()
    await fleet.until(books(two).getOrSet('b42', () => 'first'))
    const result = await fleet.until(books(one).update('b42', () => 'second'))
    expect(result).toMatchObject({ state: 'acknowledged' })
    expect(books(one).peek('b42')).toBe('second')
    await fleet.run(10)
    expect(await fleet.until(books(two).fetch('b42', () => 'loaded'))).toMatchObject({ value: 'second', tier: 'redis' })
  })

  it('tells what was cached, and refuses the fill of a load that began before', async () => {
    const { fleet, one, two } = await scene()
    await fleet.until(books(two).set('b42', 'first'))
    const origin = fleet.origin('first', 100)
    const load = books(two).getOrSet('b42', origin.load, { fresh: true })
    await fleet.run(10)
    let seen: unknown
    const update = books(one).update('b42', (context) => {
      seen = context
      return 'second'
    })
    await fleet.until(update)
    expect(seen).toEqual({ key: 'b42', previous: 'first' })
    expect(await fleet.until(load)).toBe('first')
    await fleet.until(two.forebay.settled())
    expect(await fleet.until(books(two).getOrSet('b42', () => 'loaded'))).toBe('second')
  })

  it('of two at once keeps the value of the one that began last, or none: never one that was committed earlier', async () => {
    const { fleet, one, two } = await scene()
    let committed = ''
    const commit = (value: string, takesMs: number) => async () => {
      await fleet.sleep(takesMs)
      committed = value
      return value
    }
    const slow = books(one).update('b42', commit('from one', 50))
    await fleet.run(10)
    const quick = books(two).update('b42', commit('from two', 10))
    await fleet.until(Promise.all([slow, quick]))
    expect(committed).toBe('from one')
    await fleet.run(3_000)
    for (const node of [one, two]) expect(await fleet.until(books(node).getOrSet('b42', () => committed))).toBe('from one')
  })

  it('whose commit fails invalidates, for nobody knows whether it was done', async () => {
    const { fleet, one, two } = await scene()
    await fleet.until(books(two).getOrSet('b42', () => 'first'))
    const error = new Error('connection lost')
    expect(await fleet.failure(books(one).update('b42', () => Promise.reject(error)))).toBe(error)
    await fleet.run(10)
    expect(await fleet.until(books(two).read('b42'))).toEqual({ state: 'miss' })
  })

  it('whose value is not to be stored, or cannot be, invalidates', async () => {
    const { fleet, one } = await scene()
    await fleet.until(books(one).getOrSet('b42', () => 'first'))
    await fleet.until(books(one).update('b42', () => doNotStore('second')))
    expect(await fleet.until(books(one).read('b42'))).toEqual({ state: 'miss' })
    const unfit = books(one).update('b42', (() => new WeakMap()) as never)
    expect(await fleet.failure(unfit)).toMatchObject({ code: 'E_VALUE_UNSUPPORTED' })
    expect(await fleet.until(books(one).read('b42'))).toEqual({ state: 'miss' })
  })

  it('commits in an outage all the same, and invalidates when Redis is back', async () => {
    const { fleet, one } = await scene()
    await fleet.until(books(one).getOrSet('b42', () => 'first'))
    fleet.group.primary.stop()
    await fleet.run(1_000)
    let commits = 0
    const result = books(one).update('b42', () => `${++commits} commit`)
    expect(await fleet.until(result)).toMatchObject({ state: 'queued' })
    expect(commits).toBe(1)
    fleet.group.primary.start({ loseData: false })
    await fleet.run(2_000)
    expect(one.forebay.stats().outbox).toBe(0)
    expect(await fleet.until(books(one).getOrSet('b42', () => 'loaded'))).toBe('loaded')
  })

  it.each(['one', 'two'] as const)('keeps its ticket when %s reads meanwhile: who reads gets the new value', async (reader) => {
    const { fleet, one, two } = await scene()
    const slow = books(one).update('b42', async () => {
      await fleet.sleep(500)
      return 'second'
    })
    await fleet.run(50)
    const read = books(reader === 'one' ? one : two).fetch('b42', () => 'loaded')
    await fleet.until(slow)
    expect(await fleet.until(read)).toMatchObject({ value: 'second', tier: 'redis' })
    expect(await fleet.until(books(two).read('b42'))).toMatchObject({ value: 'second' })
  })

  it('keeps its ticket through a commit that takes long', async () => {
    const { fleet, one, two } = await scene()
    const slow = books(one).update('b42', async () => {
      await fleet.sleep(20_000)
      return 'second'
    })
    await fleet.until(slow)
    expect(await fleet.until(books(two).fetch('b42', () => 'loaded'))).toMatchObject({ value: 'second', tier: 'redis' })
  })
})

describe('a set with a version', () => {
  it('never takes the place of a newer one, and then invalidates', async () => {
    const { fleet, one, two } = await scene()
    await fleet.until(books(one).set('b42', 'third', { version: 3 }))
    await fleet.until(books(two).set('b42', 'second', { version: 2 }))
    await fleet.run(10)
    for (const node of [one, two]) expect(books(node).peek('b42')).toBeUndefined()
    expect(await fleet.until(books(two).getOrSet('b42', () => 'loaded'))).toBe('loaded')
    expect(await fleet.failure(books(one).set('b42', 'x', { version: 0 }))).toMatchObject({ code: 'E_OPTION' })
  })

  it('takes the place of an older one', async () => {
    const { fleet, one, two } = await scene()
    await fleet.until(books(one).set('b42', 'second', { version: 2 }))
    await fleet.until(books(two).set('b42', 'third', { version: 3 }))
    await fleet.run(10)
    for (const node of [one, two]) expect(await fleet.until(books(node).get('b42'))).toBe('third')
  })
})

describe('many keys at once', () => {
  it('are removed everywhere, and one token stands for all', async () => {
    const { fleet, one, two } = await scene()
    const keys = Array.from({ length: 20 }, (_, i) => `b${i}`)
    for (const node of [one, two]) for (const key of keys) await fleet.until(books(node).getOrSet(key, () => 'first'))
    const { state, token } = await fleet.until(books(one).deleteMany(keys))
    expect(state).toBe('acknowledged')
    for (const key of keys) expect(await fleet.until(books(two).get(key, { token }))).toBeUndefined()
    expect(await fleet.until(books(one).deleteMany([]))).toMatchObject({ state: 'acknowledged' })
  })
})

describe('a pattern', () => {
  it('removes the keys that fit, in memory and in Redis, and no others', async () => {
    const { fleet, one, two } = await scene()
    for (const node of [one, two])
      for (const key of ['author:7:list', 'author:7:top', 'author:8:list']) await fleet.until(books(node).getOrSet(key, () => 'first'))
    await fleet.until(books(one).invalidatePattern(pattern`author:${7}:*`))
    await fleet.run(10)
    for (const node of [one, two]) {
      expect([books(node).peek('author:7:list'), books(node).peek('author:7:top')]).toEqual([undefined, undefined])
      expect(books(node).peek('author:8:list')).toBe('first')
      expect(await fleet.until(books(node).read('author:7:top'))).toEqual({ state: 'miss' })
    }
  })

  it('refuses the fill of a load that began before, and is not joined', async () => {
    const { fleet, one, two } = await scene()
    const origin = fleet.origin('first', 100)
    const load = books(one).getOrSet('author:7:list', origin.load)
    await fleet.run(20)
    origin.value = 'second'
    await fleet.until(books(two).invalidatePattern(pattern`author:${7}:*`))
    await fleet.run(10)
    expect(await fleet.until(books(one).getOrSet('author:7:list', origin.load))).toBe('second')
    expect(await fleet.until(load)).toBe('first')
    await fleet.until(one.forebay.settled())
    expect(await fleet.until(books(two).getOrSet('author:7:list', origin.load))).toBe('second')
  })

  it('takes data as data', async () => {
    const { fleet, one } = await scene()
    await fleet.until(books(one).getOrSet('author:7:list', () => 'first'))
    await fleet.until(books(one).invalidatePattern(pattern`author:${'*'}:list`))
    expect(books(one).peek('author:7:list')).toBe('first')
    expect(await fleet.failure(books(one).invalidatePattern('author:*' as never))).toMatchObject({ code: 'E_PATTERN' })
  })

  it('more than a shard remembers become a clear', async () => {
    const { fleet, one, two } = await scene()
    await fleet.until(books(two).getOrSet('b42', () => 'first'))
    for (let i = 0; i < 40; i++) await fleet.until(books(one).invalidatePattern(pattern`author:${i}:*`))
    await fleet.run(10)
    expect(await fleet.until(books(two).read('b42'))).toEqual({ state: 'miss' })
  })
})
