/** A title of the catalogue. */
export type Book = {
  readonly id: string
  readonly title: string
  readonly author: string
  /** Year of first publication; before our era: negative. */
  readonly year: number
  /** When the shop last changed what it says about the book. */
  readonly changedAt: Date
  /** Grows by one with each change. */
  readonly version: number
}

/** What customers and staff say about a book; the rest the store sees to. */
export type BookFacts = Pick<Book, 'title' | 'author' | 'year'>

/** What may be changed about a book: anything but its id. */
export type BookChanges = Partial<BookFacts>

/** Which books are asked for. `q` and `author` are folded (see `fold`), so that one question has one form. */
export type BookQuery = {
  readonly q?: string | undefined
  readonly author?: string | undefined
  readonly year?: number | undefined
  readonly page: number
}

/** One page of an answer: which books, not what they are. */
export type BookList = {
  readonly ids: readonly string[]
  readonly total: number
  readonly page: number
  readonly pages: number
}

export const pageSize = 20

/** What the shop has of an author. */
export type Author = {
  readonly name: string
  readonly titles: number
  /** How many titles appeared in which decade: 1810 → 4. */
  readonly decades: ReadonlyMap<number, number>
}

/** The books that a customer has put aside, and when. */
export type Shelf = ReadonlyMap<string, Date>

export const shelfSize = 100

/** Where the books live. Small enough for any document database; here it is an embedded one. */
export interface BookRepository {
  find(id: string): Promise<Book | null>
  /** The books with these ids by one query, in any order; unknown ids are left out. */
  findMany(ids: readonly string[]): Promise<Book[]>
  list(query: BookQuery): Promise<BookList>
  /** All books, for the printed catalogue. */
  all(): Promise<Book[]>
  /** By the folded name; `null` where the shop has no book of that author. */
  author(foldedName: string): Promise<Author | null>
  insert(id: string, facts: BookFacts): Promise<Book | 'exists'>
  /** Both versions of the book, so that a cache knows what to forget; `null` where there is no such book. */
  update(id: string, changes: BookChanges): Promise<{ readonly before: Book; readonly after: Book } | null>
  remove(id: string): Promise<Book | null>
  count(): Promise<number>
}

/** How many customers wish for a book. */
export interface WishRepository {
  count(bookId: string): Promise<number>
  /** Adds one wish and tells how many there are now. */
  add(bookId: string): Promise<number>
  /** Ids of the books most wished for, the most wanted first. */
  mostWished(count: number): Promise<string[]>
  remove(bookId: string): Promise<void>
}

/** What each customer has put aside. */
export interface ShelfRepository {
  of(customer: string): Promise<Shelf>
  /** Puts a book on a shelf. A full shelf stays as it is. */
  put(customer: string, bookId: string): Promise<Shelf>
  take(customer: string, bookId: string): Promise<Shelf>
}

/** Text in the form it is compared in: without accents, case and surplus spaces. */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/g, ' ').trim()
}

/** The id a title has by default: `Jane Eyre` → `jane-eyre`. Empty where a title has no Latin letter and no digit. */
export function idOfTitle(title: string): string {
  const words =
    fold(title)
      .replace(/['’]/g, '')
      .match(/[a-z0-9]+/g) ?? []
  return words.join('-').slice(0, 80).replace(/-$/, '')
}
