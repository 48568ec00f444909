import { describe, expect, expectTypeOf, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import type { Schema, SchemaResult } from '../core/schema.js'

interface Book {
  readonly title: string
  readonly pages: number
}

function schemaOf<Out>(validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>): Schema<Out> {
  return { '~standard': { version: 1, vendor: 'own', validate } }
}

/** Takes pages as text too, fills in what is missing, and leaves out what it does not know. */
const bookSchema = schemaOf<Book>((value) => {
  const { title, pages = 0 } = (value ?? {}) as Record<string, unknown>
  if (typeof title !== 'string') return { issues: [{ message: 'a title is text', path: ['title'] }] }
  if (!Number.isInteger(Number(pages))) return { issues: [{ message: 'pages are counted', path: [{ key: 'pages' }] }, { message: 'more' }] }
  return { value: { title, pages: Number(pages) } }
})

async function stage() {
  const fleet = new Fleet()
  const [old, node] = await fleet.ready('old', 'new')
  return { fleet, old: old.cache<unknown>({ memory: false }), node }
}

describe('on the way in', () => {
  it('a value becomes what the schema makes of it, for the first caller as for the next', async () => {
    const { fleet, node } = await stage()
    const books = node.cache({ schema: bookSchema })
    const raw = { title: 'Emma', pages: '474', draft: true } as unknown as Book
    const emma = { title: 'Emma', pages: 474 }
    expect(await fleet.until(books.getOrSet('b42', () => raw))).toEqual(emma)
    expect(await fleet.until(books.getOrSet('b42', () => raw))).toEqual(emma)
    await fleet.until(books.set('b43', raw))
    expect(books.peek('b43')).toEqual(emma)
    await fleet.until(books.update('b44', () => raw))
    expect(books.peek('b44')).toEqual(emma)
  })

  it('one that does not fit is refused, and nothing is stored', async () => {
    const { fleet, node } = await stage()
    const books = node.cache({ schema: bookSchema, staleIfError: '1h' })
    const wrong = { title: 7 } as unknown as Book
    const message = "E_VALUE_SCHEMA: cache 'books': the schema does not take a value: value.title: a title is text"
    expect(await fleet.failure(books.getOrSet('b42', () => wrong))).toMatchObject({ code: 'E_VALUE_SCHEMA', message })
    expect(await fleet.failure(books.set('b42', wrong))).toMatchObject({ code: 'E_VALUE_SCHEMA' })
    const two = { title: 'Emma', pages: 'many' } as unknown as Book
    expect(String(await fleet.failure(books.set('b42', two)))).toContain('value.pages: pages are counted (and 1 more)')
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
  })

  it('a schema that waits is refused', async () => {
    const { fleet, node } = await stage()
    const books = node.cache<Book>({ schema: schemaOf<Book>(async () => ({ issues: [{ message: 'later' }] })) })
    expect(String(await fleet.failure(books.set('b42', { title: 'Emma', pages: 1 })))).toContain('answers with a promise')
  })

  it.each([
    [
      'does not take its own results',
      schemaOf<unknown>((value) => (value === 'x' ? { value: 1 } : { issues: [{ message: 'x only' }] })),
      'x only',
    ],
    ['alters its own results', schemaOf<unknown>((value) => ({ value: `${value}!` })), 'alters what it has made'],
    [
      'throws',
      schemaOf<unknown>(() => {
        throw new RangeError('of its own')
      }),
      'it threw RangeError',
    ],
  ])('a schema that %s is refused', async (_, schema, words) => {
    const { fleet, node } = await stage()
    const error = await fleet.failure(node.cache({ schema }).set('b42', 'x'))
    expect(error).toMatchObject({ code: 'E_VALUE_SCHEMA' })
    expect(String(error)).toContain(words)
  })
})

describe('on the way out of Redis', () => {
  it('a value is checked in full, and becomes what the schema makes of it', async () => {
    const { fleet, old, node } = await stage()
    await fleet.until(old.set('b42', { title: 'Emma', isbn: 'x' }))
    const books = node.cache({ schema: bookSchema })
    expect(await fleet.until(books.read('b42'))).toMatchObject({ tier: 'redis', value: { title: 'Emma', pages: 0 } })
    expect(books.stats().schemaMismatches).toBe(0)
  })

  it('one that does not fit is a miss, counted once, and loaded anew', async () => {
    const { fleet, old, node } = await stage()
    await fleet.until(old.set('b42', { name: 'Emma' }))
    const books = node.cache({ schema: bookSchema })
    const seen: unknown[] = []
    const load = ({ previous }: { previous: unknown }): Book => {
      seen.push(previous)
      return { title: 'Emma', pages: 474 }
    }
    expect(await fleet.until(books.fetch('b42', load))).toMatchObject({ tier: 'origin', value: { title: 'Emma' } })
    expect(seen).toEqual([undefined])
    expect(node.told('schema-mismatch')).toEqual([{ type: 'schema-mismatch', cache: 'books', key: 'b42', place: '.title' }])
    expect(books.stats()).toMatchObject({ schemaMismatches: 1, corrupt: 0, misses: 1 })
  })

  it('it is migrated where the cache says how, and what that gives is checked too', async () => {
    const { fleet, old, node } = await stage()
    await fleet.until(old.set('b42', { name: 'Emma' }))
    await fleet.until(old.set('b43', 'nothing like it'))
    await fleet.until(old.set('b44', null))
    const migrate = (value: unknown): unknown => {
      if (value === null) throw new TypeError('not this one')
      return typeof value === 'object' ? { title: (value as { name: unknown }).name } : { title: 5 }
    }
    const books = node.cache({ schema: bookSchema, migrate })
    expect(await fleet.until(books.getOrSet('b42', () => ({ title: 'anew', pages: 1 })))).toEqual({ title: 'Emma', pages: 0 })
    expect(books.stats()).toMatchObject({ schemaMismatches: 0, hits: { redis: 1 } })
    expect(await fleet.until(books.get('b43'))).toBeUndefined()
    expect(await fleet.until(books.get('b44'))).toBeUndefined()
    expect(books.stats().schemaMismatches).toBe(2)
  })

  it('is not asked at a hit in memory', async () => {
    const { fleet, node } = await stage()
    let asked = 0
    const counting = schemaOf<number>((value) => {
      asked++
      return { value: value as number }
    })
    const books = node.cache({ schema: counting })
    await fleet.until(books.set('b42', 5))
    const before = asked
    for (let i = 0; i < 3; i++) expect(await fleet.until(books.getOrSet('b42', () => 6))).toBe(5)
    expect(asked).toBe(before)
  })
})

describe('the type of the values', () => {
  it('comes from the schema', () => {
    const typed = (node: Node) => {
      const books = node.cache({ schema: bookSchema, ttl: '1h', tags: (book) => [book.title] })
      expectTypeOf(books.get('b42')).resolves.toEqualTypeOf<Book | undefined>()
      // @ts-expect-error a number is no book
      return books.set('b42', 5)
    }
    expect(typed).toBeInstanceOf(Function)
  })
})
