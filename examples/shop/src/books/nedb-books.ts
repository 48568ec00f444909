import { type Book, type BookChanges, type BookPage, type BookQuery, type BookRepository, fold, pageSize } from './book.js'
import type { Datastore } from './datastore.js'

/** A book as it is stored, with the folded text that searches compare. */
export interface BookDocument {
  readonly _id: string
  readonly title: string
  readonly author: string
  readonly year: number
  readonly foldedAuthor: string
  readonly foldedText: string
}

/** Books in an embedded document store. Queries are in the language of MongoDB, so that the way there is short. */
export class NedbBooks implements BookRepository {
  readonly #documents: Datastore<BookDocument>
  #lastWrite: Promise<unknown> = Promise.resolve()

  constructor(documents: Datastore<BookDocument>) {
    this.#documents = documents
  }

  async find(id: string): Promise<Book | null> {
    const document: BookDocument | null = await this.#documents.findOneAsync({ _id: id })
    return document && toBook(document)
  }

  async list(query: BookQuery): Promise<BookPage> {
    const filter = toFilter(query)
    const [documents, total] = await Promise.all([
      this.#documents
        .findAsync(filter)
        .sort({ year: 1, _id: 1 })
        .skip((query.page - 1) * pageSize)
        .limit(pageSize),
      this.#documents.countAsync(filter),
    ])
    return { books: documents.map(toBook), total, page: query.page, pages: Math.ceil(total / pageSize) }
  }

  insert(book: Book): Promise<'inserted' | 'exists'> {
    return this.#serially(async () => {
      if (await this.find(book.id)) return 'exists'
      await this.#documents.insertAsync(toDocument(book))
      return 'inserted'
    })
  }

  async insertMany(books: readonly Book[]): Promise<void> {
    await this.#serially(() => this.#documents.insertAsync(books.map(toDocument)))
  }

  update(id: string, changes: BookChanges): Promise<{ readonly before: Book; readonly after: Book } | null> {
    return this.#serially(async () => {
      const before = await this.find(id)
      if (!before) return null
      const after = { ...before, ...changes }
      await this.#documents.updateAsync({ _id: id }, toDocument(after), {})
      return { before, after }
    })
  }

  remove(id: string): Promise<Book | null> {
    return this.#serially(async () => {
      const book = await this.find(id)
      if (book) await this.#documents.removeAsync({ _id: id }, {})
      return book
    })
  }

  async count(): Promise<number> {
    return await this.#documents.countAsync({})
  }

  /** One write after the other: what a write says was there before it, was there. (MongoDB: `findOneAndUpdate`.) */
  #serially<T>(write: () => Promise<T>): Promise<T> {
    const done = this.#lastWrite.then(write)
    this.#lastWrite = done.catch(() => undefined) // its own caller hears of a failure; the next write goes on
    return done
  }
}

function toFilter({ q, author, year }: BookQuery): Record<string, unknown> {
  return {
    ...(q !== undefined && { foldedText: { $regex: new RegExp(q.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) } }),
    ...(author !== undefined && { foldedAuthor: author }),
    ...(year !== undefined && { year }),
  }
}

function toDocument({ id, title, author, year }: Book): BookDocument {
  return { _id: id, title, author, year, foldedAuthor: fold(author), foldedText: fold(`${title} ${author}`) }
}

function toBook({ _id, title, author, year }: BookDocument): Book {
  return { id: _id, title, author, year }
}
