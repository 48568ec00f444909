import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NearBounds, NearEntry } from '../core/near-store.js'
import { ClockStore } from './near-store.js'

function opened(bounds: Partial<NearBounds> = {}) {
  const removed: string[] = []
  const store = new ClockStore<string>({ maxEntries: 1_000, maxBytes: 1_000_000, ...bounds }, (standing) => removed.push(standing))
  const put = (key: string, rest: Partial<NearEntry<string>> = {}) =>
    store.put({
      key,
      value: `value of ${key}`,
      standing: key,
      createdMs: 1,
      freshUntilMs: 2,
      staleUntilMs: 3,
      errorUntilMs: 4,
      bytes: 100,
      ...rest,
    })
  const has = (...keys: string[]) => keys.map((key) => store.get(key) !== undefined)
  return { store, removed, put, has }
}

/** What the store counts for an entry with a key of one letter, whatever its constant is. */
function countedFor(bytes: number): number {
  const { store, put } = opened({ maxBytes: 1e9 })
  put('k', { bytes })
  return store.bytes
}

describe('the near store', () => {
  it('gives back what was put', () => {
    const { store, put } = opened()
    put('a')
    expect(store.get('a')).toMatchObject({
      key: 'a',
      value: 'value of a',
      standing: 'a',
      createdMs: 1,
      freshUntilMs: 2,
      staleUntilMs: 3,
      errorUntilMs: 4,
    })
    expect(store.get('b')).toBeUndefined()
  })

  it('holds no more entries than it may, and lets the oldest go', () => {
    const { store, put, has, removed } = opened({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) put(key)
    expect(store.entries).toBe(3)
    expect(removed).toEqual(['a', 'b'])
    expect(has('a', 'b', 'c', 'd', 'e')).toEqual([false, false, true, true, true])
  })

  it('holds no more bytes than it may', () => {
    const maxBytes = 20 * countedFor(100)
    const { store, put, removed } = opened({ maxBytes })
    for (let i = 0; i < 21; i++) put(String.fromCharCode(97 + i))
    expect(store.bytes).toBe(maxBytes)
    put('A', { bytes: 101 })
    expect(removed).toEqual(['a', 'b', 'c'])
    expect(store.bytes).toBeLessThanOrEqual(maxBytes)
  })

  it('counts the value, the key and the cost of an entry', () => {
    expect(countedFor(101) - countedFor(100)).toBe(1)
    const { store, put } = opened()
    put('k'.repeat(11))
    expect(store.bytes).toBe(countedFor(100) + 20)
    expect(countedFor(0)).toBeGreaterThan(200)
  })

  it('does not keep an entry larger than a tenth of all bytes, nor an older one under its key', () => {
    const { store, put, has, removed } = opened({ maxBytes: 10 * countedFor(100) })
    put('a')
    put('b')
    put('a', { bytes: 101, standing: 'too large' })
    expect(has('a', 'b')).toEqual([false, true])
    expect(removed).toEqual(['a', 'too large'])
    expect(store.entries).toBe(1)
  })

  it('keeps nothing where there is no room for any entry', () => {
    const { store, put, removed } = opened({ maxEntries: 0 })
    put('a')
    expect(store.entries).toBe(0)
    expect(removed).toEqual(['a'])
  })

  it('gives an entry that was used a second chance', () => {
    const { store, put, removed } = opened({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) put(key)
    store.get('a')
    put('d')
    put('e')
    expect(removed).toEqual(['b', 'c'])
    put('f')
    put('g')
    expect(removed).toEqual(['b', 'c', 'd', 'a'])
  })

  it('evicts in the end though everything is in use', () => {
    const { store, put, has } = opened({ maxEntries: 100 })
    for (let i = 0; i < 100; i++) put(`k${i}`)
    for (let i = 0; i < 100; i++) store.get(`k${i}`)
    put('new')
    expect(store.entries).toBe(100)
    expect(has('k0', 'k31', 'k32', 'new')).toEqual([true, true, false, true])
  })

  it('puts an entry in place of an older one of the same key', () => {
    const { store, put, removed } = opened()
    put('a')
    put('a', { value: 2, standing: 'second', bytes: 150 })
    expect(store.get('a')).toMatchObject({ value: 2, standing: 'second' })
    expect([store.entries, store.bytes]).toEqual([1, countedFor(150)])
    expect(removed).toEqual(['a'])
    expect(store.takeEvicted()).toBe(0)
  })

  it('forgets what is deleted, and is not troubled by what is not there', () => {
    const { store, put, has, removed } = opened()
    for (const key of ['a', 'b', 'c']) put(key)
    store.delete('b')
    store.delete('b')
    store.delete('x')
    expect(has('a', 'b', 'c')).toEqual([true, false, true])
    expect(removed).toEqual(['b'])
    expect([store.entries, store.bytes]).toEqual([2, 2 * countedFor(100)])
  })

  it('forgets everything at once, and goes on', () => {
    const { store, put, has, removed } = opened({ maxEntries: 2 })
    put('a')
    put('b')
    store.clear()
    expect([store.entries, store.bytes]).toEqual([0, 0])
    expect(removed).toEqual(['a', 'b'])
    for (const key of ['c', 'd', 'e']) put(key)
    expect(has('c', 'd', 'e')).toEqual([false, true, true])
  })

  it('counts what it evicts until it is asked', () => {
    const { store, put } = opened({ maxEntries: 1 })
    for (const key of ['a', 'b', 'c']) put(key)
    store.delete('c')
    expect([store.takeEvicted(), store.takeEvicted()]).toEqual([2, 0])
  })

  it('keeps its books whatever happens', () => {
    const act = fc.record({
      what: fc.constantFrom('put', 'put', 'put', 'get', 'delete', 'clear'),
      key: fc.constantFrom(...'abcdefghij'),
      bytes: fc.nat(600),
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
        const maxBytes = 3_000
        const removed: string[] = []
        const store = new ClockStore<string>({ maxEntries: 6, maxBytes }, (standing) => removed.push(standing))
        let puts = 0
        for (const { what, key, bytes } of acts) {
          if (what === 'get') expect(store.get(key)?.key ?? key).toBe(key)
          else if (what === 'delete') store.delete(key)
          else if (what === 'clear' && bytes < 60) store.clear()
          else if (what === 'put') {
            store.put({
              key,
              value: bytes,
              standing: `${puts++}`,
              createdMs: 0,
              freshUntilMs: 0,
              staleUntilMs: 0,
              errorUntilMs: 0,
              bytes: bytes / 3,
            })
          }
          expect(store.entries).toBeLessThanOrEqual(6)
          expect(store.bytes).toBeLessThanOrEqual(maxBytes)
          expect(puts - removed.length).toBe(store.entries)
        }
        expect(new Set(removed).size).toBe(removed.length)
        store.clear()
        expect([store.bytes, removed.length]).toEqual([0, puts])
      }),
    )
  })
})
