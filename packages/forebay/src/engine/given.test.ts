import { describe, expect, test } from 'vitest'
import { createTestForebay } from '../testing/create-test-forebay.js'
import { entry } from './public.js'

type Untyped = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>

/** As a program without types would call it. */
function untyped() {
  const { forebay } = createTestForebay({ defaults: { ttl: '1m' } })
  return { forebay: forebay as unknown as Untyped, books: forebay.cache('books', { staleIfError: '1h' }) as unknown as Untyped }
}

describe('a mistake that no types have told of', () => {
  test.each([
    ['getOrSet without a loader', (books: Untyped) => books.getOrSet?.('b42'), 'E_OPTION: the loader is undefined; a function'],
    ['getOrSet with a value', (books: Untyped) => books.getOrSet?.('b42', 7), 'E_OPTION: the loader is 7; a function'],
    ['a ttl in place of options', (books: Untyped) => books.getOrSet?.('b42', () => 1, 60), 'E_OPTION: the options are 60; an object'],
    ['the same in set', (books: Untyped) => books.set?.('b42', 1, 60), 'E_OPTION: the options are 60; an object'],
    ['a misspelt option', (books: Untyped) => books.set?.('b42', 1, { tll: '5m' }), 'E_OPTION: tll is no option'],
    [
      'a misspelt option of a value',
      (books: Untyped) => books.getOrSet?.('b42', () => entry(1, { tag: ['a'] } as object)),
      'E_OPTION: tag is no option',
    ],
    ['one tag without its list', (books: Untyped) => books.invalidateTags?.('author:7'), 'E_TAG: tags are "author:7"; an array of tags'],
    ['a text for keys', (books: Untyped) => books.getMany?.('b42'), 'E_OPTION: keys is "b42"; an array'],
    ['no keys', (books: Untyped) => books.deleteMany?.(), 'E_OPTION: keys is undefined; an array'],
    ['entries as an object', (books: Untyped) => books.setMany?.({ b42: 1 }), 'E_OPTION: the entries is'],
    ['a bulk load without a loader', (books: Untyped) => books.getOrSetMany?.(['b42']), 'E_OPTION: the loader is undefined; a function'],
    ['a warm-up without a loader', (books: Untyped) => books.warm?.(['b42']), 'E_OPTION: the loader is undefined; a function'],
    ['entries that are no pairs', (books: Untyped) => books.setMany?.(['b42']), 'E_OPTION: an entry is "b42"; a pair [key, value]'],
    [
      'a misspelt repetition',
      (books: Untyped) => books.invalidate?.('b42', { agian: '1s' }),
      'E_OPTION: agian is no option here; there are again',
    ],
    [
      'a span in place of options',
      (books: Untyped) => books.invalidateTags?.(['a'], '1s'),
      'E_OPTION: the options are "1s"; an object of again',
    ],
    [
      'a misspelt option of a bulk load',
      (books: Untyped) => books.getOrSetMany?.(['b42'], () => [], { chnk: 5 }),
      'E_OPTION: chnk is no option',
    ],
    ['one of a warm-up', (books: Untyped) => books.warm?.(['b42'], () => 1, { concurency: 5 }), 'E_OPTION: concurency is no option'],
    [
      'one of a bulk warm-up',
      (books: Untyped) => books.warmMany?.(['b42'], () => [], { concurrency: 5 }),
      'E_OPTION: concurrency is no option',
    ],
    [
      'a signal that is none',
      (books: Untyped) => books.getOrSet?.('b42', () => 1, { signal: 'stop' }),
      'E_OPTION: signal is "stop"; an AbortSignal',
    ],
    ['the same in get', (books: Untyped) => books.get?.('b42', { signal: {} }), 'E_OPTION: signal is an object; an AbortSignal'],
    ['the same in getMany', (books: Untyped) => books.getMany?.(['b42'], { signal: 5 }), 'E_OPTION: signal is 5; an AbortSignal'],
    ['the same in getOrSetMany', (books: Untyped) => books.getOrSetMany?.(['b42'], () => [], { signal: 5 }), 'E_OPTION: signal is 5'],
    ['the same in a warm-up', (books: Untyped) => books.warm?.(['b42'], () => 1, { signal: null }), 'E_OPTION: signal is null'],
    ['an update without a commit', (books: Untyped) => books.update?.('b42'), 'E_OPTION: commit is undefined; a function'],
  ] as const)('%s', async (_, call, message) => {
    await expect(call(untyped().books)).rejects.toThrow(message)
  })

  test('at the service: what is wrapped, who listens, how it ends', async () => {
    const { forebay } = untyped()
    await expect(forebay.close?.({ timeot: '5s' })).rejects.toThrow('E_OPTION: timeot is no option here; there are timeout')
    await expect(forebay.invalidateTags?.(['a'], { agian: '1s' })).rejects.toThrow('E_OPTION: agian is no option')
    expect(() => forebay.wrap?.(7, { name: 'search' })).toThrow('E_OPTION: wrap is given 7; a function')
    expect(() => forebay.on?.('load')).toThrow('E_OPTION: the listener is undefined; a function')
    expect(() => forebay.onAny?.(null)).toThrow('E_OPTION: the listener is null; a function')
  })
})
