import { describe, expect, it } from 'vitest'
import { encodeNotice, encodeTidings, type Notice, noNotice, parseNotice, type Tidings, tidingsOf } from './notice.js'

const place = { inc: 'aB3_-xyZ', seq: 12_345, nonce: 'nonce_01', previous: noNotice }

/** The texts of the log, character for character: processes of two versions read one log. */
const golden: readonly [Tidings, string][] = [
  [{ kind: 'key', cache: 'books', key: 'b 42' }, 'k aB3_-xyZ 12345 nonce_01 - ["books","b 42"]'],
  [{ kind: 'stale', cache: 'books', key: '' }, 's aB3_-xyZ 12345 nonce_01 - ["books",""]'],
  [{ kind: 'filled', cache: 'books', key: '"ö"\n' }, 'f aB3_-xyZ 12345 nonce_01 - ["books","\\"ö\\"\\n"]'],
  [{ kind: 'tags', scope: '*', tags: ['author:7', 'b'] }, 't aB3_-xyZ 12345 nonce_01 - ["*","author:7","b"]'],
  [{ kind: 'clear', scope: 'books' }, 'c aB3_-xyZ 12345 nonce_01 - ["books"]'],
  [{ kind: 'pattern', scope: 'books', parts: ['author:', ''] }, 'p aB3_-xyZ 12345 nonce_01 - ["books","author:",""]'],
]

describe('a notice', () => {
  it.each(golden)('%j is written as its golden text', (tidings, text) => {
    expect(encodeNotice({ ...place, ...tidings })).toBe(text)
  })

  it.each(golden)('%j is read from its golden text', (tidings, text) => {
    expect(parseNotice(text)).toEqual({ ...place, ...tidings })
  })

  it('tells a script the letter and the payload alone', () => {
    expect(encodeTidings({ kind: 'clear', scope: '*' })).toEqual({ kind: 'c', payload: '["*"]' })
  })

  it('of a group tells of its pattern, its tags, or of everything', () => {
    expect(tidingsOf({ scope: 'books', tags: [], parts: ['a', ''] })).toEqual({ kind: 'pattern', scope: 'books', parts: ['a', ''] })
    expect(tidingsOf({ scope: '*', tags: ['a'] })).toEqual({ kind: 'tags', scope: '*', tags: ['a'] })
    expect(tidingsOf({ scope: '*', tags: [] })).toEqual({ kind: 'clear', scope: '*' })
  })

  it.each(['__proto__', 'a\nb\r\n', '{tag} [1] "x" \\', '\u2028', '\ufeff', '\ud800', '😀', ' '.repeat(500)])('keeps the key %j', (key) => {
    const notice: Notice = { ...place, kind: 'key', cache: 'c ["', key }
    expect(parseNotice(encodeNotice(notice))).toEqual(notice)
  })

  it('keeps a seq as long as a number is exact', () => {
    const notice: Notice = { ...place, seq: Number.MAX_SAFE_INTEGER, kind: 'clear', scope: '*' }
    expect(parseNotice(encodeNotice(notice))).toEqual(notice)
  })

  it.each([
    '',
    'hello',
    'k aB3_-xyZ 12345 nonce_01 -',
    'k aB3_-xyZ 12345 nonce_01 - ["books"]',
    'k aB3_-xyZ 12345 nonce_01 - ["books",7]',
    'k aB3_-xyZ 12345 nonce_01 - ["books","b"',
    'k aB3_-xyZ 12345 nonce_01 - ["books","b"] ',
    'k aB3_-xyZ -1 nonce_01 - ["books","b"]',
    'k aB3_-xyZ nonce_01 - ["books","b"]',
    'z aB3_-xyZ 12345 nonce_01 - ["books","b"]',
    'c aB3_-xyZ 12345 nonce_01 - []',
    't aB3_-xyZ 12345 nonce_01 - ["books"]',
    'p aB3_-xyZ 12345 nonce_01 - ["books"]',
    'k aB3_-xyZ 12345 nonce_01 - {"0":"books"}',
  ])('is not seen in %j', (text) => {
    expect(parseNotice(text)).toBeUndefined()
  })
})
