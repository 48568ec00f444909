import type { WishRepository } from './book.js'
import type { Datastore } from './datastore.js'

/** The wishes for one book, as they are stored. */
export interface WishDocument {
  readonly _id: string
  readonly count: number
}

/** Wish counters in an embedded document store. */
export class NedbWishes implements WishRepository {
  readonly #documents: Datastore<WishDocument>

  constructor(documents: Datastore<WishDocument>) {
    this.#documents = documents
  }

  async count(bookId: string): Promise<number> {
    const document: WishDocument | null = await this.#documents.findOneAsync({ _id: bookId })
    return document?.count ?? 0
  }

  async add(bookId: string): Promise<number> {
    const { affectedDocuments } = await this.#documents.updateAsync<WishDocument, { upsert: true; returnUpdatedDocs: true }>(
      { _id: bookId },
      { $inc: { count: 1 } },
      { upsert: true, returnUpdatedDocs: true },
    )
    return affectedDocuments?.count ?? 0
  }

  async mostWished(count: number): Promise<string[]> {
    const documents = await this.#documents.findAsync({}).sort({ count: -1, _id: 1 }).limit(count)
    return documents.map(({ _id }) => _id)
  }

  async remove(bookId: string): Promise<void> {
    await this.#documents.removeAsync({ _id: bookId }, {})
  }
}
