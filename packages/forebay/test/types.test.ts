import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type Cache,
  type CacheOptions,
  createForebay,
  type DeepReadonly,
  doNotStore,
  entry,
  type ErrorCode,
  type Forebay,
  type ForebayOptions,
  type GetOrSetOptions,
  type Key,
  type LoadContext,
  type ReadResult,
  type SetOptions,
  type StaleReason,
  type Tier,
  type ValueCodec,
  type WriteResult,
} from '../src/index.js'

/**
 * What users type must compile under their strictest settings (`exactOptionalPropertyTypes` is on here), and what is wrong must not. The
 * compiler is the test: `npm run check` compiles this file. What is declared in `typed` is never run.
 */
interface Book {
  title: string
  authors: { id: number }[]
}

function typed(declare: () => unknown): void {
  expect(declare).toBeInstanceOf(Function)
}

/** Types alone: what they are called on is never run. */
declare const forebay: Forebay
declare const books: Cache<Book | null>

describe('options', () => {
  it('may be undefined, each of them, so that they can be passed on', () => {
    expectTypeOf<{ [P in keyof Required<CacheOptions>]: undefined }>().toExtend<CacheOptions>()
    expectTypeOf<{ [P in keyof Required<GetOrSetOptions>]: undefined }>().toExtend<GetOrSetOptions>()
    expectTypeOf<{ [P in keyof Required<SetOptions>]: undefined }>().toExtend<SetOptions>()
    expectTypeOf<{ service: string; redis: undefined; shards: undefined; defaults: undefined }>().toExtend<ForebayOptions>()
    expectTypeOf<{ service: string; redis: string | undefined }>().toExtend<ForebayOptions>()
    expectTypeOf<{ timeout: undefined }>().toExtend<Parameters<Forebay['close']>[0]>()
  })

  it('take durations with their unit, and no other text', () => {
    expectTypeOf<'250ms' | '1.5s' | '5m' | '2h' | '1d' | 5>().toExtend<CacheOptions['ttl']>()
    expectTypeOf<'5 minutes'>().not.toExtend<CacheOptions['ttl']>()
    expectTypeOf<'5'>().not.toExtend<CacheOptions['ttl']>()
    expectTypeOf<Date>().not.toExtend<CacheOptions['ttl']>()
  })

  it('that are misspelt do not compile', () => {
    // @ts-expect-error there is no tll
    typed(() => forebay.cache('books', { tll: '5m' }))
    // @ts-expect-error the service has no ttl of its own
    typed(() => createForebay({ service: 'shop', ttl: '5m' }))
    // @ts-expect-error a service has a name
    typed(() => createForebay({}))
    // @ts-expect-error one of two words
    typed(() => forebay.cache('books', { onOutage: 'fail' }))
  })

  it('give the tags function a value that is neither null nor undefined', () => {
    typed(() =>
      forebay.cache<Book | null | undefined>('books', {
        tags: (book, key) => {
          expectTypeOf(book).toEqualTypeOf<Book>()
          expectTypeOf(key).toEqualTypeOf<Key>()
          return book.authors.map(({ id }) => `author:${id}`)
        },
      }),
    )
  })
})

describe('values', () => {
  it('come back read-only all the way down, with null where it is one of them', () => {
    typed(async () => {
      const book = await books.getOrSet('b42', () => null)
      expectTypeOf(book).toEqualTypeOf<DeepReadonly<Book> | null>()
      expectTypeOf(books.peek('b42')).toEqualTypeOf<DeepReadonly<Book> | null | undefined>()
      expectTypeOf(await books.get('b42')).toEqualTypeOf<DeepReadonly<Book> | null | undefined>()
      expectTypeOf(await books.read('b42')).toEqualTypeOf<ReadResult<Book | null>>()
      // @ts-expect-error it is frozen
      if (book !== null) book.title = 'Emma'
      // @ts-expect-error deeply
      if (book !== null) book.authors.push({ id: 1 })
    })
    expectTypeOf<DeepReadonly<[string, { a: number[] }]>>().toEqualTypeOf<readonly [string, { readonly a: readonly number[] }]>()
    expectTypeOf<DeepReadonly<unknown>>().toBeUnknown()
    expectTypeOf<DeepReadonly<'a' | 1 | undefined>>().toEqualTypeOf<'a' | 1 | undefined>()
  })

  it('are the caller’s own where they are cloned, and everybody’s where they are shared', () => {
    typed(async () => {
      const cloned = forebay.cache<Book | null>('books', { values: 'cloned', ttl: '5m' })
      expectTypeOf(await cloned.getOrSet('b42', () => null)).toEqualTypeOf<Book | null>()
      expectTypeOf(cloned.peek('b42')).toEqualTypeOf<Book | null | undefined>()
      expectTypeOf((await cloned.fetch('b42', () => null)).value).toEqualTypeOf<Book | null>()
      expectTypeOf(forebay.cache<Book>('books', { values: 'shared' }).peek('b42')).toEqualTypeOf<Book | undefined>()
      expectTypeOf(forebay.cache<Book>('books', { values: 'frozen' }).peek('b42')).toEqualTypeOf<DeepReadonly<Book> | undefined>()
      // @ts-expect-error one of three words
      forebay.cache('books', { values: 'copied' })
    })
  })

  it('that cannot be frozen keep their type, but for maps and sets', () => {
    expectTypeOf<DeepReadonly<{ at: Date; bytes: Buffer; error: TypeError; like: RegExp }>>().toEqualTypeOf<{
      readonly at: Date
      readonly bytes: Buffer
      readonly error: TypeError
      readonly like: RegExp
    }>()
    expectTypeOf<DeepReadonly<Map<string, number[]>>>().toEqualTypeOf<ReadonlyMap<string, readonly number[]>>()
    expectTypeOf<DeepReadonly<Set<{ a: 1 }>>>().toEqualTypeOf<ReadonlySet<{ readonly a: 1 }>>()
  })

  it('of a class go through a codec, whose functions know their types', () => {
    class Money {
      constructor(readonly cents: number) {}
    }
    const money: ValueCodec<Money, number> = {
      name: 'money',
      class: Money,
      encode: (given) => given.cents,
      decode: (cents) => new Money(cents),
    }
    expectTypeOf([money]).toExtend<ForebayOptions['codecs']>()
    typed(() =>
      createForebay({
        service: 'shop',
        codecs: [
          {
            name: 'money',
            class: Money,
            encode: ({ cents }: Money) => ({ cents }),
            decode: (plain: { cents: number }) => new Money(plain.cents),
          },
        ],
      }),
    )
    // @ts-expect-error it must be able to come back
    typed(() => createForebay({ service: 'shop', codecs: [{ name: 'money', class: Money, encode: ({ cents }: Money) => cents }] }))
  })

  it('are unknown where nobody says what they are', () => {
    typed(async () => expectTypeOf(await forebay.cache('any').get('k')).toBeUnknown())
  })

  it('are told with their state, and each state has what belongs to it', () => {
    typed(async () => {
      const found = await books.read('b42')
      if (found.state === 'miss') return expectTypeOf(found).not.toHaveProperty('value')
      expectTypeOf(found.tier).toEqualTypeOf<Tier>()
      if (found.state === 'stale') expectTypeOf(found.why).toEqualTypeOf<StaleReason>()
      if (found.state === 'fresh') expectTypeOf(found).not.toHaveProperty('why')
      return expectTypeOf((await books.fetch('b42', () => null)).state).toEqualTypeOf<'fresh' | 'stale'>()
    })
  })
})

describe('loaders', () => {
  it('know their key as it was given, and have a signal', () => {
    typed(() =>
      books.getOrSet({ id: 7, lang: 'en' }, ({ key, signal }) => {
        expectTypeOf(key.id).toBeNumber()
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
        return null
      }),
    )
    typed(() => books.getOrSet(7, async ({ key, previous }: LoadContext<number>) => (key > 1 && previous === null ? null : null)))
  })

  it('return the cache’s values: plain, promised, as an entry, or not to be stored', () => {
    const book: Book = { title: 'Dune', authors: [] }
    typed(() => books.getOrSet('a', () => book))
    typed(() => books.getOrSet('a', async () => (book.title === '' ? null : book)))
    typed(() => books.getOrSet('a', () => entry(book, { ttl: '5m', tags: ['x'] })))
    typed(() => books.getOrSet('a', async () => (book.title === '' ? doNotStore(null) : entry(book, { ttl: undefined }))))
    // @ts-expect-error a number is no book
    typed(() => books.getOrSet('a', () => 5))
    // @ts-expect-error not in an entry either
    typed(() => books.getOrSet('a', () => entry(5, {})))
    // @ts-expect-error undefined is not one of its values
    typed(() => books.getOrSet('a', async () => undefined))
    // @ts-expect-error nor may it be set
    typed(() => books.set('a', undefined))
  })
})

describe('keys', () => {
  it('are strings, numbers and structures of them', () => {
    expectTypeOf<'a' | 1 | readonly ['a', 1, null, { b: true }] | { id: number; lang: string | undefined }>().toExtend<Key>()
    // @ts-expect-error a date is none
    typed(() => books.get(new Date(0)))
    // @ts-expect-error nor is undefined
    typed(() => books.get(undefined))
    // @ts-expect-error nor a bigint
    typed(() => books.get(5n))
  })
})

describe('the rest', () => {
  it('is typed by what it is', () => {
    typed(async () => {
      expectTypeOf(await books.invalidate('b42')).toEqualTypeOf<WriteResult>()
      expectTypeOf((await forebay.invalidateTags(['a'])).state).toEqualTypeOf<'acknowledged' | 'queued'>()
      expectTypeOf((await forebay.close({ timeout: '5s' })).unsent).toBeNumber()
      forebay.on('stale', ({ why, key }) => {
        expectTypeOf(why).toEqualTypeOf<StaleReason>()
        expectTypeOf(key).toBeString()
      })
      // @ts-expect-error there is no such event
      forebay.on('hits', () => {})
      await using other = createForebay({ service: 'shop', redis: false })
      return other
    })
    expectTypeOf<'E_CLOSED' | 'E_OPTION'>().toExtend<ErrorCode>()
    expectTypeOf<'E_UNKNOWN'>().not.toExtend<ErrorCode>()
  })
})
