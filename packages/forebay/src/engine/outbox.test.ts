import { describe, expect, it } from 'vitest'
import type { Tidings } from '../core/notice.js'
import { mostUnsent } from '../core/plan.js'
import { Outbox } from './outbox.js'

const book = (key: string, cache = 'books'): Tidings => ({ kind: 'key', cache, key })
const waiting = (outbox: Outbox) => outbox.all().map(({ tidings }) => tidings)

function filled(count: number, tidings: (i: number) => Tidings): Outbox {
  const outbox = new Outbox(mostUnsent)
  for (let i = 0; i < count; i++) outbox.add(`n${i}`, tidings(i))
  return outbox
}

describe('the outbox', () => {
  it('keeps invalidations in their order, each once, the last time it was meant', () => {
    const outbox = new Outbox(mostUnsent)
    for (const key of ['a', 'b', 'a']) outbox.add(`n-${key}-${outbox.size}`, book(key))
    expect(outbox.all()).toEqual([
      { nonce: 'n-b-1', tidings: book('b') },
      { nonce: 'n-a-2', tidings: book('a') },
    ])
    expect(outbox.first()).toEqual({ nonce: 'n-b-1', tidings: book('b') })
  })

  it('keeps a mark as an invalidation: what comes late must not leave anything', () => {
    const outbox = new Outbox(mostUnsent)
    outbox.add('n', { kind: 'stale', cache: 'books', key: 'a' })
    expect(waiting(outbox)).toEqual([book('a')])
  })

  it('lets go of what was sent, unless it was meant again since', () => {
    const outbox = new Outbox(mostUnsent)
    outbox.add('first', book('a'))
    const sending = outbox.first()
    outbox.add('again', book('a'))
    if (sending !== undefined) outbox.sent(sending)
    expect(outbox.all()).toEqual([{ nonce: 'again', tidings: book('a') }])
    const last = outbox.first()
    if (last !== undefined) outbox.sent(last)
    expect([outbox.size, outbox.first()]).toEqual([0, undefined])
  })

  it('keeps what was meant later in place of what was lost before', () => {
    const outbox = new Outbox(mostUnsent)
    outbox.add('later', book('a'))
    outbox.addLost('lost', book('a'))
    outbox.addLost('lost too', book('b'))
    expect(outbox.all().map(({ nonce }) => nonce)).toEqual(['later', 'lost too'])
  })

  it('full of single keys becomes the clear of their caches', () => {
    const outbox = filled(mostUnsent, (i) => book(`k${i}`, i % 2 === 0 ? 'books' : 'films'))
    expect(outbox.size).toBe(mostUnsent)
    expect(outbox.add('one more', book('x'))).toBe(true)
    expect(waiting(outbox)).toEqual([
      { kind: 'clear', scope: 'books' },
      { kind: 'clear', scope: 'films' },
    ])
    expect(outbox.add('after', book('y'))).toBe(false)
    expect(outbox.size).toBe(3)
  })

  it('full of tags becomes the clear of their cache, and of the service where one was meant there', () => {
    const outbox = filled(mostUnsent, (i) => ({ kind: 'tags', scope: 'books', tags: [`t${i}`] }))
    outbox.add('all', { kind: 'tags', scope: '*', tags: ['t'] })
    expect(waiting(outbox)).toEqual([{ kind: 'clear', scope: '*' }])
  })
})
