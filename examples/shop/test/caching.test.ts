import { createTestForebay } from 'forebay/testing'
import { expect, onTestFinished, test } from 'vitest'
import type { BookRepository } from '../src/books/book.js'
import { openStores } from '../src/books/open-stores.js'
import { booksById } from '../src/catalogue/books-by-id.js'
import { openApp, openShop, temporaryFolder } from './open-shop.js'

/** Two processes of the shop that share Redis and the store. */
async function openTwo() {
  const stores = await openStores(await temporaryFolder())
  const service = createTestForebay({ defaults: { jitter: 0 } })
  const other = service.another()
  await Promise.all([service.forebay.ready(), other.ready()])
  const [here, there] = [await openApp(service.forebay, stores), await openApp(other, stores)]
  onTestFinished(async () => {
    await Promise.all([here.app.close(), there.app.close()])
    await stores.close()
  })
  return { ...service, here, there, stores }
}

test('a list asks for its books by one query, and those that are cached are not asked for again', async () => {
  // Where chance is the same each time: one hit in a hundred is compared with the store, which is asked for that.
  const { here, stores } = await openTwo()
  const [{ catalogue }, { books }] = [here, stores]
  const asked: (readonly string[])[] = []
  const { findMany } = books
  books.findMany = (ids) => {
    asked.push(ids)
    return findMany.call(books, ids)
  }
  await catalogue.book('emma')
  const { books: found } = await catalogue.list({ author: 'jane austen', page: 1 })
  expect(found.map(({ id }) => id)).toContain('emma')
  expect(asked).toHaveLength(1)
  expect(asked[0]).toHaveLength(found.length - 1)
  expect(asked[0]).not.toContain('emma')
})

test('while the store is slow the old book is served; while it fails, for a day', async () => {
  const { forebay, clock, settle } = createTestForebay({ defaults: { jitter: 0 } })
  let find: BookRepository['find'] = async () => ({ ...facts, title: 'first' })
  const facts = { id: 'emma', title: '', author: 'Jane Austen', year: 1815, changedAt: new Date(0), version: 1 }
  const byId = booksById(forebay, { find: (id: string) => find(id) } as BookRepository)
  await byId.read('emma')
  await clock.advance('12m') // beyond staleWhileRevalidate
  find = () => new Promise(() => {})
  const slow = byId.read('emma')
  await clock.advance('200ms')
  expect(await slow).toMatchObject({ state: 'stale', why: 'slow', value: { title: 'first' } })
  await clock.advance('1m')
  find = () => Promise.reject(new Error('the store is away'))
  expect(await byId.read('emma')).toMatchObject({ state: 'stale', why: 'error', value: { title: 'first' } })
  await settle()
})

test('a date is a date and a map a map, also when they come from Redis', async () => {
  const { here, there } = await openTwo()
  const { value: first } = await here.catalogue.book('emma')
  const second = await there.catalogue.book('emma')
  expect(second).toMatchObject({ tier: 'redis', value: first })
  expect(second.value?.changedAt).toBeInstanceOf(Date)
  await here.catalogue.author('Jane Austen')
  const author = await there.catalogue.author('Jane Austen')
  expect(author.tier).toBe('redis')
  expect(author.value?.decades.get(1810)).toBeGreaterThan(2)
})

test('what the build before this one has cached is used, and what is no book is not', async () => {
  const { forebay, another } = createTestForebay()
  const before = forebay.cache<unknown>('books', { ttl: '10m' })
  await before.set('emma', { id: 'emma', title: 'Emma', author: 'Jane Austen', year: 1815 })
  await before.set('dracula', { error: 'the store is away' })
  const found = { id: 'dracula', title: 'Dracula', author: 'Bram Stoker', year: 1897, changedAt: new Date(), version: 1 }
  const byId = booksById(another(), { find: async () => found } as Partial<BookRepository> as BookRepository)
  expect(await byId.read('emma')).toMatchObject({ tier: 'redis', value: { title: 'Emma', version: 1, changedAt: new Date(0) } })
  expect(await byId.read('dracula')).toMatchObject({ tier: 'origin', value: found })
  expect(byId.cache.stats().schemaMismatches).toBe(1)
})

test('who has saved sees it saved at the other process, at once', async () => {
  const { here, there, redis, clock } = await openTwo()
  await there.ask('GET', '/api/books/emma')
  await there.ask('GET', '/api/books?author=Jane%20Austen')
  const customer = { headers: {} as { cookie?: string } }
  await here.ask('GET', '/api/books/emma', undefined, customer)
  expect(customer.headers.cookie).toBeUndefined()
  await here.ask('PATCH', '/api/books/emma', { author: 'Anne Brontë' }, customer)
  expect(customer.headers.cookie).toContain('own-writes=')
  expect((await there.ask('GET', '/api/books/emma', undefined, customer)).body.author).toBe('Anne Brontë')
  const { body } = await there.ask('GET', '/api/books?author=Jane%20Austen', undefined, customer)
  expect(body.books.map(({ id }) => id)).not.toContain('emma')

  redis.stop() // and while Redis cannot say: from the store, not from a copy that may be old
  const asked = there.ask('GET', '/api/books/emma', undefined, customer)
  await clock.advance('1s')
  expect((await asked).body.author).toBe('Anne Brontë')
  redis.restart()
})

test('a cookie that somebody has altered is as good as none', async () => {
  const { ask } = await openShop()
  expect((await ask('GET', '/api/books/emma', undefined, { headers: { cookie: 'own-writes=nonsense; customer=../etc' } })).status).toBe(200)
  expect((await ask('GET', '/api/shelf', undefined, { headers: { cookie: 'customer=../etc' } })).body.books).toEqual([])
})

test('each customer has a shelf of his own', async () => {
  const { ask } = await openShop()
  const [ann, bob] = [{ headers: {} }, { headers: {} }]
  await ask('PUT', '/api/shelf/emma', undefined, ann)
  await ask('PUT', '/api/shelf/dracula', undefined, bob)
  await ask('PUT', '/api/shelf/persuasion', undefined, ann)
  const shelf = async (customer: object) =>
    (await ask('GET', '/api/shelf', undefined, customer as typeof ann)).body.books.map(({ id }) => id)
  expect(await shelf(ann)).toEqual(['emma', 'persuasion'])
  expect(await shelf(bob)).toEqual(['dracula'])
  expect(await shelf({ headers: {} })).toEqual([])
  expect((await ask('GET', '/api/shelf', undefined, ann)).cache).toBe('memory')
  await ask('DELETE', '/api/shelf/emma', undefined, ann)
  expect(await shelf(ann)).toEqual(['persuasion'])
  expect((await ask('PUT', '/api/shelf/no-such-book', undefined, ann)).status).toBe(404)
})

test('an author who was unknown is known with his first book', async () => {
  const { ask } = await openShop()
  expect((await ask('GET', '/api/authors/Djuna%20Barnes')).status).toBe(404)
  expect((await ask('GET', '/api/authors/djuna%20barnes')).headers['x-cache']).toBe('memory')
  await ask('POST', '/api/books', { title: 'Nightwood', author: 'Djuna Barnes', year: 1936 })
  expect((await ask('GET', '/api/authors/Djuna%20Barnes')).body).toEqual({ name: 'Djuna Barnes', titles: 1, decades: { 1930: 1 } })
})

test('the printed catalogue is made once until a book changes', async () => {
  const { ask, catalogue } = await openShop()
  const first = await ask('GET', '/catalogue.txt')
  expect(first.headers['content-type']).toContain('text/plain')
  expect(first.body.text).toMatch(/Jane Austen +1815 {2}Emma\n/)
  expect((await ask('GET', '/catalogue.txt?by=author')).body.text).toBe(first.body.text)
  expect(catalogue.printed.cache.stats().loads).toBe(1)
  await ask('PATCH', '/api/books/emma', { title: 'Emma Woodhouse' })
  expect((await ask('GET', '/catalogue.txt')).body.text).toContain('Emma Woodhouse')
})

test('a warm shop answers its first customers from memory', async () => {
  const { ask, catalogue, books } = await openShop()
  await ask('POST', '/api/books/emma/wishlist')
  expect(await catalogue.warm()).toBeGreaterThanOrEqual(20)
  expect((await ask('GET', '/api/books')).cache).toBe('memory')
  expect((await ask('GET', '/api/books/emma')).cache).toBe('memory')
  expect((await books.list({ page: 1 })).ids).not.toContain('emma')
})
