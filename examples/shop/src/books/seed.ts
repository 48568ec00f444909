import { readFile } from 'node:fs/promises'
import { type Book, idOfTitle } from './book.js'

const seedFile = new URL('../../seed/books.txt', import.meta.url)

/** The books a new shop starts with: public-domain titles, in a file with a line for each author and, indented, each `year title`. */
export async function readSeed(): Promise<Book[]> {
  const books: Book[] = []
  const changedAt = new Date()
  let author = ''
  for (const line of (await readFile(seedFile, 'utf8')).split('\n')) {
    const [, year, title] = /^ +(-?\d+) (.+)$/.exec(line) ?? []
    if (year === undefined || title === undefined) author = line.trim()
    else books.push({ id: idOfTitle(title), title, author, year: Number(year), changedAt, version: 1 })
  }
  return books
}
