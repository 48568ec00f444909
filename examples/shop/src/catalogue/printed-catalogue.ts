import type { Forebay } from 'forebay'
import type { Book, BookRepository } from '../books/book.js'
import { anyBook } from './tags.js'

export type PrintedBy = 'author' | 'year'

/**
 * A function that keeps its results: the key is made of its arguments. The text is large, so it is compressed in Redis; it takes
 * long to make, so it is made anew before its hour is over, while everybody is still served the one that is there.
 */
export function printedCatalogue(forebay: Forebay, repository: BookRepository) {
  return forebay.wrap(async (by: PrintedBy) => print(await repository.all(), by), {
    name: 'printed',
    ttl: '1h',
    earlyRefresh: true,
    compression: 'gzip',
    tags: [anyBook],
  })
}

function print(books: readonly Book[], by: PrintedBy): string {
  const sorted = [...books].sort((a, b) => (by === 'year' ? a.year - b.year : a.author.localeCompare(b.author)) || a.id.localeCompare(b.id))
  const lines = sorted.map(({ title, author, year }) => `${author.padEnd(32)} ${String(year).padStart(5)}  ${title}`)
  return `The bookshop's catalogue, by ${by}: ${books.length} titles\n\n${lines.join('\n')}\n`
}
