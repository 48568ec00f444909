import { entry, type FetchResult, type Forebay } from 'forebay'
import type { Book, BookRepository } from '../books/book.js'

/**
 * Cache-aside: look in the cache, else in the store, and keep what was found.
 *
 * That a book does not exist is an answer too, and it is kept for a short while, so that requests for unknown ids do not
 * all reach the store. A book that is created under such an id is visible at once, because creating invalidates its key.
 */
export function bookById(forebay: Forebay, repository: BookRepository) {
  const cache = forebay.cache<Book | null>('books', { ttl: '10m', staleWhileRevalidate: '1m', staleIfError: '1d' })

  return {
    read(id: string): Promise<FetchResult<Book | null>> {
      return cache.fetch(id, async () => (await repository.find(id)) ?? entry(null, { ttl: '30s' }))
    },
    /** The book was created, changed or removed. Called after the store has it: a load that began before is not kept. */
    changed(id: string) {
      return cache.invalidate(id)
    },
  }
}
