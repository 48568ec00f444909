import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createTestForebay } from '../src/testing/index.js'

const ofZod = z.object({ title: z.string().trim(), pages: z.number().int().default(0), printed: z.date().optional() })
const ofValibot = v.object({
  title: v.pipe(v.string(), v.trim()),
  pages: v.optional(v.pipe(v.number(), v.integer()), 0),
  printed: v.optional(v.date()),
})

describe.each([
  ['zod', ofZod],
  ['valibot', ofValibot],
] as const)('a schema of %s', (_, schema) => {
  it('checks and completes what goes in and what comes out, and keeps rich values', async () => {
    const { forebay, another } = createTestForebay({ defaults: { ttl: '1h', memory: false } })
    const books = forebay.cache('books', { schema })
    const before = another().cache('books')
    const printed = new Date('1815-12-23T00:00:00Z')
    await books.set('b42', { title: ' Emma ', pages: 474, printed })
    expect(await books.get('b42')).toEqual({ title: 'Emma', pages: 474, printed })
    await before.set('b43', { title: 'Persuasion', draft: true })
    expect(await books.get('b43')).toEqual({ title: 'Persuasion', pages: 0 })
    await before.set('b44', { title: ['Emma'] })
    expect(await books.read('b44')).toEqual({ state: 'miss' })
    expect(books.stats().schemaMismatches).toBe(1)
    await expect(books.set('b45', { title: 'Emma', pages: 1.5 })).rejects.toThrow(/E_VALUE_SCHEMA: cache 'books': .*value\.pages: /)
  })
})

describe('the type of the values', () => {
  it('is what the schema gives', () => {
    const { forebay } = createTestForebay({ defaults: { ttl: '1h' } })
    const one = forebay.cache('one', { schema: ofZod })
    const two = forebay.cache('two', { schema: ofValibot })
    expectTypeOf(one.peek('b42')?.pages).toEqualTypeOf<number | undefined>()
    expectTypeOf(two.peek('b42')?.title).toEqualTypeOf<string | undefined>()
    // @ts-expect-error a title is text
    expect(() => one.set('b42', { title: 5, pages: 1 })).toBeInstanceOf(Function)
  })
})

describe('schemas that must not be used', () => {
  it.each([
    ['a transformation that cannot take its result', z.string().transform(Number), '7'],
    ['an asynchronous one', z.string().refine(async () => true), 'x'],
  ])('%s is refused at the first value', async (_, schema, value) => {
    const { forebay } = createTestForebay({ defaults: { ttl: '1h' } })
    await expect(forebay.cache('books', { schema: schema as z.ZodType<unknown> }).set('b42', value)).rejects.toThrow(/E_VALUE_SCHEMA/)
  })
})
