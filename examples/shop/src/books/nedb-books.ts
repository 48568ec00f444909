import {
  type Author,
  type Book,
  type BookChanges,
  type BookFacts,
  type BookList,
  type BookQuery,
  type BookRepository,
  fold,
  pageSize,
} from './book.js'
import type { Datastore } from './datastore.js'
import { oneByOne } from './one-by-one.js'

/** A book as it is stored, with the folded text that searches compare. */
export interface BookDocument {
  readonly _id: string
  readonly title: string
  readonly author: string
  readonly year: number
  readonly foldedAuthor: string
  readonly foldedText: string
  /** Missing in data folders from before books had versions. */
  readonly changedAt?: Date
  readonly version?: number
}

/** Books in an embedded document store. Queries are in the language of MongoDB, so that the way there is short. */
export class NedbBooks implements BookRepository {
  readonly #documents: Datastore<BookDocument>
  /** What a write says was there before it, was there. (MongoDB: `findOneAndUpdate`.) */
  readonly #serially = oneByOne()

  constructor(documents: Datastore<BookDocument>) {
    this.#documents = documents
  }

  async find(id: string): Promise<Book | null> {
    const document: BookDocument | null = await this.#documents.findOneAsync({ _id: id })
    return document && toBook(document)
  }

  async findMany(ids: readonly string[]): Promise<Book[]> {
    return (await this.#documents.findAsync({ _id: { $in: [...ids] } })).map(toBook)
  }

  async all(): Promise<Book[]> {
    return (await this.#documents.findAsync({})).map(toBook)
  }

  async author(foldedName: string): Promise<Author | null> {
    const books = (await this.#documents.findAsync({ foldedAuthor: foldedName })).map(toBook)
    const [first] = books
    if (!first) return null
    const decades = new Map<number, number>()
    for (const decade of books.map(({ year }) => Math.floor(year / 10) * 10).sort((a, b) => a - b)) {
      decades.set(decade, (decades.get(decade) ?? 0) + 1)
    }
    return { name: first.author, titles: books.length, decades }
  }

  async list(query: BookQuery): Promise<BookList> {
    const filter = toFilter(query)
    const [documents, total] = await Promise.all([
      this.#documents
        .findAsync(filter)
        .sort({ year: 1, _id: 1 })
        .skip((query.page - 1) * pageSize)
        .limit(pageSize),
      this.#documents.countAsync(filter),
    ])
    return { ids: documents.map(({ _id }) => _id), total, page: query.page, pages: Math.ceil(total / pageSize) }
  }

  insert(id: string, facts: BookFacts): Promise<Book | 'exists'> {
    return this.#serially(async () => {
      if (await this.find(id)) return 'exists'
      const book = { id, ...facts, changedAt: new Date(), version: 1 }
      await this.#documents.insertAsync(toDocument(book))
      return book
    })
  }

  async insertMany(books: readonly Book[]): Promise<void> {
    await this.#serially(() => this.#documents.insertAsync(books.map(toDocument)))
  }

  update(id: string, changes: BookChanges): Promise<{ readonly before: Book; readonly after: Book } | null> {
    return this.#serially(async () => {
      const before = await this.find(id)
      if (!before) return null
      const after = { ...before, ...changes, changedAt: new Date(), version: before.version + 1 }
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
}

function toFilter({ q, author, year }: BookQuery): Record<string, unknown> {
  return {
    ...(q !== undefined && { foldedText: { $regex: new RegExp(q.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) } }),
    ...(author !== undefined && { foldedAuthor: author }),
    ...(year !== undefined && { year }),
  }
}

function toDocument({ id, title, author, year, changedAt, version }: Book): BookDocument {
  return { _id: id, title, author, year, foldedAuthor: fold(author), foldedText: fold(`${title} ${author}`), changedAt, version }
}

function toBook({ _id, title, author, year, changedAt = new Date(0), version = 1 }: BookDocument): Book {
  return { id: _id, title, author, year, changedAt, version }
}
