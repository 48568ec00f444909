import { tag } from 'forebay'
import { type Book, type BookQuery, fold } from '../books/book.js'

/**
 * What depends on which books. Everything that is made of several books carries one tag, of the narrowest thing that decides which
 * books can be in it: a book by Jane Austen of 1813 can only be in lists of Jane Austen, else in lists of 1813, else in what is not
 * filtered by either. When it changes, three tags reach all of that, in whichever cache it is, and the rest stays.
 */
export function tagOfList({ author, year }: BookQuery): string {
  if (author !== undefined) return tagOfAuthor(author)
  return year === undefined ? anyBook : tag('year', year)
}

export function tagOfAuthor(name: string): string {
  return tag('author', fold(name))
}

/** On what any book may change. */
export const anyBook = 'any-book'

/** The tags of all that these versions of a book are part of, or were. */
export function tagsAround(versions: readonly Book[]): string[] {
  return [...new Set(versions.flatMap(({ author, year }) => [tagOfAuthor(author), tag('year', year), anyBook]))]
}
