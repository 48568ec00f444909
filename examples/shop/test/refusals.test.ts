import { expect, test } from 'vitest'
import { openShop } from './open-shop.js'

const book = { title: 'Nightwood', author: 'Djuna Barnes', year: 1936 }

test.each([
  ['GET', '/api/books?colour=red', undefined, 'unknown field "colour"; known are: q, author, year, page'],
  ['GET', '/api/books?page=0', undefined, '"page" in the query must be a number from 1 to 999'],
  ['GET', '/api/books?page=1&page=2', undefined, '"page" in the query'],
  ['GET', '/api/books?year=MCM', undefined, '"year" in the query must be a year such as 1813 or -750'],
  ['GET', `/api/books?q=${'x'.repeat(65)}`, undefined, '"q" in the query must be one text of at most 64 characters'],
  ['GET', '/api/books/Not%20an%20id', undefined, '"id" in the params must be lower-case words'],
  ['POST', '/api/books', { title: 'Nightwood', year: 1936 }, 'lacks "author"'],
  ['POST', '/api/books', { ...book, year: '1936' }, '"year" in the body must be a whole number from -3000 to 2100'],
  ['POST', '/api/books', { ...book, title: ' ' }, '"title" in the body must be a text'],
  ['POST', '/api/books', { ...book, isbn: '0' }, 'unknown field "isbn"; known are: id, title, author, year'],
  ['POST', '/api/books', { ...book, title: '紅樓夢' }, 'send an "id" too'],
  ['POST', '/api/books', '{"title":', 'not valid JSON'],
  ['POST', '/api/books', '[]', 'The body must be a JSON object'],
  ['PATCH', '/api/books/emma', { id: 'emmy' }, 'unknown field "id"; known are: title, author, year'],
  ['PATCH', '/api/books/emma', {}, 'at least one of title, author and year'],
] as const)('%s %s with %o is refused with 400', async (method, url, body, detail) => {
  const { ask } = await openShop()
  const answer = await ask(method, url, body)
  expect(answer).toMatchObject({ status: 400, body: { title: 'Bad Request', status: 400, detail: expect.stringContaining(detail) } })
  expect(answer.headers['content-type']).toContain('application/problem+json')
})

test.each([
  ['GET', '/api/books/no-such-book', undefined],
  ['PATCH', '/api/books/no-such-book', { year: 1900 }],
  ['DELETE', '/api/books/no-such-book', undefined],
  ['GET', '/api/books/no-such-book/wishlist', undefined],
  ['POST', '/api/books/no-such-book/wishlist', undefined],
  ['GET', '/nothing', undefined],
] as const)('%s %s is answered with 404', async (method, url, body) => {
  const { ask } = await openShop()
  expect(await ask(method, url, body)).toMatchObject({ status: 404, body: { status: 404, detail: expect.stringContaining('There is no') } })
})

test('a book whose id is taken is refused with 409 and changes nothing', async () => {
  const { ask } = await openShop()
  const answer = await ask('POST', '/api/books', { title: 'Emma', author: 'Somebody Else', year: 2000 })
  expect(answer).toMatchObject({ status: 409, body: { title: 'Conflict', detail: expect.stringContaining('"emma"') } })
  expect((await ask('GET', '/api/books/emma')).body.author).toBe('Jane Austen')
})

test('a body that is too large is refused with 413', async () => {
  const { ask } = await openShop()
  expect(await ask('POST', '/api/books', { ...book, title: 'x'.repeat(20_000) })).toMatchObject({ status: 413, body: { status: 413 } })
})
