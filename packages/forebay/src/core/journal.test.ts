import { describe, expect, it } from 'vitest'
import { encodeRecord, type JournalRecord, journalHead, readJournal } from './journal.js'

const records: readonly JournalRecord[] = [
  { nonce: 'abcdefgh.0', tidings: { kind: 'key', cache: 'books', key: 'b 42 "ä" \n 📖 \ud800 \r\u2028\u2029' } },
  { nonce: 'abcdefgh.1~ijklmnop.7', tidings: { kind: 'tags', scope: '*', tags: ['author:7', 'a b'] } },
  { nonce: 'abcdefgh.2', tidings: { kind: 'pattern', scope: 'books', parts: ['draft:', ':', ''] } },
  { nonce: 'abcdefgh.3', tidings: { kind: 'clear', scope: 'books' } },
]
const head = journalHead('shop')
const whole = head + records.map(encodeRecord).join('')

describe('a journal', () => {
  it('gives back what was written', () => {
    expect(readJournal(whole, 'shop')).toEqual({ records, damaged: false })
    expect(readJournal('', 'shop')).toEqual({ records: [], damaged: false })
    expect(readJournal(head, 'shop')).toEqual({ records: [], damaged: false })
  })

  it('cut anywhere has the lines before the cut, and is not damaged: nobody was answered for the last one', () => {
    for (let end = 0; end < whole.length; end++) {
      const { records: found, damaged } = readJournal(whole.slice(0, end), 'shop')
      expect(damaged).toBe(false)
      expect(found).toEqual(records.slice(0, found.length))
      const kept = head.length + found.map(encodeRecord).join('').length
      if (end >= head.length) expect(end - kept).toBeLessThan(encodeRecord(records[found.length] as JournalRecord).length)
    }
  })

  it('altered anywhere is damaged, and keeps what can be read', () => {
    for (let at = 0; at < whole.length - 1; at++) {
      const { records: found, damaged } = readJournal(`${whole.slice(0, at)}\0${whole.slice(at + 1)}`, 'shop')
      expect(damaged).toBe(true)
      expect(found.length).toBeGreaterThanOrEqual(records.length - 2)
    }
  })

  it('of another service, another version or of zeros is damaged', () => {
    expect(readJournal(whole, 'stock').damaged).toBe(true)
    expect(readJournal(whole.replace('outbox 1', 'outbox 2'), 'shop').damaged).toBe(true)
    expect(readJournal('\0'.repeat(100), 'shop').damaged).toBe(true)
  })
})
