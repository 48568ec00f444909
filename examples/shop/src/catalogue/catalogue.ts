import type { Forebay, WriteResult } from 'forebay'
import type { Book, BookChanges, BookRepository, WishRepository } from '../books/book.js'
import { bookById } from './book-by-id.js'
import { bookLists } from './book-lists.js'
import { wishCounts } from './wish-counts.js'

export type Catalogue = ReturnType<typeof createCatalogue>

/** What became of the cache's copies after a write: gone everywhere, or queued because Redis is away. */
export type WriteState = WriteResult['state']

/** The shop's books behind its caches. Every write invalidates selectively: this book, and the lists it was or will be in. */
export function createCatalogue(forebay: Forebay, stores: { readonly books: BookRepository; readonly wishes: WishRepository }) {
  const byId = bookById(forebay, stores.books)
  const lists = bookLists(forebay, stores.books)
  const wishes = wishCounts(forebay, stores.wishes)

  async function forget(id: string, ...versions: readonly Book[]): Promise<WriteState> {
    const results = await Promise.all([byId.changed(id), lists.changed(...versions)])
    return results.every(({ state }) => state === 'acknowledged') ? 'acknowledged' : 'queued'
  }

  return {
    book: byId.read,
    list: lists.read,
    wishes: wishes.read,
    wish: wishes.add,

    async create(book: Book): Promise<{ readonly state: WriteState } | 'exists'> {
      if ((await stores.books.insert(book)) === 'exists') return 'exists'
      return { state: await forget(book.id, book) }
    },

    async change(id: string, changes: BookChanges): Promise<{ readonly state: WriteState; readonly book: Book } | null> {
      const changed = await stores.books.update(id, changes)
      if (!changed) return null
      return { state: await forget(id, changed.before, changed.after), book: changed.after }
    },

    async remove(id: string): Promise<{ readonly state: WriteState } | null> {
      const book = await stores.books.remove(id)
      if (!book) return null
      const [state] = await Promise.all([forget(id, book), wishes.remove(id)])
      return { state }
    },
  }
}
