import { entry, type FetchResult, type Forebay } from 'forebay'
import { type Author, type BookRepository, fold } from '../books/book.js'
import { tagOfAuthor } from './tags.js'

/**
 * A cache that owns its loader: whoever asks needs not know how an author is looked up. The `Map` in the value is one in every
 * process. An author whom the shop does not know has the tag too, so that his first book makes him known at once.
 */
export function authors(forebay: Forebay, repository: BookRepository) {
  const known = forebay.loadingCache<Author | null, string>('authors', {
    ttl: '1h',
    negativeTtl: '1m',
    staleIfError: '1d',
    load: async ({ key }) => entry(await repository.author(key), { tags: [tagOfAuthor(key)] }),
  })

  return {
    cache: known.cache,
    read(name: string): Promise<FetchResult<Author | null>> {
      return known.fetch(fold(name))
    },
  }
}
