import { expect, test } from 'vitest'
import { type Answer, openShop, temporaryFolder } from './open-shop.js'

test('the first reader of a book is served by the store, the second by memory', async () => {
  const { ask } = await openShop()
  const first = await ask('GET', '/api/books/emma')
  const second = await ask('GET', '/api/books/emma')
  expect(first).toMatchObject({ status: 200, cache: 'origin', body: { id: 'emma', title: 'Emma', author: 'Jane Austen', year: 1815 } })
  expect(second).toMatchObject({ status: 200, cache: 'memory', body: first.body })
})

test('a change is seen at once, in the book and in the lists it was in and is in now', async () => {
  const { ask } = await openShop()
  await ask('GET', '/api/books/emma')
  await ask('GET', '/api/books?author=Jane%20Austen')
  await ask('GET', '/api/books?author=Anne%20Bront%C3%AB')
  const changed = await ask('PATCH', '/api/books/emma', { author: ' Anne Brontë ' })
  expect(changed).toMatchObject({ status: 200, body: { id: 'emma', title: 'Emma', author: 'Anne Brontë', year: 1815 } })
  expect(changed.headers['x-cache-write']).toBe('acknowledged')

  expect(await ask('GET', '/api/books/emma')).toMatchObject({ cache: 'memory', body: { author: 'Anne Brontë', version: 2 } })
  const left = await ask('GET', '/api/books?author=Jane%20Austen')
  const entered = await ask('GET', '/api/books?author=Anne%20Bront%C3%AB')
  expect([left.cache, entered.cache]).toEqual(['origin', 'origin'])
  expect(idsIn(left)).not.toContain('emma')
  expect(idsIn(entered)).toContain('emma')
})

test('a change leaves other books and the lists of other authors and years where they are', async () => {
  const { ask } = await openShop()
  const untouched = ['/api/books/dracula', '/api/books?author=Bram%20Stoker', '/api/books?year=1897', '/api/books?year=1897&q=time']
  for (const url of untouched) await ask('GET', url)
  await ask('PATCH', '/api/books/emma', { title: 'Emma Woodhouse' })
  for (const url of untouched) expect(await ask('GET', url)).toMatchObject({ status: 200, cache: 'memory' })
})

test('a change reaches lists filtered by the year, by a text only, or by nothing', async () => {
  const { ask } = await openShop()
  const touched = [
    '/api/books?year=1815',
    '/api/books?q=emma',
    '/api/books',
    '/api/books?page=2',
    '/api/books?author=Jane%20Austen&year=1815',
  ]
  for (const url of touched) await ask('GET', url)
  await ask('PATCH', '/api/books/emma', { title: 'Emma Woodhouse' })
  for (const url of touched) expect(await ask('GET', url)).toMatchObject({ status: 200, cache: 'origin' })
})

test('one question has one entry, however it is written', async () => {
  const { ask } = await openShop()
  const first = await ask('GET', '/api/books?q=heights&author=Emily%20Bront%C3%AB')
  const second = await ask('GET', '/api/books?author=EMILY++bronte&year=&q=%20Heights&page=1')
  expect(idsIn(first)).toEqual(['wuthering-heights'])
  expect(second).toMatchObject({ cache: 'memory', body: first.body })
})

test('a text is searched as it is, also where it looks like a pattern', async () => {
  const { ask } = await openShop()
  expect((await ask('GET', '/api/books?q=r.u.r.')).body.total).toBe(1)
  expect((await ask('GET', '/api/books?q=.*')).body.total).toBe(0)
  expect((await ask('GET', '/api/books?q=(((')).status).toBe(200)
})

test('pages follow one another without gaps, and the one after the last is empty', async () => {
  const { ask, books } = await openShop()
  const { body } = await ask('GET', '/api/books')
  expect(body.total).toBe(await books.count())
  const ids = new Set<string>()
  for (let page = 1; page <= body.pages; page++) for (const id of idsIn(await ask('GET', `/api/books?page=${page}`))) ids.add(id)
  expect(ids.size).toBe(body.total)
  expect(await ask('GET', `/api/books?page=${body.pages + 1}`)).toMatchObject({ status: 200, body: { books: [] } })
})

test('an unknown id asks the store once; the book created under it is visible at once', async () => {
  const { ask } = await openShop()
  const book = { id: 'nightwood', title: 'Nightwood', author: 'Djuna Barnes', year: 1936 }
  expect(await ask('GET', '/api/books/nightwood')).toMatchObject({ status: 404, cache: 'origin' })
  expect(await ask('GET', '/api/books/nightwood')).toMatchObject({ status: 404, cache: 'memory' })
  await ask('GET', '/api/books?year=1936')
  const created = await ask('POST', '/api/books', { ...book, id: undefined })
  expect(created).toMatchObject({ status: 201, body: book })
  expect(created.headers.location).toBe('/api/books/nightwood')
  expect(await ask('GET', '/api/books/nightwood')).toMatchObject({ status: 200, body: book })
  expect(idsIn(await ask('GET', '/api/books?year=1936'))).toEqual(['nightwood'])
})

test('a deleted book is gone from its address, its lists and its wishlist', async () => {
  const { ask } = await openShop()
  await ask('POST', '/api/books/emma/wishlist')
  await ask('GET', '/api/books?author=Jane%20Austen')
  expect((await ask('DELETE', '/api/books/emma')).status).toBe(204)
  expect((await ask('GET', '/api/books/emma')).status).toBe(404)
  expect((await ask('GET', '/api/books/emma/wishlist')).status).toBe(404)
  expect(idsIn(await ask('GET', '/api/books?author=Jane%20Austen'))).not.toContain('emma')
  await ask('POST', '/api/books', { title: 'Emma', author: 'Jane Austen', year: 1815 })
  expect((await ask('GET', '/api/books/emma/wishlist')).body.wishes).toBe(0)
})

test('a wish is written through: the next reader finds the new count in memory', async () => {
  const { ask } = await openShop()
  expect(await ask('GET', '/api/books/emma/wishlist')).toMatchObject({ cache: 'origin', body: { wishes: 0 } })
  expect(await ask('POST', '/api/books/emma/wishlist')).toMatchObject({ status: 200, body: { id: 'emma', wishes: 1 } })
  expect(await ask('GET', '/api/books/emma/wishlist')).toMatchObject({ cache: 'memory', body: { wishes: 1 } })
})

test('wishes made at the same time are all counted, and the cache ends with the last count', async () => {
  const { ask } = await openShop()
  await Promise.all(Array.from({ length: 20 }, () => ask('POST', '/api/books/emma/wishlist')))
  expect(await ask('GET', '/api/books/emma/wishlist')).toMatchObject({ cache: 'memory', body: { wishes: 20 } })
})

test('changes of one book at the same time leave no list behind the store', async () => {
  const { ask } = await openShop()
  const years = Array.from({ length: 10 }, (_, index) => 2001 + index)
  const lists = years.map((year) => `/api/books?year=${year}`)
  await Promise.all(years.flatMap((year) => [ask('PATCH', '/api/books/emma', { year }), ...lists.map((url) => ask('GET', url))]))
  const { year: last } = (await ask('GET', '/api/books/emma')).body
  for (const [index, url] of lists.entries()) expect(idsIn(await ask('GET', url))).toEqual(years[index] === last ? ['emma'] : [])
})

test('what was written is there after a restart', async () => {
  const folder = await temporaryFolder()
  const before = await openShop({ folder })
  await before.ask('PATCH', '/api/books/emma', { title: 'Emma Woodhouse' })
  await before.ask('DELETE', '/api/books/dracula')
  await before.ask('POST', '/api/books/emma/wishlist')
  const count = await before.books.count()
  await before.close()

  const after = await openShop({ folder })
  expect(await after.books.count()).toBe(count)
  expect(await after.ask('GET', '/api/books/emma')).toMatchObject({ cache: 'origin', body: { title: 'Emma Woodhouse' } })
  expect((await after.ask('GET', '/api/books/dracula')).status).toBe(404)
  expect((await after.ask('GET', '/api/books/emma/wishlist')).body.wishes).toBe(1)
})

test('the counters of every cache are at /cache/stats', async () => {
  const { ask } = await openShop()
  for (let reader = 0; reader < 3; reader++) await ask('GET', '/api/books/emma/wishlist')
  await ask('GET', '/api/books')
  const { status, body } = await ask('GET', '/cache/stats')
  expect(status).toBe(200)
  expect(Object.keys(body.caches).sort()).toEqual(['authors', 'book-lists', 'books', 'printed', 'shelves', 'wish-counts'])
  expect(body.caches['wish-counts']).toMatchObject({ loads: 1, misses: 1, hits: { memory: 2, redis: 0 }, memory: { entries: 1 } })
})

test('the page and its parts are served, and may load nothing from elsewhere', async () => {
  const { ask } = await openShop()
  for (const [url, type] of [
    ['/', 'text/html'],
    ['/caches', 'text/html'],
    ['/caches.js', 'text/javascript'],
    ['/shop.css', 'text/css'],
    ['/shop.js', 'text/javascript'],
    ['/favicon.svg', 'image/svg+xml'],
  ] as const) {
    const { status, headers } = await ask('GET', url)
    expect(status).toBe(200)
    expect(headers['content-type']).toContain(type)
    expect(headers['content-security-policy']).toContain("default-src 'self'")
  }
})

function idsIn({ body }: Answer): string[] {
  return body.books.map(({ id }) => id)
}
