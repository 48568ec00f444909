/** A title of the catalogue. */
export type Book = {
  readonly id: string
  readonly title: string
  readonly author: string
  /** Year of first publication; before our era: negative. */
  readonly year: number
}

/** What may be changed about a book: anything but its id. */
export type BookChanges = Partial<Omit<Book, 'id'>>

/** Which books are asked for. `q` and `author` are folded (see `fold`), so that one question has one form. */
export type BookQuery = {
  readonly q?: string | undefined
  readonly author?: string | undefined
  readonly year?: number | undefined
  readonly page: number
}

/** One page of an answer. */
export type BookPage = {
  readonly books: readonly Book[]
  readonly total: number
  readonly page: number
  readonly pages: number
}

export const pageSize = 20

/** Where the books live. Small enough for any document database; here it is an embedded one. */
export interface BookRepository {
  find(id: string): Promise<Book | null>
  list(query: BookQuery): Promise<BookPage>
  insert(book: Book): Promise<'inserted' | 'exists'>
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
  remove(bookId: string): Promise<void>
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
