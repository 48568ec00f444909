import type { FetchResult, Forebay } from 'forebay'
import type { BookList, BookQuery, BookRepository } from '../books/book.js'
import { tagOfList } from './tags.js'

/**
 * Caching answers to queries: the query itself is the key. It is a structure in one canonical form (folded text, no
 * surplus fields; the order of its properties does not matter), so that the same question always meets the same entry.
 *
 * A list holds the ids of its books, not the books: each book is cached once, however many lists it is in.
 */
export function bookLists(forebay: Forebay, repository: BookRepository) {
  const cache = forebay.cache<BookList>('book-lists', {
    ttl: '5m',
    staleWhileRevalidate: '1m',
    staleIfError: '1d',
    softTimeout: '200ms',
  })

  return {
    cache,
    read(query: BookQuery): Promise<FetchResult<BookList>> {
      return cache.fetch(query, () => repository.list(query), { tags: [tagOfList(query)] })
    },
  }
}
