import type { FetchResult, Forebay } from 'forebay'
import { type Book, type BookPage, type BookQuery, type BookRepository, fold } from '../books/book.js'

/**
 * Caching answers to queries: the query itself is the key. It is a structure in one canonical form (folded text, no
 * surplus fields; the order of its properties does not matter), so that the same question always meets the same entry.
 *
 * Each list carries one tag, of the narrowest filter that decides which books can be in it. A book by Jane Austen of 1813
 * can only be in lists of Jane Austen, else in lists of 1813, else in lists filtered by neither: when it changes, three
 * tags reach them all and the lists of other authors and years stay.
 */
export function bookLists(forebay: Forebay, repository: BookRepository) {
  const cache = forebay.cache<BookPage>('book-lists', { ttl: '5m', staleWhileRevalidate: '1m', staleIfError: '1d' })

  return {
    read(query: BookQuery): Promise<FetchResult<BookPage>> {
      return cache.fetch(query, () => repository.list(query), { tags: [tagOfList(query)] })
    },
    /** These versions of a book came or went (two for a change: it leaves lists and enters others). */
    changed(...versions: readonly Book[]) {
      return cache.invalidateTags([...new Set(versions.flatMap(tagsOfBook))])
    },
  }
}

function tagOfList({ author, year }: BookQuery): string {
  if (author !== undefined) return `author:${author}`
  return year === undefined ? 'unfiltered' : `year:${year}`
}

function tagsOfBook({ author, year }: Book): string[] {
  return [`author:${fold(author)}`, `year:${year}`, 'unfiltered']
}
