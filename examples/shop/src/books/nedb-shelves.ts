import { type Shelf, type ShelfRepository, shelfSize } from './book.js'
import type { Datastore } from './datastore.js'
import { oneByOne } from './one-by-one.js'

/** A customer's shelf, as it is stored. */
export interface ShelfDocument {
  readonly _id: string
  readonly books: readonly { readonly id: string; readonly since: Date }[]
}

/** Shelves in an embedded document store. */
export class NedbShelves implements ShelfRepository {
  readonly #documents: Datastore<ShelfDocument>
  readonly #serially = oneByOne()

  constructor(documents: Datastore<ShelfDocument>) {
    this.#documents = documents
  }

  async of(customer: string): Promise<Map<string, Date>> {
    const document: ShelfDocument | null = await this.#documents.findOneAsync({ _id: customer })
    return new Map(document?.books.map(({ id, since }) => [id, since]))
  }

  put(customer: string, bookId: string): Promise<Shelf> {
    return this.#change(customer, (shelf) => {
      if (!shelf.has(bookId) && shelf.size < shelfSize) shelf.set(bookId, new Date())
    })
  }

  take(customer: string, bookId: string): Promise<Shelf> {
    return this.#change(customer, (shelf) => shelf.delete(bookId))
  }

  #change(customer: string, change: (shelf: Map<string, Date>) => unknown): Promise<Shelf> {
    return this.#serially(async () => {
      const shelf = await this.of(customer)
      change(shelf)
      const books = [...shelf].map(([id, since]) => ({ id, since }))
      await this.#documents.updateAsync({ _id: customer }, { _id: customer, books }, { upsert: true })
      return shelf
    })
  }
}
