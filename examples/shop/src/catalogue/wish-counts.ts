import type { FetchResult, Forebay, WriteResult } from 'forebay'
import type { WishRepository } from '../books/book.js'

/**
 * Write-through: the store first, then the same value into the cache, so that the next reader finds it there.
 *
 * `set` is for keys with one writer, and here there is one: the store belongs to this process and counts one wish after
 * the other. Where several processes write the same key, invalidate it instead and let the next reader load it.
 */
export function wishCounts(forebay: Forebay, repository: WishRepository) {
  const cache = forebay.cache<number>('wish-counts', { ttl: '1h' })

  return {
    cache,
    read(bookId: string): Promise<FetchResult<number>> {
      return cache.fetch(bookId, () => repository.count(bookId))
    },
    async add(bookId: string): Promise<WriteResult & { readonly wishes: number }> {
      const wishes = await repository.add(bookId)
      return { ...(await cache.set(bookId, wishes)), wishes }
    },
    async remove(bookId: string): Promise<void> {
      await repository.remove(bookId)
      await cache.invalidate(bookId)
    },
  }
}
