import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { pattern } from '../core/pattern.js'
import { createForebay } from '../create-forebay.js'

async function scene() {
  const fleet = new Fleet()
  const [node] = await fleet.ready('one')
  return { fleet, node }
}

describe('a scoped cache', () => {
  it('keeps one user’s data from another', async () => {
    const { fleet, node } = await scene()
    const orders = node.cache<string>()
    const [ann, bob] = [orders.scoped('ann'), orders.scoped('bob')]
    await fleet.until(ann.getOrSet('last', () => 'of ann'))
    expect(await fleet.until(bob.getOrSet('last', () => 'of bob'))).toBe('of bob')
    expect(await fleet.until(ann.get('last'))).toBe('of ann')
    await fleet.until(ann.invalidate('last'))
    expect(ann.peek('last')).toBeUndefined()
    expect(bob.peek('last')).toBe('of bob')
  })

  it('cannot be reached by a key made to look like it', async () => {
    const { fleet, node } = await scene()
    const orders = node.cache<string>()
    await fleet.until(orders.scoped('ann').set('last', 'of ann'))
    for (const key of ['["ann","last"]', '~j["ann","last"]', 'ann:last', 'annlast'])
      expect(await fleet.until(orders.get(key))).toBeUndefined()
    expect(await fleet.until(orders.scoped('an').get('nlast'))).toBeUndefined()
    await fleet.until(orders.scoped(1).set('x', 'of 1'))
    expect(await fleet.until(orders.scoped('1').get('x'))).toBeUndefined()
  })

  it('shows its loader the key that its caller used', async () => {
    const { fleet, node } = await scene()
    const seen: unknown[] = []
    await fleet.until(
      node
        .cache<string>()
        .scoped({ tenant: 7, user: 'ann' })
        .getOrSet('last', ({ key }) => `${seen.push(key)}`),
    )
    expect(seen).toEqual(['last'])
  })

  it.each([undefined, null, '', Number.NaN, [], {}, { user: undefined }, ['a', '']])('refuses the empty scope %j', async (scope) => {
    const { node } = await scene()
    expect(() => node.cache().scoped(scope as never)).toThrow(expect.objectContaining({ code: 'E_KEY' }))
  })
})

describe('the many verbs of a scoped cache', () => {
  it('read, load and write the keys that the caller has used, in one scope', async () => {
    const { fleet, node } = await scene()
    const orders = node.cache<string>()
    const [ann, bob] = [orders.scoped('ann'), orders.scoped('bob')]
    await fleet.until(
      ann.setMany([
        ['a', 'A'],
        ['b', 'B'],
      ]),
    )
    expect(await fleet.until(ann.getMany(['b', 'c', 'a']))).toEqual(['B', undefined, 'A'])
    expect(await fleet.until(bob.readMany(['a']))).toEqual([{ state: 'miss' }])
    const asked: unknown[] = []
    const load = ({ keys }: { keys: readonly string[] }) => keys.map((key) => [key, `${asked.push(key)}`] as const)
    expect(await fleet.until(ann.getOrSetMany(['a', 'c'], load))).toEqual(['A', '1'])
    expect(asked).toEqual(['c'])
  })

  it('prolong and explain what is in the scope', async () => {
    const { fleet, node } = await scene()
    const [ann, bob] = [node.cache<string>().scoped('ann'), node.cache<string>().scoped('bob')]
    await fleet.until(ann.set('last', 'of ann'))
    expect(await fleet.until(ann.extend('last', { ttl: '2h' }))).toBe(true)
    expect(await fleet.until(bob.extend('last'))).toBe(false)
    expect(await fleet.until(ann.explain('last'))).toMatchObject({ redis: { state: 'fresh' } })
    expect(await fleet.until(bob.explain('last'))).toMatchObject({ memory: undefined, redis: { state: 'none' } })
  })
})

describe('a wrapped function', () => {
  it.each([
    ['no function', 1, { name: 'find' }],
    ['a key that is none', () => 1, { name: 'find', key: 'id' }],
    ['no options', () => 1, undefined],
  ])('refuses %s', async (_, work, options) => {
    const { node } = await scene()
    expect(() => node.forebay.wrap(work as () => number, options as never)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })

  it('is called once for the same arguments', async () => {
    const { fleet, node } = await scene()
    let calls = 0
    const find = node.forebay.wrap(async (id: string, page?: { size: number }) => `${id}/${page?.size ?? 10}/${++calls}`, { name: 'find' })
    expect(await fleet.until(find('b42'))).toBe('b42/10/1')
    expect(await fleet.until(find('b42', undefined))).toBe('b42/10/1')
    expect(await fleet.until(find('b42', { size: 5 }))).toBe('b42/5/2')
    expect(await fleet.until(find.fresh('b42'))).toBe('b42/10/3')
    await fleet.until(find.invalidate('b42'))
    expect(await fleet.until(find('b42'))).toBe('b42/10/4')
    expect(find.cache.name).toBe('find')
  })

  it('tells 1 from "1", and an array from its items', async () => {
    const { fleet, node } = await scene()
    const show = node.forebay.wrap((...args: unknown[]) => JSON.stringify(args), { name: 'show' })
    for (const args of [[1], ['1'], [[1]], [1, 2], [[1, 2]], [null], []]) {
      expect(await fleet.until(show(...args))).toBe(JSON.stringify(args))
    }
  })

  it('refuses arguments that cannot be a key, unless it is told the key', async () => {
    const { node, fleet } = await scene()
    const work = (request: { id: number; log: () => void } | undefined, _n?: number) => request?.id ?? 0
    const plain = node.forebay.wrap(work, { name: 'plain' })
    expect(await fleet.failure(plain(undefined, 1))).toMatchObject({ code: 'E_KEY' })
    expect(await fleet.failure(plain({ id: 1, log: () => {} }))).toMatchObject({ code: 'E_KEY' })
    const keyed = node.forebay.wrap(work, { name: 'keyed', key: (request) => request?.id ?? 0 })
    expect(await fleet.until(keyed({ id: 3, log: () => {} }))).toBe(3)
    expect(keyed.key({ id: 3, log: () => {} })).toBe(3)
  })
})

describe('a loading cache', () => {
  it('loads what is missing', async () => {
    const { fleet, node } = await scene()
    let loads = 0
    const authors = node.forebay.loadingCache('authors', {
      ttl: '1h',
      load: ({ key }: { key: { id: number } }) => `author ${key.id}/${++loads}`,
    })
    expect(await fleet.until(authors.get({ id: 7 }))).toBe('author 7/1')
    expect(authors.peek({ id: 7 })).toBe('author 7/1')
    expect(await fleet.until(authors.fetch({ id: 7 }))).toMatchObject({ tier: 'memory' })
    expect(await fleet.until(authors.refresh({ id: 7 }))).toBe('author 7/2')
    await fleet.until(authors.invalidate({ id: 7 }))
    expect(await fleet.until(authors.cache.get({ id: 7 }))).toBeUndefined()
  })

  it('gets many by one load each, and hears of an error once the others are loaded', async () => {
    const { fleet, node } = await scene()
    const books = node.forebay.loadingCache('books', {
      load: ({ key }: { key: string }) => (key === 'bad' ? Promise.reject(new Error('no such book')) : `book ${key}`),
    })
    expect(await fleet.until(books.getMany(['a', 'b', 'a']))).toEqual(['book a', 'book b', 'book a'])
    expect(await fleet.failure(books.getMany(['bad', 'c']))).toMatchObject({ message: 'no such book' })
    expect(books.peek('c')).toBe('book c')
    expect(await fleet.until(books.warm(['c', 'd']))).toMatchObject({ loaded: 1, present: 1 })
  })

  it('gets and warms many by few calls of its bulk loader', async () => {
    const { fleet, node } = await scene()
    const calls: (readonly string[])[] = []
    const books = node.forebay.loadingCache('books', {
      load: ({ key }: { key: string }) => `one ${key}`,
      loadMany: ({ keys }: { keys: readonly string[] }) => {
        calls.push(keys)
        return keys.filter((key) => key !== 'unknown').map((key) => [key, `of many ${key}`] as const)
      },
    })
    expect(await fleet.until(books.get('a'))).toBe('one a')
    expect(await fleet.until(books.getMany(['a', 'b', 'unknown']))).toEqual(['one a', 'of many b', undefined])
    expect(await fleet.until(books.warm(['b', 'c']))).toMatchObject({ loaded: 1, present: 1 })
    expect(calls).toEqual([['b', 'unknown'], ['c']])
  })

  it('forgets many, and what fits a pattern', async () => {
    const { fleet, node } = await scene()
    const books = node.forebay.loadingCache('books', { load: ({ key }: { key: string }) => key })
    const keys = ['a1', 'a2', 'b1', 'b2']
    await fleet.until(books.getMany(keys))
    await fleet.until(books.deleteMany(['b1', 'b2']))
    expect(keys.map((key) => books.peek(key))).toEqual(['a1', 'a2', undefined, undefined])
    await fleet.until(books.invalidatePattern(pattern`a*`))
    expect(books.peek('a1')).toBeUndefined()
  })

  it('refuses to be made without a loader, or with one that is none', async () => {
    const { node } = await scene()
    expect(() => node.forebay.loadingCache('authors', { load: () => 1, loadMany: 1 } as never)).toThrow(/loadMany is 1/)
    expect(() => node.forebay.loadingCache('authors', {} as never)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})

describe('redactKeys', () => {
  async function keysTold(redactKeys: boolean | ((key: string, cache: string) => string)) {
    await using forebay = createForebay({ service: 'shop', redis: false, defaults: { ttl: '1h' }, redactKeys })
    const keys: string[] = []
    forebay.onAny((event) => void ('key' in event && keys.push(event.key)))
    await forebay.cache('users').getOrSet('ann@example.org', () => 1)
    return new Set(keys)
  }

  it('makes keys unreadable in events, and recognisable', async () => {
    expect(await keysTold(true)).toEqual(new Set([expect.stringMatching(/^[0-9a-f]{12}$/)]))
    expect(await keysTold((key, cache) => `${cache}:${key.length}`)).toEqual(new Set(['users:15']))
    expect(await keysTold(false)).toEqual(new Set(['ann@example.org']))
  })

  it('shows no key where the function fails, and harms nobody', async () => {
    const failing = (): string => {
      throw new Error('not this one')
    }
    expect(await keysTold(failing)).toEqual(new Set(['?']))
    expect(await keysTold(() => undefined as never)).toEqual(new Set(['?']))
  })

  it('refuses what is neither', () => {
    expect(() => createForebay({ service: 'shop', redactKeys: 'yes' as never })).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})
