import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EvictionPolicy, type NearBounds, type NearEntry, noSlot, pageMask } from '../core/near-store.js'
import { SlotStore } from './near-store.js'

const policies: readonly EvictionPolicy[] = ['s3fifo', 'lru', 'lfu']

function opened(bounds: Partial<NearBounds> = {}) {
  const removed: string[] = []
  const store = new SlotStore<string>({ maxEntries: 1_000, maxBytes: 1_000_000, policy: 's3fifo', ...bounds }, (key, tags) =>
    removed.push(tags ?? key),
  )
  const put = (key: string, rest: Partial<NearEntry<string>> = {}, nowMs = 0) => store.put({ ...entryOf(key), ...rest }, nowMs)
  const has = (...keys: string[]) => keys.map((key) => store.find(key) !== noSlot)
  const use = (...keys: string[]) => {
    for (const key of keys) store.touch(store.find(key))
  }
  return { store, removed, put, has, use, value: (key: string) => valueIn(store, key) }
}

function entryOf(key: string): NearEntry<string> {
  return {
    key,
    value: `value of ${key}`,
    shard: 3,
    bornAt: 7,
    trustedUntilMs: 2_001,
    createdMs: 1,
    freshUntilMs: 1_002.5,
    staleUntilMs: 2_002.5,
    errorUntilMs: 3_002.5,
    bytes: 100,
    tags: undefined,
  }
}

function valueIn(store: SlotStore<string>, key: string): unknown {
  const slot = store.find(key)
  return slot === noSlot ? undefined : store.page(slot).values[slot & pageMask]
}

/** What the store counts for an entry with a key of one letter, whatever its constant is. */
function countedFor(bytes: number): number {
  const { store, put } = opened({ maxBytes: 1e9 })
  put('k', { bytes })
  return store.bytes
}

describe('the near store', () => {
  it('gives back what was put, column by column', () => {
    const { store, put } = opened()
    put('a', { tags: 'news' })
    const slot = store.find('a')
    const page = store.page(slot)
    const i = slot & pageMask
    expect([page.values[i], page.tags?.[i], page.shards[i], page.bornAt[i]]).toEqual(['value of a', 'news', 3, 7])
    expect([page.createdMs[i], page.trustedForMs[i]]).toEqual([1, 2_000])
    expect([page.freshUntilMs[i], page.staleForMs[i], page.errorForMs[i]]).toEqual([1_002.5, 1_000, 2_000])
    expect(store.find('b')).toBe(noSlot)
  })

  it('keeps windows in fewer bits, but never longer than they are', () => {
    const window = fc.double({ min: 0.001, max: 4e10, noNaN: true })
    fc.assert(
      fc.property(window, window, (ms, freshUntilMs) => {
        const { store, put } = opened()
        put('a', { freshUntilMs, staleUntilMs: freshUntilMs + ms, errorUntilMs: freshUntilMs + Math.floor(ms / 1_000) * 1_000 })
        const kept = store.page(0).staleForMs[0] ?? Number.NaN
        const exact = freshUntilMs + ms - freshUntilMs
        expect(kept).toBeLessThanOrEqual(exact)
        expect(kept).toBeGreaterThanOrEqual(exact * (1 - 2 ** -22))
      }),
    )
  })

  it('can keep what has no end', () => {
    const { store, put } = opened()
    const forever = Number.POSITIVE_INFINITY
    put('a', { freshUntilMs: forever, staleUntilMs: forever, errorUntilMs: forever })
    put('b', {}, 1e15)
    expect([store.page(0).freshUntilMs[0], store.page(0).staleForMs[0]]).toEqual([forever, 0])
  })

  it('has no column of tags where nothing has one', () => {
    const { store, put } = opened()
    put('a')
    expect(store.page(0).tags).toBeUndefined()
    put('b', { tags: 'news' })
    put('c')
    expect(store.page(0).tags?.slice(0, 3)).toEqual([undefined, 'news', undefined])
  })

  it('counts the value, the key and the cost of an entry', () => {
    expect(countedFor(101) - countedFor(100)).toBe(1)
    const { store, put } = opened()
    put('k'.repeat(11))
    expect(store.bytes).toBe(countedFor(100) + 20)
    expect(countedFor(0)).toBeGreaterThan(100)
  })

  it('puts an entry in place of an older one of the same key', () => {
    const { store, put, removed, value } = opened()
    put('a', { tags: 'first' })
    put('a', { value: 2, bytes: 150, tags: 'second' })
    expect(value('a')).toBe(2)
    expect([store.entries, store.bytes]).toEqual([1, countedFor(150)])
    expect(removed).toEqual(['first'])
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

  it('forgets everything at once and goes on', () => {
    const { store, put, has, removed } = opened({ maxEntries: 2 })
    put('a')
    put('b')
    store.clear()
    expect([store.entries, store.bytes, removed.length]).toEqual([0, 0, 0])
    for (const key of ['c', 'd', 'e']) put(key)
    expect(has('a', 'c', 'd', 'e')).toEqual([false, false, true, true])
  })

  it('uses the slots of what has gone again', () => {
    const { store, put } = opened()
    for (let i = 0; i < 100; i++) {
      put(`k${i}`)
      store.delete(`k${i}`)
    }
    put('last')
    expect(store.find('last')).toBe(0)
  })

  it('looks at one slot with every put, and lets go what is over', () => {
    const { store, put, has, removed } = opened()
    for (const key of ['a', 'b', 'c', 'd']) put(key)
    put('e', { freshUntilMs: 9_000 }, 3_002)
    expect(store.entries).toBe(5)
    for (let i = 0; i < 5; i++) put('e', { freshUntilMs: 9_000 }, 3_003)
    expect(has('a', 'b', 'c', 'd', 'e')).toEqual([false, false, false, false, true])
    expect(new Set(removed)).toEqual(new Set(['a', 'b', 'c', 'd', 'e']))
    expect(store.takeEvicted()).toBe(0)
  })

  it('counts what it evicts until it is asked', () => {
    const { store, put } = opened({ maxEntries: 1 })
    for (const key of ['a', 'b', 'c']) put(key)
    store.delete('c')
    expect([store.takeEvicted(), store.takeEvicted()]).toEqual([2, 0])
  })

  it('finds every key while it grows from one map to many', () => {
    const { store, put } = opened({ maxEntries: 40_000, maxBytes: 1e9 })
    for (let i = 0; i < 40_000; i++) {
      put(`k${i}`, { value: i })
      if (i % 7 === 3) store.delete(`k${i - 2}`)
    }
    let wrong = 0
    for (let i = 0; i < 40_000; i++) if (valueIn(store, `k${i}`) !== (i % 7 === 1 && i < 39_999 ? undefined : i)) wrong++
    expect(wrong).toBe(0)
  })

  describe.each(policies)('with %s', (policy) => {
    it('holds no more entries than it may, and lets those go that were not used', () => {
      const { store, put, has, use, removed } = opened({ maxEntries: 3, policy })
      for (const key of ['a', 'b', 'c']) put(key)
      use('a')
      for (const key of ['d', 'e']) put(key)
      expect(store.entries).toBe(3)
      expect(removed).toEqual(['b', 'c'])
      expect(has('a', 'b', 'c', 'd', 'e')).toEqual([true, false, false, true, true])
    })

    it('holds no more bytes than it may', () => {
      const maxBytes = 20 * countedFor(100)
      const { store, put, removed } = opened({ maxBytes, policy })
      for (let i = 0; i < 21; i++) put(String.fromCharCode(97 + i))
      expect(store.bytes).toBe(maxBytes)
      put('A', { bytes: 101 })
      expect(removed).toEqual(['a', 'b', 'c'])
      expect(store.bytes).toBeLessThanOrEqual(maxBytes)
    })

    it('makes room for an entry that has become larger', () => {
      const { store, put } = opened({ maxBytes: 20 * countedFor(100), policy })
      for (let i = 0; i < 20; i++) put(String.fromCharCode(97 + i))
      put('t', { bytes: 150 })
      expect([store.entries, store.bytes]).toEqual([19, 18 * countedFor(100) + countedFor(150)])
    })

    it('does not keep an entry larger than a tenth of all bytes, nor an older one under its key', () => {
      const { store, put, has, removed } = opened({ maxBytes: 10 * countedFor(100), policy })
      put('a', { tags: 'small' })
      put('b')
      put('a', { bytes: 101, tags: 'too large' })
      expect(has('a', 'b')).toEqual([false, true])
      expect(removed).toEqual(['small', 'too large'])
      expect(store.entries).toBe(1)
    })

    it('keeps nothing where there is no room for any entry', () => {
      const { store, put, removed } = opened({ maxEntries: 0, policy })
      put('a')
      expect(store.entries).toBe(0)
      expect(removed).toEqual(['a'])
    })

    it('keeps its books whatever happens', () => {
      fc.assert(fc.property(fc.array(act, { maxLength: 200 }), (acts) => keepsItsBooks(acts, policy)))
    })
  })
})

const act = fc.record({
  what: fc.constantFrom('put', 'put', 'put', 'use', 'use', 'delete', 'clear'),
  key: fc.constantFrom(...'abcdefghij'),
  bytes: fc.nat(300),
  laterMs: fc.nat(40),
})
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

/** The store against a plain map: what is there is what was last put, nothing is there that was deleted, and all leave exactly once. */
function keepsItsBooks(acts: readonly Act[], policy: EvictionPolicy): void {
  const model = new Map<string, { mark: string; size: number }>()
  const gone = new Set<string>()
  const bounds = { maxEntries: 6, maxBytes: 3_000, policy }
  const store = new SlotStore<string>(bounds, (key, mark) => {
    expect(mark !== undefined && !gone.has(mark)).toBe(true)
    gone.add(mark ?? '')
    if (model.get(key)?.mark === mark) model.delete(key)
  })
  let puts = 0
  let nowMs = 0
  for (const { what, key, bytes, laterMs } of acts) {
    nowMs += laterMs
    if (what === 'use' && model.has(key)) store.touch(store.find(key))
    else if (what === 'delete') store.delete(key)
    else if (what === 'clear' && bytes < 60) {
      store.clear()
      model.clear()
    } else if (what === 'put') {
      const mark = `${puts++}`
      const times = { createdMs: nowMs, freshUntilMs: nowMs + bytes, staleUntilMs: nowMs + bytes, errorUntilMs: nowMs + bytes }
      const size = countedFor(bytes)
      store.put({ ...entryOf(key), ...times, value: mark, bytes, tags: mark }, nowMs)
      if (!gone.has(mark)) model.set(key, { mark, size })
    }
    expect(store.entries).toBe(model.size)
    expect(store.entries).toBeLessThanOrEqual(bounds.maxEntries)
    expect(store.bytes).toBe([...model.values()].reduce((sum, { size }) => sum + size, 0))
    expect(store.bytes).toBeLessThanOrEqual(bounds.maxBytes)
    for (const one of 'abcdefghij') expect(valueIn(store, one)).toBe(model.get(one)?.mark)
  }
}
