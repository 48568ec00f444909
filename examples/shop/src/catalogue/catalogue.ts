import type { Cache, FetchResult, Forebay, WriteResult } from 'forebay'
import type { Book, BookChanges, BookFacts, BookList, BookQuery, BookRepository, ShelfRepository, WishRepository } from '../books/book.js'
import { authors } from './authors.js'
import { bookLists } from './book-lists.js'
import { booksById } from './books-by-id.js'
import { printedCatalogue } from './printed-catalogue.js'
import { shelves } from './shelves.js'
import { tagsAround } from './tags.js'
import { wishCounts } from './wish-counts.js'

export type Catalogue = ReturnType<typeof createCatalogue>

/** What became of the cache's copies after a write: gone everywhere, or queued because Redis is away. */
export type WriteState = WriteResult['state']

/** What staff may do with a cache, whatever is in it. */
export type TendedCache = Pick<Cache<unknown>, 'name' | 'explain' | 'control' | 'invalidatePattern' | 'hotKeys' | 'stats'>

interface Repositories {
  readonly books: BookRepository
  readonly wishes: WishRepository
  readonly shelves: ShelfRepository
}

/** How many of the books most wished for are loaded before anybody asks. */
const warmBooks = 100

/** The shop's books behind its caches. Every write invalidates selectively: this book, and what it was or will be part of. */
export function createCatalogue(forebay: Forebay, stores: Repositories) {
  const books = booksById(forebay, stores.books)
  const lists = bookLists(forebay, stores.books)
  const byName = authors(forebay, stores.books)
  const printed = printedCatalogue(forebay, stores.books)
  const wishes = wishCounts(forebay, stores.wishes)
  const shelf = shelves(forebay, stores.shelves)
  const caches: readonly TendedCache[] = [books.cache, lists.cache, byName.cache, printed.cache, wishes.cache, shelf.cache]

  /** In every cache at once. */
  const forgetAround = (...versions: readonly Book[]) => forebay.invalidateTags(tagsAround(versions))

  return {
    caches: new Map(caches.map((cache) => [cache.name, cache])),
    book: books.read,
    books: books.readMany,
    author: byName.read,
    wishes: wishes.read,
    wish: wishes.add,
    shelf: shelf.read,
    putOnShelf: shelf.put,
    takeFromShelf: shelf.take,
    printed,

    /** The list tells where it came from; its books come from their own cache, what is missing there by one query. */
    async list(query: BookQuery): Promise<{ readonly list: FetchResult<BookList>; readonly books: readonly Book[] }> {
      const list = await lists.read(query)
      return { list, books: await books.readMany(list.value.ids) }
    },

    async create(id: string, facts: BookFacts): Promise<{ readonly state: WriteState; readonly book: Book } | 'exists'> {
      const book = await stores.books.insert(id, facts)
      if (book === 'exists') return 'exists'
      return { state: worst(await Promise.all([books.forget(id), forgetAround(book)])), book }
    },

    async change(id: string, changes: BookChanges): Promise<{ readonly state: WriteState; readonly book: Book } | null> {
      const changed = await books.change(id, changes)
      if (!changed) return null
      return { state: worst([changed, await forgetAround(changed.before, changed.after)]), book: changed.after }
    },

    async remove(id: string): Promise<{ readonly state: WriteState } | null> {
      const book = await stores.books.remove(id)
      if (!book) return null
      const [forgotten, around] = await Promise.all([books.forget(id), forgetAround(book), wishes.remove(id)])
      return { state: worst([forgotten, around]) }
    },

    /** Loads the first page, the printed catalogue and the books most wished for, behind whatever customers ask for meanwhile. */
    async warm(): Promise<number> {
      const { value } = await lists.read({ page: 1 })
      const [{ loaded }] = await Promise.all([
        books.warm([...value.ids, ...(await stores.wishes.mostWished(warmBooks))]),
        printed('author'),
      ])
      return loaded
    },
  }
}

function worst(results: readonly WriteResult[]): WriteState {
  return results.every(({ state }) => state === 'acknowledged') ? 'acknowledged' : 'queued'
}
