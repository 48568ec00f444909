import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { shardOf } from '../core/key.js'
import { doNotStore, entry } from './public.js'

describe('a value', () => {
  it('is loaded on a miss, once; then memory gives it without asking anybody', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache()
    const origin = fleet.origin({ title: 'Dune' })
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', value: { title: 'Dune' }, tier: 'origin' })
    await fleet.until(node.forebay.settled())
    fleet.executed.length = 0
    const startedMs = fleet.clock.now()
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toEqual({ title: 'Dune' })
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ state: 'fresh', tier: 'memory' })
    expect([origin.loads, fleet.executed.length, fleet.clock.now() - startedMs]).toEqual([1, 0, 0])
  })

  it('comes from Redis in another process, by one plain read', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin({ title: 'Dune' })
    await fleet.until(one.cache().getOrSet('b42', origin.load))
    fleet.executed.length = 0
    const found = await fleet.until(two.cache().fetch('b42', origin.load))
    expect(found).toMatchObject({ state: 'fresh', value: { title: 'Dune' }, tier: 'redis' })
    expect(fleet.executed.map(({ act }) => act).filter((act) => act !== 'ask')).toEqual(['get'])
    expect(await fleet.until(two.cache().fetch('b42', origin.load))).toMatchObject({ tier: 'memory' })
    expect(origin.loads).toBe(1)
  })

  it('comes from Redis by a checked read where the process has not proven the shard', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const two = fleet.start('two')
    const origin = fleet.origin('Dune')
    await fleet.until(one.cache().getOrSet('b42', origin.load))
    await fleet.run(10)
    two.links.listen.break()
    const three = fleet.start('three')
    three.links.listen.block('back')
    await fleet.run(10)
    fleet.executed.length = 0
    expect(await fleet.until(three.cache().fetch('b42', origin.load))).toMatchObject({ value: 'Dune', tier: 'redis' })
    expect([fleet.count('check'), fleet.count('get')]).toEqual([1, 0])
  })

  it('is loaded once for all who ask meanwhile', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache()
    const origin = fleet.origin({ title: 'Dune' })
    const all = await fleet.until(Promise.all(Array.from({ length: 5 }, () => books.getOrSet('b42', origin.load))))
    expect(all).toEqual(Array(5).fill({ title: 'Dune' }))
    expect([origin.loads, node.told('join').length, node.told('miss').length]).toEqual([1, 4, 1])
  })

  it('is loaded with the options of the first who asked', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache()
    const origin = fleet.origin('Dune')
    await fleet.until(Promise.all([books.getOrSet('b42', origin.load, { ttl: '1m' }), books.getOrSet('b42', origin.load, { ttl: '1h' })]))
    await fleet.run(61_000)
    await fleet.until(books.getOrSet('b42', origin.load))
    expect(origin.loads).toBe(2)
  })

  it.each([null, undefined, 0, '', false])('may be %j, which is as good as any', async (value) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin(value)
    expect(await fleet.until(one.cache().getOrSet('b42', origin.load))).toBe(value)
    expect(await fleet.until(one.cache().getOrSet('b42', origin.load))).toBe(value)
    expect(await fleet.until(two.cache().getOrSet('b42', origin.load))).toBe(value)
    expect(origin.loads).toBe(1)
    expect(await fleet.until(two.cache().read('b42'))).toMatchObject({ state: 'fresh', value })
    expect(await fleet.until(two.cache().get('b42'))).toBe(value)
    expect(await fleet.until(two.cache().read('b43'))).toEqual({ state: 'miss' })
    expect(await fleet.until(two.cache().get('b43'))).toBeUndefined()
  })

  it('is looked at without a load, and in memory alone', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(one.cache().getOrSet('b42', fleet.origin('Dune').load))
    expect(one.cache().peek('b42')).toBe('Dune')
    expect(two.cache().peek('b42')).toBeUndefined()
    expect(await fleet.until(two.cache().get('b42'))).toBe('Dune')
    expect(two.cache().peek('b42')).toBe('Dune')
  })

  it('is found under a key of any kind, and only under its own', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<string>()
    const keys = ['7', 7, ['7'], { id: 7, lang: 'en' }, 'x'.repeat(2_000)]
    for (const [i, key] of keys.entries()) await fleet.until(books.getOrSet(key, () => `value ${i}`))
    const found = keys.map((key) => books.peek(key))
    expect(found).toEqual(keys.map((_, i) => `value ${i}`))
    expect(books.peek({ lang: 'en', id: 7 })).toBe('value 3')
  })

  it('tells its age, and where it came from', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune', 10)
    expect(await fleet.until(one.cache().fetch('b42', origin.load))).toMatchObject({ tier: 'origin' })
    await fleet.run(1_000)
    const found = await fleet.until(two.cache().read('b42'))
    expect(found.state !== 'miss' && found.ageMs).toBeGreaterThan(990)
    expect(found.state !== 'miss' && found.ageMs).toBeLessThan(1_030)
  })
})

describe('the life of a value', () => {
  it('ends with its ttl, in memory and in Redis', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune')
    await fleet.until(one.cache({ ttl: '10s' }).getOrSet('b42', origin.load))
    await fleet.run(9_900)
    expect(await fleet.until(one.cache().fetch('b42', origin.load))).toMatchObject({ tier: 'memory' })
    expect(await fleet.until(two.cache({ ttl: '10s' }).fetch('b42', origin.load))).toMatchObject({ tier: 'redis' })
    await fleet.run(110)
    expect(one.cache().peek('b42')).toBeUndefined()
    expect(two.cache().peek('b42')).toBeUndefined()
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('is the call’s where the call says so, and the loader’s where the loader does', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<string>({ ttl: '1h' })
    await fleet.until(books.getOrSet('a', () => 'by call', { ttl: '10s' }))
    await fleet.until(books.getOrSet('b', () => entry('by loader', { ttl: '5s' }), { ttl: '10s' }))
    await fleet.run(5_100)
    expect([books.peek('a'), books.peek('b')]).toEqual(['by call', undefined])
    await fleet.run(5_000)
    expect(books.peek('a')).toBeUndefined()
  })

  it('is not begun where the loader says doNotStore', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<string>()
    let loads = 0
    const load = () => doNotStore(`load ${++loads}`)
    expect(await fleet.until(books.fetch('b42', load))).toMatchObject({ value: 'load 1', tier: 'origin' })
    expect(await fleet.until(books.fetch('b42', load))).toMatchObject({ value: 'load 2', tier: 'origin' })
    expect(node.told('fill-refused').map(({ why }) => why)).toEqual(['asked', 'asked'])
    expect(fleet.count('fill')).toBe(0)
  })

  it('begins anew where a caller asks for a fresh load', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('first')
    await fleet.until(one.cache().getOrSet('b42', origin.load))
    origin.value = 'second'
    expect(await fleet.until(one.cache().fetch('b42', origin.load, { fresh: true }))).toMatchObject({ value: 'second', tier: 'origin' })
    expect(await fleet.until(one.cache().fetch('b42', origin.load))).toMatchObject({ value: 'second', tier: 'memory' })
    expect(await fleet.until(two.cache().fetch('b42', origin.load))).toMatchObject({ value: 'second', tier: 'redis' })
  })

  it('begins anew for a fresh load even while another load runs, whose value is then not stored', async () => {
    const fleet = new Fleet()
    const [one] = await fleet.ready('one')
    const origin = fleet.origin('first', 100)
    const before = one.cache().getOrSet('b42', origin.load)
    await fleet.run(50)
    origin.value = 'second'
    const fresh = one.cache().getOrSet('b42', origin.load, { fresh: true })
    expect(await fleet.until(Promise.all([before, fresh]))).toEqual(['first', 'second'])
    await fleet.until(one.forebay.settled())
    expect(one.cache().peek('b42')).toBe('second')
    expect(await fleet.until(one.cache().get('b42'))).toBe('second')
  })
})

describe('what comes back', () => {
  it('is frozen, and the first caller gets what a later hit gets', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const load = () => ({ title: 'Dune', authors: [{ name: 'Herbert' }], gone: undefined })
    const first = await fleet.until(one.cache<ReturnType<typeof load>>().getOrSet('b42', load))
    expect(Object.keys(first)).toEqual(['title', 'authors', 'gone'])
    expect([first, first.authors, first.authors[0]].every(Object.isFrozen)).toBe(true)
    expect(one.cache().peek('b42')).toBe(first)
    const other = await fleet.until(two.cache<ReturnType<typeof load>>().getOrSet('b42', load))
    expect(other).toEqual(first)
    expect([other, other.authors, other.authors[0]].every(Object.isFrozen)).toBe(true)
  })

  it('does not change with what the loader still holds', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const mine = { count: 1 }
    await fleet.until(node.cache().getOrSet('b42', () => mine))
    mine.count = 2
    expect(Object.isFrozen(mine)).toBe(false)
    expect(node.cache().peek('b42')).toEqual({ count: 1 })
  })
})

describe('a load that fails', () => {
  it('rejects all who wait with its own error, and the next caller loads at once', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const origin = fleet.origin('Dune')
    const outage = new Error('no database')
    origin.broken = outage
    const waiting = [one.cache().getOrSet('b42', origin.load), one.cache().getOrSet('b42', origin.load)]
    expect(await fleet.until(Promise.allSettled(waiting))).toEqual(Array(2).fill({ status: 'rejected', reason: outage }))
    expect(origin.loads).toBe(1)
    origin.broken = undefined
    const startedMs = fleet.clock.now()
    expect(await fleet.until(two.cache().getOrSet('b42', origin.load))).toBe('Dune')
    expect(fleet.clock.now() - startedMs).toBeLessThan(30)
    expect(one.told('load-error')).toMatchObject([{ error: outage, key: 'b42' }])
  })

  it('by throwing at once is like one that rejects', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const thrown = new TypeError('book is not defined')
    const load = (): string => {
      throw thrown
    }
    expect(await fleet.failure(node.cache().getOrSet('b42', load))).toBe(thrown)
    expect(await fleet.until(node.cache<string>().getOrSet('b42', () => 'Dune'))).toBe('Dune')
  })

  it.each([
    ['holds what cannot be stored', () => ({ at: [new WeakSet()] }), 'E_VALUE_UNSUPPORTED: value.at[0] is an instance of WeakSet'],
    ['is too large', () => 'x'.repeat(100), "E_VALUE_TOO_LARGE: a value of cache 'books' has 102 bytes; maxValueBytes is 100"],
    ['has tags that are none', () => entry('x', { tags: [''] }), 'E_TAG: a tag is ""'],
    ['has no life', () => entry('x', { ttl: 0 }), 'E_OPTION: ttl is 0'],
  ])('because its value %s says so, and gives its lease back', async (_, load, message) => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    expect(await fleet.failure(one.cache<unknown>({ maxValueBytes: 100 }).getOrSet('b42', load))).toMatchObject({
      message: expect.stringContaining(message),
    })
    const startedMs = fleet.clock.now()
    expect(await fleet.until(two.cache<string>().getOrSet('b42', () => 'Dune'))).toBe('Dune')
    expect(fleet.clock.now() - startedMs).toBeLessThan(30)
  })

  it('because of a key that is none never begins', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('Dune')
    for (const key of [Number.NaN, '\ud800', ['\ud800']]) {
      expect(await fleet.failure(node.cache().getOrSet(key, origin.load))).toMatchObject({ code: 'E_KEY' })
    }
    expect(() => node.cache().peek(Number.NaN)).toThrow('E_KEY')
    expect(origin.loads).toBe(0)
  })
})

describe('an entry in Redis that cannot be read', () => {
  it('is told, and loaded anew', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const at = { shard: shardOf('books', 'b42', 4), cache: 'books', version: '', key: 'b42' }
    const spans = { freshMs: 60_000, staleMs: 0, errorMs: 0, keepMs: 0, extendMs: 0, costMs: 0 }
    const value = { payload: Buffer.from('{"title":'), codec: 0, tags: [], ...spans, version: 0 }
    fleet.group.primary.twin.write(
      at,
      { kind: 'set', nonce: 'foreign', newInc: 'inc', value, lease: undefined },
      fleet.group.primary.nowMs(),
    )
    await fleet.run(10)
    expect(await fleet.until(node.cache().fetch('b42', fleet.origin('Dune').load))).toMatchObject({ value: 'Dune', tier: 'origin' })
    expect(node.told('corrupt')).toContainEqual({ type: 'corrupt', cache: 'books', key: 'b42', why: 'value' })
    expect(await fleet.until(node.cache().fetch('b42', fleet.origin('other').load))).toMatchObject({ value: 'Dune', tier: 'memory' })
  })
})

describe('memory', () => {
  it('can be done without', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache({ memory: false })
    const origin = fleet.origin('Dune')
    await fleet.until(books.getOrSet('b42', origin.load))
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ tier: 'redis' })
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ tier: 'redis' })
    expect(books.stats()).toMatchObject({ memory: { entries: 0, bytes: 0 }, hits: { memory: 0, redis: 2 }, evictions: 0 })
  })

  it('is bounded, and what is evicted is told', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache<number>({ memory: { maxEntries: 3 } })
    for (let i = 0; i < 5; i++) await fleet.until(books.getOrSet(`b${i}`, () => i))
    expect(books.stats().memory.entries).toBe(3)
    await fleet.run(1_000)
    expect(node.told('evict')).toEqual([{ type: 'evict', cache: 'books', entries: 2 }])
    expect(books.stats().evictions).toBe(2)
    expect(await fleet.until(books.fetch('b0', () => -1))).toMatchObject({ value: 0, tier: 'redis' })
  })
})
