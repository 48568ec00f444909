import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BookRepository, ShelfRepository, WishRepository } from './book.js'
import { openDatastore } from './datastore.js'
import { lockFolder } from './folder-lock.js'
import { type BookDocument, NedbBooks } from './nedb-books.js'
import { NedbShelves, type ShelfDocument } from './nedb-shelves.js'
import { NedbWishes, type WishDocument } from './nedb-wishes.js'
import { readSeed } from './seed.js'

export interface Stores {
  readonly books: BookRepository
  readonly wishes: WishRepository
  readonly shelves: ShelfRepository
  /** The catalogue was empty and has just been filled. */
  readonly seeded: boolean
  /** Waits for writes under way and leaves compact files behind. */
  close(): Promise<void>
}

/** Opens the documents in a folder; an empty catalogue is filled with the seed. */
export async function openStores(folder: string): Promise<Stores> {
  await mkdir(folder, { recursive: true })
  const unlock = await lockFolder(folder)
  try {
    const bookDocuments = await openDatastore<BookDocument>(join(folder, 'books.db'))
    const wishDocuments = await openDatastore<WishDocument>(join(folder, 'wishes.db'))
    const shelfDocuments = await openDatastore<ShelfDocument>(join(folder, 'shelves.db'))
    await bookDocuments.ensureIndexAsync({ fieldName: 'foldedAuthor' })
    const books = new NedbBooks(bookDocuments)
    const seeded = (await books.count()) === 0
    if (seeded) await books.insertMany(await readSeed())
    return {
      books,
      seeded,
      wishes: new NedbWishes(wishDocuments),
      shelves: new NedbShelves(shelfDocuments),
      async close() {
        await Promise.all([bookDocuments, wishDocuments, shelfDocuments].map((documents) => documents.compactDatafileAsync()))
        await unlock()
      },
    }
  } catch (error) {
    await unlock()
    throw error
  }
}
