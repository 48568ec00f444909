import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import type { FarStore } from '../core/far-store.js'
import type { WriteResult } from './public.js'
import { mostLoadsPerKey } from '../core/plan.js'

type Book = { readonly title: string; readonly author: number }
const tags = (book: Book) => [`author:${book.author}`]
const dune: Book = { title: 'Dune', author: 7 }
const emma: Book = { title: 'Emma', author: 8 }
const books = (node: Node, name = 'books') => node.cache<Book>({ tags }, name)

/** Both processes hold both books in memory. */
async function library(...caches: readonly string[]) {
  const fleet = new Fleet()
  const nodes = await fleet.ready('one', 'two')
  for (const name of caches.length > 0 ? caches : ['books']) {
    for (const node of nodes) {
      await fleet.until(books(node, name).getOrSet('dune', () => dune))
      await fleet.until(books(node, name).getOrSet('emma', () => emma))
    }
  }
  await fleet.run(10)
  return { fleet, one: nodes[0], two: nodes[1] }
}

const held = (node: Node, name = 'books') => ['dune', 'emma'].filter((key) => books(node, name).peek(key) !== undefined)

describe('an invalidation', () => {
  it('drops one value everywhere, as soon as the notice can be there, and the next reader loads', async () => {
    const { fleet, one, two } = await library()
    expect(await fleet.until(books(one).invalidate('dune'))).toEqual({ state: 'acknowledged', token: expect.stringMatching(/^fbt1\./) })
    expect(held(one)).toEqual(['emma'])
    await fleet.run(2)
    expect(held(two)).toEqual(['emma'])
    const origin = fleet.origin<Book>({ title: 'Dune Messiah', author: 7 })
    expect(await fleet.until(books(two).getOrSet('dune', origin.load))).toEqual(origin.value)
    expect(await fleet.until(books(one).getOrSet('dune', origin.load))).toEqual(origin.value)
    expect(origin.loads).toBe(1)
  })

  it('by delete is the same', async () => {
    const { fleet, one, two } = await library()
    await fleet.until(books(one).delete('dune'))
    await fleet.run(2)
    expect([held(one), held(two)]).toEqual([['emma'], ['emma']])
  })

  it('acts at once in its own process, before it is acknowledged', async () => {
    const { fleet, one } = await library()
    const invalidated = books(one).invalidate('dune')
    expect(held(one)).toEqual(['emma'])
    await fleet.until(invalidated)
  })

  it('of a tag drops what has it, in its cache only', async () => {
    const { fleet, one, two } = await library('books', 'films')
    await fleet.until(books(one).invalidateTags(['author:7', 'author:9']))
    await fleet.run(2)
    for (const node of [one, two]) expect([held(node), held(node, 'films')]).toEqual([['emma'], ['dune', 'emma']])
    expect(await fleet.until(books(two).read('dune'))).toEqual({ state: 'miss' })
    expect(await fleet.until(books(two, 'films').read('dune'))).toMatchObject({ state: 'fresh' })
  })

  it('of no tags at all concerns nothing', async () => {
    const { fleet, one, two } = await library()
    expect(await fleet.until(books(one).invalidateTags([]))).toMatchObject({ state: 'acknowledged' })
    expect(await fleet.until(one.forebay.invalidateTags([]))).toMatchObject({ state: 'acknowledged' })
    await fleet.run(10)
    expect([held(one), held(two)]).toEqual([
      ['dune', 'emma'],
      ['dune', 'emma'],
    ])
    expect(await fleet.until(books(one).read('dune'))).toMatchObject({ state: 'fresh' })
  })

  it('of a tag in the whole service drops what has it in every cache', async () => {
    const { fleet, one, two } = await library('books', 'films')
    await fleet.until(one.forebay.invalidateTags(['author:7']))
    await fleet.run(2)
    for (const node of [one, two]) expect([held(node), held(node, 'films')]).toEqual([['emma'], ['emma']])
  })

  it('of a tag binds what is only in Redis too', async () => {
    const { fleet, one } = await library()
    await fleet.until(books(one).invalidateTags(['author:7']))
    const [three] = await fleet.ready('three')
    expect(await fleet.until(books(three).read('dune'))).toEqual({ state: 'miss' })
    expect(await fleet.until(books(three).read('emma'))).toMatchObject({ state: 'fresh', tier: 'redis' })
  })

  it('of a tag is known to who has heard it: one plain read suffices to refuse what Redis still has', async () => {
    const { fleet, one, two } = await library()
    await fleet.until(books(one).invalidateTags(['author:7']))
    await fleet.run(2)
    fleet.executed.length = 0
    expect(await fleet.until(books(two).read('dune'))).toEqual({ state: 'miss' })
    expect(fleet.executed.map(({ act }) => act)).toEqual(['get'])
  })

  it('of everything in a cache leaves the other caches alone', async () => {
    const { fleet, one, two } = await library('books', 'films')
    await fleet.until(books(one).clear())
    await fleet.run(2)
    for (const node of [one, two]) expect([held(node), held(node, 'films')]).toEqual([[], ['dune', 'emma']])
    expect(await fleet.until(books(two).read('emma'))).toEqual({ state: 'miss' })
  })

  it('of everything in the service leaves nothing', async () => {
    const { fleet, one, two } = await library('books', 'films')
    await fleet.until(one.forebay.clear())
    await fleet.run(2)
    for (const node of [one, two]) expect([held(node), held(node, 'films')]).toEqual([[], []])
    expect(await fleet.until(books(two, 'films').read('emma'))).toEqual({ state: 'miss' })
  })

  it('does not concern what is loaded after it', async () => {
    const { fleet, one, two } = await library()
    await fleet.until(books(one).invalidateTags(['author:7']))
    await fleet.until(books(one).clear())
    await fleet.until(books(one).getOrSet('dune', () => dune))
    await fleet.run(1_000)
    expect(held(one)).toEqual(['dune'])
    expect(await fleet.until(books(two).read('dune'))).toMatchObject({ state: 'fresh', tier: 'redis' })
  })

  it('refuses tags that are none', async () => {
    const { fleet, one } = await library()
    expect(await fleet.failure(books(one).invalidateTags(['']))).toMatchObject({ code: 'E_TAG' })
    expect(await fleet.failure(one.forebay.invalidateTags(['x'.repeat(300)]))).toMatchObject({ code: 'E_TAG' })
  })
})

describe('a value that is set', () => {
  it('is in the memory of its process, and found by the others, who drop what they had', async () => {
    const { fleet, one, two } = await library()
    const messiah: Book = { title: 'Dune Messiah', author: 7 }
    expect(await fleet.until(books(one).set('dune', messiah))).toMatchObject({ state: 'acknowledged' })
    expect(books(one).peek('dune')).toEqual(messiah)
    await fleet.run(2)
    expect(books(two).peek('dune')).toBeUndefined()
    expect(await fleet.until(books(two).fetch('dune', () => dune))).toMatchObject({ value: messiah, tier: 'redis' })
    await fleet.run(1_000)
    expect(books(one).peek('dune')).toEqual(messiah)
  })

  it('has its cache’s tags and life, or those that the call says', async () => {
    const { fleet, one } = await library()
    await fleet.until(books(one).set('a', dune))
    await fleet.until(books(one).set('b', dune, { tags: ['other'] }))
    await fleet.until(books(one).set('c', emma, { ttl: '10s' }))
    await fleet.until(books(one).invalidateTags(['author:7']))
    expect([books(one).peek('a'), books(one).peek('b'), books(one).peek('c')]).toEqual([undefined, dune, emma])
    await fleet.run(10_100)
    expect(books(one).peek('c')).toBeUndefined()
  })

  it('stays, though a load that began before ends later', async () => {
    const { fleet, one, two } = await library()
    await fleet.until(books(one).invalidate('dune'))
    const origin = fleet.origin(dune, 100)
    const before = [books(one).getOrSet('dune', origin.load), books(two).getOrSet('dune', origin.load)]
    await fleet.run(50)
    await fleet.until(books(two).set('dune', emma))
    expect(await fleet.until(before[0] ?? Promise.reject(new Error('no load')))).toEqual(dune)
    await fleet.until(Promise.all(before))
    await fleet.run(100)
    for (const node of [one, two]) expect(await fleet.until(books(node).get('dune'))).toEqual(emma)
  })

  it('is the last one executed, where two set at once', async () => {
    const { fleet, one, two } = await library()
    await fleet.until(Promise.all([books(one).set('dune', dune), books(two).set('dune', emma)]))
    await fleet.run(10)
    const seen = [await fleet.until(books(one).get('dune')), await fleet.until(books(two).get('dune'))]
    expect(seen[0]).toEqual(seen[1])
  })

  it('that cannot be stored is refused, and what was there stays', async () => {
    const { fleet, one } = await library()
    expect(await fleet.failure(one.cache<unknown>({ tags: [] }, 'any').set('x', new WeakMap()))).toMatchObject({
      code: 'E_VALUE_UNSUPPORTED',
    })
    expect(await fleet.failure(books(one).set('dune', dune, { ttl: -1 }))).toMatchObject({ code: 'E_OPTION' })
    expect(held(one)).toEqual(['dune', 'emma'])
  })
})

describe('a load that a fence overtakes', () => {
  const fences: readonly [string, (node: Node) => Promise<WriteResult>][] = [
    ['an invalidation', (node) => books(node).invalidate('dune')],
    ['its tag', (node) => books(node).invalidateTags(['author:7'])],
    ['its tag in the service', (node) => node.forebay.invalidateTags(['author:7'])],
    ['a clear', (node) => books(node).clear()],
    ['a clear of the service', (node) => node.forebay.clear()],
    ['a mark', (node) => books(node).markStale('dune')],
  ]
  const places = ['its own process', 'another process'] as const

  it.each(fences.flatMap(([what, fence]) => places.map((place) => [what, place, fence] as const)))(
    'by %s from %s gives its value to its callers and is kept nowhere; the next reader loads anew',
    async (_, place, fence) => {
      const fleet = new Fleet()
      const [one, two] = await fleet.ready('one', 'two')
      const origin = fleet.origin<Book>(dune, 100)
      const before = books(one).getOrSet('dune', origin.load)
      await fleet.run(50)
      origin.value = { title: 'Dune Messiah', author: 7 }
      await fleet.until(fence(place === 'its own process' ? one : two))
      await fleet.run(2)
      const after = books(one).getOrSet('dune', origin.load)
      expect(await fleet.until(before)).toEqual(dune)
      expect(await fleet.until(after)).toEqual(origin.value)
      await fleet.until(one.forebay.settled())
      for (const node of [one, two]) expect(await fleet.until(books(node).get('dune'))).toEqual(origin.value)
      expect(origin.loads).toBe(2)
    },
  )

  it('by another tag or key is kept', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const loading = books(one).getOrSet('dune', fleet.origin<Book>(dune, 100).load)
    await fleet.run(50)
    await fleet.until(books(two).invalidateTags(['author:8']))
    await fleet.until(books(two).invalidate('emma'))
    await fleet.until(books(one).invalidateTags(['author:8']))
    await fleet.until(loading)
    await fleet.until(one.forebay.settled())
    expect(held(one)).toEqual(['dune'])
  })

  it('runs beside two more of its key at most', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin(0, 1_000)
    const callers: Promise<unknown>[] = []
    for (let i = 1; i <= 8; i++) {
      callers.push(node.cache().getOrSet('b42', origin.load))
      await fleet.run(20)
      origin.value = i
      await fleet.until(node.cache().invalidate('b42'))
    }
    callers.push(node.cache().getOrSet('b42', origin.load), node.cache().getOrSet('b42', origin.load))
    const got = await fleet.until(Promise.all(callers))
    expect(got.slice(0, 3)).toEqual([0, 1, 2])
    expect(got.slice(3)).toEqual(Array(7).fill(8))
    expect(origin.mostRunning).toBe(mostLoadsPerKey)
    expect(node.cache().peek('b42')).toBe(8)
  })
})

describe('a read that a fence overtakes', () => {
  it('after its call, and before it is executed, is not kept', async () => {
    const fleet = new Fleet()
    const slowWrites = (far: FarStore): FarStore => ({
      ...far,
      shards: far.shards,
      write: (at, request) => fleet.sleep(50).then(() => far.write(at, request)),
    })
    const node = fleet.start('one', { wrap: slowWrites })
    await fleet.until(node.forebay.ready())
    await fleet.until(books(node).getOrSet('dune', () => dune))
    await fleet.run(10)
    const invalidated = books(node).invalidate('dune')
    await fleet.run(10)
    expect(await fleet.until(books(node).fetch('dune', () => emma))).toMatchObject({ value: dune, tier: 'redis' })
    await fleet.until(invalidated)
    expect(held(node)).toEqual([])
    expect(await fleet.until(books(node).getOrSet('dune', () => emma))).toEqual(emma)
  })

  it('from Redis is not kept', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(books(one).getOrSet('dune', () => dune))
    const read = books(two).get('dune')
    await fleet.run(1.5)
    const invalidated = books(two).invalidate('dune')
    expect(await fleet.until(read)).toEqual(dune)
    await fleet.until(invalidated)
    expect(held(two)).toEqual([])
  })

  it('from Redis is not joined', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(books(one).getOrSet('dune', () => dune))
    const origin = fleet.origin<Book>(emma)
    const before = books(two).getOrSet('dune', origin.load)
    await fleet.run(1.5)
    const invalidated = books(two).invalidate('dune')
    const after = books(two).getOrSet('dune', origin.load)
    expect(await fleet.until(before)).toEqual(dune)
    expect(await fleet.until(after)).toEqual(emma)
    await fleet.until(invalidated)
  })
})

describe('a read that a forced load overtakes', () => {
  it('brings its caller the old value, and leaves the newer one in memory', async () => {
    const fleet = new Fleet()
    let waitMs = 0
    const slowReplies = (far: FarStore): FarStore => ({
      ...far,
      shards: far.shards,
      get: (at) => {
        const ms = waitMs
        const bytes = far.get(at)
        return ms === 0 ? bytes : bytes.then((brought) => fleet.sleep(ms).then(() => brought))
      },
    })
    const one = fleet.start('one', { wrap: slowReplies })
    const [two] = await fleet.ready('two')
    await fleet.until(one.forebay.ready())
    await fleet.until(books(two).getOrSet('dune', () => dune))
    await fleet.run(100)
    waitMs = 80
    const read = books(one).get('dune')
    await fleet.run(5)
    waitMs = 0
    expect(await fleet.until(books(one).getOrSet('dune', () => emma, { fresh: true }))).toEqual(emma)
    await fleet.run(5)
    expect(books(one).peek('dune')).toEqual(emma)
    expect(await fleet.until(read)).toEqual(dune)
    expect(books(one).peek('dune')).toEqual(emma)
  })

  it('is overtaken also where the clock of the server has been set back since the old value was stored', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.until(books(two).getOrSet('dune', () => dune))
    fleet.group.primary.shiftClock(-60_000)
    await fleet.run(3_000)
    expect(await fleet.until(books(one).get('dune'))).toEqual(dune)
    expect(await fleet.until(books(one).getOrSet('dune', () => emma, { fresh: true }))).toEqual(emma)
    await fleet.until(one.forebay.settled())
    expect(books(one).peek('dune')).toEqual(emma)
  })
})
