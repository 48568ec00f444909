import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import type { Cache } from './public.js'

const recursive = expect.objectContaining({ code: 'E_LOAD_RECURSIVE' })

async function scene(followsLoads = true) {
  const fleet = new Fleet()
  const node = fleet.start('one', { followsLoads })
  await fleet.until(node.forebay.ready())
  const books: Cache<unknown> = node.cache()
  /** How a read ends, and after how long. */
  const ending = async (work: () => Promise<unknown>) => {
    const beganMs = fleet.clock.now()
    const error = await fleet.failure(work())
    return { error, ms: fleet.clock.now() - beganMs }
  }
  return { fleet, node, books, ending }
}

describe('a loader that asks for its own key', () => {
  it('is refused at once, wherever it asks', async () => {
    const { fleet, books, ending } = await scene()
    const load = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSet('b42', load)
    }
    const { error, ms } = await ending(() => books.getOrSet('b42', load))
    expect(error).toEqual(recursive)
    expect((error as Error).message).toContain("a loader of cache 'books' asks for the key that it loads: it would wait for itself")
    expect(ms).toBeLessThan(100)
  })

  it('may go on without', async () => {
    const { fleet, books } = await scene()
    const load = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSet('b42', load).catch(() => 'Dune')
    }
    expect(await fleet.until(books.getOrSet('b42', load))).toBe('Dune')
    expect(books.peek('b42')).toBe('Dune')
  })

  it('is refused by way of other keys and caches, and told of these', async () => {
    const { fleet, node, books, ending } = await scene()
    const authors = node.cache<unknown>(undefined, 'authors')
    const book = async (): Promise<unknown> => authors.getOrSet('a7', author)
    const author = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSet('b42', book)
    }
    const { error, ms } = await ending(() => books.getOrSet('b42', book))
    expect(error).toEqual(recursive)
    expect((error as Error).message).toContain("by way of a loader of 'authors'")
    expect(ms).toBeLessThan(100)
  })

  it('is refused where it is loaded for many, and where it asks for many', async () => {
    const { fleet, books, ending } = await scene()
    const loadMany = async (): Promise<Map<string, unknown>> => {
      await fleet.sleep(5)
      return new Map([['b1', await books.getOrSet('b2', () => 'never')]])
    }
    expect((await ending(() => books.getOrSetMany(['b1', 'b2'], loadMany))).error).toEqual(recursive)
    const load = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSetMany(['b7', 'b42'], () => new Map())
    }
    const { error, ms } = await ending(() => books.getOrSet('b42', load))
    expect(error).toEqual(recursive)
    expect(ms).toBeLessThan(100)
  })

  it('is refused where it would wait for its own lease', async () => {
    const { fleet, books, ending } = await scene()
    const load = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSet('b42', load, { mustRevalidate: true })
    }
    const { error, ms } = await ending(() => books.getOrSet('b42', load))
    expect(error).toEqual(recursive)
    expect(ms).toBeLessThan(100)
  })

  it('is refused where the cache is off, before it asks again and again', async () => {
    const { fleet, books, ending } = await scene()
    books.control({ mode: 'off' })
    let loads = 0
    const load = async (): Promise<unknown> => {
      loads++
      await fleet.sleep(5)
      return books.getOrSet('b42', load)
    }
    expect((await ending(() => books.getOrSet('b42', load))).error).toEqual(recursive)
    expect(loads).toBe(1)
  })

  it('is refused while Redis is away', async () => {
    const { fleet, books, ending } = await scene()
    fleet.group.primary.stop()
    const load = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSet('b42', load)
    }
    expect((await ending(() => books.getOrSet('b42', load))).error).toEqual(recursive)
  })

  it('is not covered up by an old value', async () => {
    const { fleet, node, ending } = await scene()
    const books = node.cache<unknown>({ ttl: '1s', staleIfError: '1h' }, 'short')
    await fleet.until(books.getOrSet('b42', () => 'Dune'))
    await fleet.run(2_000)
    const load = async (): Promise<unknown> => books.getOrSet('b42', load)
    expect((await ending(() => books.getOrSet('b42', load))).error).toEqual(recursive)
  })

  it('is refused before its first await even where contexts are too dear to follow it further', async () => {
    const { fleet, node, books, ending } = await scene(false)
    const load = async (): Promise<unknown> => books.getOrSet('b42', load)
    const { error, ms } = await ending(() => books.getOrSet('b42', load))
    expect(error).toEqual(recursive)
    expect(ms).toBeLessThan(100)
    const late = async (): Promise<unknown> => {
      await fleet.sleep(5)
      return books.getOrSet('b43', late)
    }
    expect((await ending(() => books.getOrSet('b43', late))).error).toMatchObject({ code: 'E_LOAD_TIMEOUT' })
    node.forebay.withToken(undefined, () => {})
    expect((await ending(() => books.getOrSet('b43', late))).error).toEqual(recursive)
  })
})

describe('a loader that asks for other keys', () => {
  it('joins their loads, and others join its own', async () => {
    const { fleet, books } = await scene()
    const author = () => fleet.sleep(20).then(() => 'Herbert')
    const book = async () => `Dune by ${await books.getOrSet('a7', author)}`
    const reads = [books.getOrSet('a7', author), books.getOrSet('b42', book), books.getOrSet('b42', book)]
    expect(await fleet.until(Promise.all(reads))).toEqual(['Herbert', 'Dune by Herbert', 'Dune by Herbert'])
    expect(books.stats()).toMatchObject({ loads: 2, joins: 2 })
  })

  it('leaves nothing behind: what it started may ask for its key once it has ended', async () => {
    const { fleet, books } = await scene()
    let later: Promise<unknown> | undefined
    const load = async () => {
      later = fleet.sleep(50).then(() => books.getOrSet('b42', () => 'second', { fresh: true }))
      return 'first'
    }
    expect(await fleet.until(books.getOrSet('b42', load))).toBe('first')
    await fleet.run(100)
    expect(await later).toBe('second')
  })

  it('may find an old value, whose refresh is none of its own', async () => {
    const { fleet, node } = await scene()
    const books = node.cache<unknown>({ ttl: '1s', staleWhileRevalidate: '1h' }, 'short')
    await fleet.until(books.getOrSet('a7', () => 'Herbert'))
    await fleet.run(2_000)
    const author = async () => `of ${await books.getOrSet('b42', () => 'another')}`
    const book = async () => {
      const found = await books.getOrSet('a7', author)
      await fleet.sleep(20)
      return `Dune by ${found}`
    }
    expect(await fleet.until(books.getOrSet('b42', book))).toBe('Dune by Herbert')
    await fleet.run(100)
    expect(books.peek('a7')).toBe('of Dune by Herbert')
  })
})
