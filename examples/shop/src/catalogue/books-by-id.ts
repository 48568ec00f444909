import { entry, type FetchResult, type Forebay, type WriteResult } from 'forebay'
import { z } from 'zod'
import type { Book, BookChanges, BookRepository } from '../books/book.js'

/** What a book in Redis must look like to be believed; its Date comes back as a Date. */
const bookOrNone = z
  .object({
    id: z.string(),
    title: z.string(),
    author: z.string(),
    year: z.number().int(),
    changedAt: z.date(),
    version: z.number().int(),
  })
  .nullable()

/** What became of a change: the book before and after, and whether the copies are gone. */
export interface Changed extends WriteResult {
  readonly before: Book
  readonly after: Book
}

/**
 * Cache-aside: look in the cache, else in the store, and keep what was found.
 *
 * That a book does not exist is an answer too, and is kept for a short while, so that requests for unknown ids do not all reach the
 * store. A book that is old is served for a minute while it is read anew, for a day where the store fails, and at once where it is slow.
 */
export function booksById(forebay: Forebay, repository: BookRepository) {
  const cache = forebay.cache<Book | null>('books', {
    ttl: '10m',
    negativeTtl: '30s',
    staleWhileRevalidate: '1m',
    staleIfError: '1d',
    softTimeout: '200ms',
    schema: bookOrNone,
    migrate: withVersion,
    monitor: { share: 0.01, maxPerSecond: 1 },
  })

  /** One query for all that are missing. Of an id without a book that is remembered too, by the `null`. */
  async function load({ keys }: { readonly keys: readonly string[] }): Promise<Map<string, Book | null>> {
    const found = new Map((await repository.findMany(keys)).map((book) => [book.id, book]))
    return new Map(keys.map((id) => [id, found.get(id) ?? null]))
  }

  return {
    cache,
    read(id: string): Promise<FetchResult<Book | null>> {
      return cache.fetch(id, () => repository.find(id))
    },
    /** Those of the books that exist, in the order of the ids. */
    async readMany(ids: readonly string[]): Promise<Book[]> {
      const books = await cache.getOrSetMany(ids, load)
      return books.filter((book): book is Book => book !== null && book !== undefined)
    },
    /** Changes store and cache together. The version sees to it that of two changes at once the later one is kept. */
    async change(id: string, changes: BookChanges): Promise<Changed | null> {
      const outcome: { changed?: Pick<Changed, 'before' | 'after'> | null } = {}
      const written = await cache.update(id, async () => {
        const changed = await repository.update(id, changes)
        outcome.changed = changed
        return changed && entry<Book | null>(changed.after, { version: changed.after.version })
      })
      return outcome.changed ? { ...outcome.changed, ...written } : null
    },
    /** The book was created or removed. Called after the store has done it: a load that began before is not kept. */
    forget(id: string): Promise<WriteResult> {
      return cache.invalidate(id)
    },
    /** Loads what is not cached yet, after everybody who waits for a book. */
    warm(ids: readonly string[]) {
      return cache.warmMany(ids, load)
    },
  }
}

/** A process of the build before this one keeps books without these fields; both run side by side while a deploy rolls. */
function withVersion(old: unknown): unknown {
  return typeof old === 'object' && old !== null ? { changedAt: new Date(0), version: 1, ...old } : undefined
}
