import type { FetchResult, Forebay, WriteResult } from 'forebay'
import type { Shelf, ShelfRepository } from '../books/book.js'

/**
 * One customer's data. `scoped` puts the customer in front of every key and refuses an empty one, so no mistake in a key can show
 * his shelf to somebody else. It stays in the cache for as long as he looks at it, at most half a day.
 */
export function shelves(forebay: Forebay, repository: ShelfRepository) {
  const cache = forebay.cache<Shelf>('shelves', { ttl: '30m', sliding: { max: '12h' } })

  return {
    cache,
    read(customer: string): Promise<FetchResult<Shelf>> {
      return cache.scoped(customer).fetch('books', () => repository.of(customer))
    },
    put(customer: string, bookId: string): Promise<WriteResult> {
      return cache.scoped(customer).update('books', () => repository.put(customer, bookId))
    },
    take(customer: string, bookId: string): Promise<WriteResult> {
      return cache.scoped(customer).update('books', () => repository.take(customer, bookId))
    },
  }
}
