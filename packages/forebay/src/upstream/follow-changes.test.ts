import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import type { Change, ChangeSource, Feed, Invalidation } from './change.js'
import { type FollowOptions, type Following, followChanges } from './follow-changes.js'

interface Row extends Change {
  readonly says: unknown
}

/** A process with the cache `books`, following rows that say themselves what they make invalid. */
async function open(given: Partial<FollowOptions<Row>> = {}) {
  const fleet = new Fleet()
  const [node] = await fleet.ready('one')
  const books = node.cache<string>({ tags: (title) => [`title:${title}`] })
  const told: { readonly error: unknown; readonly change: Row | undefined }[] = []
  const changes: Following<Row> = followChanges<Row>({
    forebay: node.forebay,
    map: ({ says }) => says as Invalidation[],
    onError: (error, change) => void told.push({ error, change }),
    clock: fleet.clock,
    ...given,
  })
  return { fleet, node, books, told, changes, says: (says: unknown, id?: string): Row => ({ says, id }) }
}

/** Which of these keys are cached after they have been filled and the change delivered. */
async function survivors(row: unknown, keys: readonly string[] = ['b1', 'b2']): Promise<string[]> {
  const { fleet, books, changes, says } = await open()
  for (const key of keys) await fleet.until(books.set(key, `title of ${key}`))
  await fleet.until(changes.deliver(says([row])))
  return keys.filter((key) => books.peek(key) !== undefined)
}

/** The writes that were told, each with what became of it. */
const written = (node: Node) => node.told('write').map(({ what, state }) => `${what} ${state}`)

describe('a change makes invalid', () => {
  it('a key', async () => expect(await survivors({ cache: 'books', key: 'b1' })).toEqual(['b2']))
  it('what has a tag in a cache', async () => expect(await survivors({ cache: 'books', tags: ['title:title of b2'] })).toEqual(['b1']))
  it('what has a tag anywhere', async () => expect(await survivors({ tags: ['title:title of b2'] })).toEqual(['b1']))
  it('a whole cache', async () => expect(await survivors({ cache: 'books', clear: true })).toEqual([]))
  it('nothing, if its list of tags is empty', async () => expect(await survivors({ cache: 'books', tags: [] })).toEqual(['b1', 'b2']))
  it('several things, all of them before it is confirmed', async () => {
    const { fleet, node, changes, says } = await open()
    await fleet.until(changes.deliver(says([{ cache: 'books', key: 'b1' }, { cache: 'books', key: 'b2' }, { tags: ['x'] }])))
    expect(fleet.count('write')).toBe(2)
    expect(written(node)).toEqual(['invalidate acknowledged', 'invalidate acknowledged'])
    expect(changes.stats()).toEqual({ delivered: 1, duplicates: 0, parked: 0, invalidations: 3, retries: 0, underWay: 0 })
  })
})

describe('a change is confirmed', () => {
  it('only when Redis has acknowledged: a queued invalidation is tried again', async () => {
    const { fleet, node, changes, says } = await open()
    node.cutOff()
    let confirmed = false
    const delivery = changes.deliver(says([{ cache: 'books', key: 'b1' }], 'c1')).then(() => {
      confirmed = true
    })
    await fleet.run(20_000)
    expect(confirmed).toBe(false)
    expect(changes.stats()).toMatchObject({ delivered: 0, underWay: 1 })
    expect(changes.stats().retries).toBeGreaterThan(5)
    expect(changes.stats().retries).toBeLessThan(30) // the pauses grow
    node.reconnect()
    await fleet.until(delivery)
    expect(changes.stats()).toMatchObject({ delivered: 1, invalidations: 1, underWay: 0 })
    expect(written(node).at(-1)).toBe('invalidate acknowledged')
  })

  it('once, however often it is delivered', async () => {
    const { fleet, changes, says, books } = await open()
    const row = says([{ cache: 'books', key: 'b1' }], 'c1')
    await fleet.until(changes.deliver(row))
    await fleet.until(books.set('b1', 'Dune'))
    await fleet.until(changes.deliver({ ...row }))
    expect(books.peek('b1')).toBe('Dune')
    expect(changes.stats()).toMatchObject({ delivered: 1, duplicates: 1, invalidations: 1 })
  })

  it('together with its second delivery, if that comes meanwhile', async () => {
    const { fleet, node, changes, says } = await open()
    node.cutOff()
    const row = says([{ cache: 'books', key: 'b1' }], 'c1')
    const both = Promise.all([changes.deliver(row), changes.deliver({ ...row })])
    await fleet.run(1_000)
    expect(changes.stats()).toMatchObject({ delivered: 0, duplicates: 1, underWay: 1 })
    node.reconnect()
    await fleet.until(both)
    expect(changes.stats()).toMatchObject({ delivered: 1, invalidations: 1 })
  })

  it('again, if its id has been forgotten for newer ones, or it has none', async () => {
    const { fleet, changes, says } = await open({ remember: 2 })
    const row = (id?: string) => says([{ cache: 'books', key: 'b1' }], id)
    for (const id of ['c1', 'c2', 'c3', 'c3', 'c2', 'c1', undefined, undefined]) await fleet.until(changes.deliver(row(id)))
    expect(changes.stats()).toMatchObject({ delivered: 6, duplicates: 2 })
  })
})

describe('a change that cannot be used', () => {
  it.each<readonly [string, unknown, string]>([
    ['is no list', 'b1', 'in place of a list'],
    ['is a promise', Promise.resolve([]), 'in place of a list'],
    ['has something else in its list', [null], 'as an invalidation'],
    ['says nothing', [{ cache: 'books' }], 'there are { cache, key }'],
    ['says two things at once', [{ cache: 'books', key: 'b1', tags: ['x'] }], 'there are { cache, key }'],
    ['is misspelt', [{ cache: 'books', tag: 'x' }], 'there are { cache, key }'],
    ['clears and does not', [{ cache: 'books', clear: false }], 'there are { cache, key }'],
    ['has no list of tags', [{ tags: 'author:7' }], 'in place of a list of tags'],
    ['names a cache that is not there', [{ cache: 'boks', key: 'b1' }], 'the cache "boks"'],
    ['names a cache by no name', [{ cache: 7, key: 'b1' }], 'the cache 7'],
  ])('because it %s is parked', async (_, mapped, message) => {
    const { fleet, told, changes, says } = await open()
    const row = says(mapped, 'c1')
    await fleet.until(changes.deliver(row))
    expect(told).toMatchObject([{ error: { code: 'E_CHANGE' }, change: row }])
    expect(String(told[0]?.error)).toContain(message)
    expect(changes.stats()).toMatchObject({ delivered: 0, parked: 1, invalidations: 0, retries: 0, underWay: 0 })
  })

  it.each([
    ['E_KEY', [{ cache: 'books', key: Number.NaN }]],
    ['E_TAG', [{ tags: [''] }]],
  ])('by %s is parked, and the rest of it is done where it can be', async (code, mapped) => {
    const { fleet, told, changes, says } = await open()
    await fleet.until(changes.deliver(says(mapped)))
    expect(told).toMatchObject([{ error: { code } }])
    expect(changes.stats()).toMatchObject({ delivered: 0, parked: 1 })
  })

  it('because map throws is parked with the reason', async () => {
    const cause = new TypeError('no author')
    const { fleet, told, changes, says } = await open({
      map: () => {
        throw cause
      },
    })
    await fleet.until(changes.deliver(says([])))
    expect(told).toMatchObject([{ error: { code: 'E_CHANGE', cause } }])
  })

  it('can be delivered again: it is not remembered', async () => {
    const { fleet, node, told, changes, says } = await open()
    const row = says([{ cache: 'authors', key: 7 }], 'c1')
    await fleet.until(changes.deliver(row))
    node.cache({}, 'authors')
    await fleet.until(changes.deliver(row))
    expect(told).toHaveLength(1)
    expect(changes.stats()).toMatchObject({ delivered: 1, parked: 1, duplicates: 0 })
  })

  it('and cannot be parked is not confirmed', async () => {
    const full = new Error('the dead letters are full')
    const { fleet, changes, says } = await open({ onError: () => Promise.reject(full) })
    expect(await fleet.failure(changes.deliver(says('nonsense', 'c1')))).toBe(full)
    expect(changes.stats()).toMatchObject({ parked: 0, underWay: 0 })
  })
})

describe('following', () => {
  it('sends no more than so many invalidations at once', async () => {
    const { fleet, node, changes, says } = await open({ concurrency: 2 })
    node.cutOff() // each attempt now takes until its deadline
    for (let i = 0; i < 6; i++) changes.deliver(says([{ cache: 'books', key: `b${i}` }])).catch(() => {})
    await fleet.run(400)
    expect(node.forebay.stats().outbox).toBe(0)
    expect(changes.stats()).toMatchObject({ underWay: 6, retries: 0 })
    await fleet.run(200)
    expect(node.forebay.stats().outbox).toBeGreaterThan(0)
    node.reconnect()
    await fleet.until(changes.stop())
  })

  it('stops with what is under way finished, and what is not acknowledged unconfirmed', async () => {
    const { fleet, node, changes, says } = await open()
    const good = changes.deliver(says([{ cache: 'books', key: 'b1' }]))
    const stoppedWell = changes.stop()
    await fleet.until(Promise.all([good, stoppedWell]))
    expect(changes.stats()).toMatchObject({ delivered: 1, underWay: 0 })
    expect(await fleet.failure(changes.deliver(says([])))).toMatchObject({ code: 'E_CLOSED' })

    const later = followChanges<Row>({ forebay: node.forebay, map: ({ says }) => says as Invalidation[], onError() {}, clock: fleet.clock })
    node.cutOff()
    const bad = fleet.failure(later.deliver(says([{ cache: 'books', key: 'b1' }])))
    await fleet.run(5_000)
    const stopped = later.stop()
    expect(await bad).toMatchObject({ code: 'E_CLOSED' })
    await fleet.until(stopped)
    expect(later.stats()).toMatchObject({ delivered: 0, parked: 0, underWay: 0 })
  })

  it('parks nothing because the caches were closed first', async () => {
    const { fleet, node, told, changes, says } = await open()
    await fleet.until(node.forebay.close())
    const row = says([{ cache: 'books', key: 'b1' }], 'c1')
    expect(await fleet.failure(changes.deliver(row))).toMatchObject({ code: 'E_CLOSED' })
    expect(told).toEqual([])
    expect(changes.stats()).toMatchObject({ delivered: 0, parked: 0 })
  })

  it('starts its source, hears of its trouble, and ends it', async () => {
    const trouble = new Error('the database is away')
    let feed: Feed<Row> | undefined
    let ended = 0
    const source: ChangeSource<Row> = {
      start: (given) => {
        feed = given
        return () => void ended++
      },
    }
    const { fleet, told, changes, says } = await open({ source })
    feed?.failed(trouble)
    expect(told).toEqual([{ error: trouble, change: undefined }])
    await fleet.until(Promise.resolve(feed?.deliver(says([{ cache: 'books', key: 'b1' }]))))
    await fleet.until(Promise.all([changes.stop(), changes.stop()]))
    expect(ended).toBe(1)
    expect(changes.stats().delivered).toBe(1)
  })

  it('bears an onError that fails about trouble of the source', async () => {
    const source: ChangeSource<Row> = {
      start: ({ failed }) => {
        failed(new Error('the database is away'))
        return () => {}
      },
    }
    const { fleet, changes } = await open({ source, onError: () => Promise.reject(new Error('nobody listens')) })
    await fleet.until(changes.stop())
  })

  it.each([
    ['map', { map: undefined }],
    ['onError', { onError: undefined }],
    ['concurrency', { concurrency: 0 }],
    ['remember', { remember: 1.5 }],
  ])('refuses a wrong %s', async (name, wrong) => {
    const bad = wrong as unknown as Partial<FollowOptions<Row>>
    await expect(open(bad)).rejects.toMatchObject({ code: 'E_OPTION', message: expect.stringContaining(name) })
  })
})
