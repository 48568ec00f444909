import { afterEach, describe, expect, it, vi } from 'vitest'
import type { EvictionPolicy } from '../core/near-store.js'
import { Slots } from './near-slots.js'
import { openNearStore } from './near-store.js'

const entry = (i: number) => ({
  key: `key-${i}`,
  value: i,
  shard: 0,
  bornAt: 0,
  trustedUntilMs: 1e9,
  createdMs: 0,
  freshUntilMs: 1e9,
  staleUntilMs: 1e9,
  errorUntilMs: 1e9,
  bytes: 100,
  tags: undefined,
})

/** Slots looked at by the one act that looked at most of them. */
function mostLookedAt(policy: EvictionPolicy, entries: number): number {
  const looks = vi.spyOn(Slots.prototype, 'page')
  const store = openNearStore({ maxEntries: entries, maxBytes: 2 ** 40, policy }, () => {})
  let most = 0
  const act = (work: () => void): void => {
    looks.mockClear()
    work()
    most = Math.max(most, looks.mock.calls.length)
  }
  for (let i = 0; i < entries; i++) act(() => store.put(entry(i), 0))
  // Everything is in use: whoever looks for something that is not would go round once.
  for (let uses = 0; uses < 3; uses++) for (let i = 0; i < entries; i++) act(() => store.touch(store.find(`key-${i}`)))
  for (let i = 0; i < entries / 4; i++) act(() => store.put(entry(entries + i), 0))
  act(() => store.delete(`key-${entries}`))
  act(() => store.clear())
  expect(store.entries).toBe(0)
  return most
}

describe('no act of memory', () => {
  afterEach(() => void vi.restoreAllMocks())

  // 32 second chances, each of which takes a slot out of a queue and puts it into another; keys of 8 slots that move to other maps.
  it.each(['s3fifo', 'lru', 'lfu'] as const)('looks at more than a few hundred slots under %s, however many there are', (policy) => {
    const few = mostLookedAt(policy, 2_000)
    const many = mostLookedAt(policy, 40_000)
    expect(few).toBeLessThan(300)
    expect(many).toBeLessThan(300)
  })
})
