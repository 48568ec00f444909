import { expect, test } from 'vitest'
import { adminToken, openShop } from './open-shop.js'

const staff = { headers: { authorization: `Bearer ${adminToken}` } }

test('the admin routes are open to whoever shows the token', async () => {
  const { ask } = await openShop()
  const url = '/admin/caches/books/explain?key=emma'
  expect((await ask('GET', url)).status).toBe(401)
  expect((await ask('GET', url, undefined, { headers: { authorization: 'Bearer guessed' } })).status).toBe(401)
  expect((await ask('GET', url, undefined, staff)).status).toBe(200)
})

test('without a token in the configuration there are none', async () => {
  const { ask } = await openShop({ adminToken: undefined })
  expect((await ask('GET', '/admin/caches/books/explain?key=emma', undefined, staff)).status).toBe(404)
})

test('explain tells where a key stands and what was decided about it', async () => {
  const { ask } = await openShop()
  await ask('GET', '/api/books/emma')
  await ask('GET', '/api/books?author=Jane%20Austen')
  const { status, body } = await ask('GET', '/admin/caches/books/explain?key=emma', undefined, staff)
  expect(status).toBe(200)
  expect(body).toMatchObject({ key: expect.stringContaining('emma'), memory: { state: 'fresh' }, shard: { proven: true } })
  const key = encodeURIComponent('{"page":1,"author":"jane austen"}')
  expect((await ask('GET', `/admin/caches/book-lists/explain?key=${key}`, undefined, staff)).body).toMatchObject({
    memory: { state: 'fresh' },
  })
})

test('a cache is turned off and on while the shop runs', async () => {
  const { ask } = await openShop()
  await ask('GET', '/api/books/emma')
  expect((await ask('POST', '/admin/caches/books/control', { mode: 'off' }, staff)).body).toMatchObject({ mode: 'off', ramp: 100 })
  expect((await ask('GET', '/api/books/emma')).cache).toBe('origin')
  await ask('POST', '/admin/caches/books/control', { mode: 'on' }, staff)
  expect((await ask('GET', '/api/books/emma')).cache).toBe('memory')
})

test('the keys that begin with a text are forgotten, others stay, and a star is only a star', async () => {
  const { ask } = await openShop()
  for (const id of ['emma', 'dracula']) await ask('GET', `/api/books/${id}`)
  expect((await ask('POST', '/admin/caches/books/forget', { prefix: '*' }, staff)).status).toBe(204)
  expect((await ask('GET', '/api/books/emma')).cache).toBe('memory')
  await ask('POST', '/admin/caches/books/forget', { prefix: 'em' }, staff)
  expect((await ask('GET', '/api/books/emma')).cache).toBe('origin')
  expect((await ask('GET', '/api/books/dracula')).cache).toBe('memory')
})

test.each([
  ['GET', '/admin/caches/no-such/explain?key=x', undefined, 404, 'there are: books, book-lists'],
  ['GET', '/admin/caches/books/explain?key=%7Bx', undefined, 400, 'valid JSON'],
  ['GET', '/admin/caches/books/explain?key=%7B%22a%22%3A%7B%7D%2C%22b%22%3A%5B%5D%7D', undefined, 200, ''],
  ['POST', '/admin/caches/books/control', { mode: 'of' }, 400, '"mode" in the body must be on, off or shadow'],
  ['POST', '/admin/caches/books/control', { ramp: 101 }, 400, '"ramp" in the body must be a whole number from 0 to 100'],
  ['POST', '/admin/caches/books/forget', {}, 400, 'lacks "prefix"'],
  ['GET', '/admin/caches/books/hot-keys', undefined, 200, ''],
] as const)('%s %s with %o is answered with %i', async (method, url, body, status, detail) => {
  const { ask } = await openShop()
  const answer = await ask(method, url, body, staff)
  expect(answer.status).toBe(status)
  if (status >= 400) expect(answer.body).toMatchObject({ detail: expect.stringContaining(detail) })
})
