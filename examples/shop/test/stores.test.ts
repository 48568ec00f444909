import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fold, idOfTitle } from '../src/books/book.js'
import { openStores } from '../src/books/open-stores.js'
import { readSeed } from '../src/books/seed.js'
import { temporaryFolder } from './open-shop.js'

test('the seed holds hundreds of books, each with an id of its own, an author and a plausible year', async () => {
  const seed = await readSeed()
  expect(seed.length).toBeGreaterThanOrEqual(300)
  expect(new Set(seed.map(({ id }) => id)).size).toBe(seed.length)
  for (const { id, title, author, year } of seed) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    expect([title, author]).not.toContain('')
    expect(year).toBeGreaterThanOrEqual(-800)
    expect(year).toBeLessThan(1929)
  }
})

test('titles become readable ids', () => {
  expect(idOfTitle("Tess of the d'Urbervilles")).toBe('tess-of-the-durbervilles')
  expect(idOfTitle('Salammbô')).toBe('salammbo')
  expect(idOfTitle('R.U.R.')).toBe('r-u-r')
  expect(idOfTitle('紅樓夢')).toBe('')
  expect(idOfTitle('word '.repeat(100))).toMatch(/^(word-)+word$/)
})

test('folded text has no accents, case or surplus spaces', () => {
  expect(fold('  Emily   BRONTË ')).toBe('emily bronte')
})

test('a folder that another running process has is refused, by name', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'shop.lock'), String(process.ppid))
  await expect(openStores(folder)).rejects.toThrow(`in use by process ${process.ppid}`)
})

test.each(['', 'not a number', '999999999'])('a lock that says "%s" belongs to nobody and is taken over', async (owner) => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'shop.lock'), owner)
  const stores = await openStores(folder)
  expect(await stores.books.count()).toBeGreaterThan(0)
  await stores.close()
})

test('a damaged file is an error, not an empty shop', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'books.db'), 'this is\nno document store\n')
  await expect(openStores(folder)).rejects.toThrow(/corrupt/)
})
