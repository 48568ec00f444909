// Measures memory's store by itself, without the work and the garbage of a whole `set`.
import { PerformanceObserver } from 'node:perf_hooks'
import { type NearStore, openNearStore } from 'forebay/testing'
import { Calls } from '../calls.js'
import type { Stall } from './memory.js'
import { keyOf } from '../values.js'
import { heapBytes } from './heap.js'

/** Of all entries, so many come when the store is full, and evict. */
const evictingShare = 0.2
/** Only steps longer than this are looked at closely. */
const longMs = 0.2

interface Span {
  readonly startMs: number
  readonly ms: number
}

const collections: Span[] = []
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) collections.push({ startMs: startTime, ms: duration })
}).observe({ entryTypes: ['gc'] })

new Calls(process, {
  /** The same loop twice, over the same heap: once into the store, once into an array. */
  async stall(entries: number): Promise<Stall> {
    const keys = keysOf(Math.round(entries * (1 + evictingShare)))
    const store = open(entries)
    const ours = await longest(keys, (key, i) => store.put(entry(key, i), i))
    const kept: unknown[] = new Array(keys.length).fill(undefined)
    const control = await longest(keys, (key, i) => {
      kept[i] = entry(key, i)
    })
    if (store.entries !== entries) throw new Error('the store is not full')
    return { ours, control }
  },
  /** What an entry takes in the store, less what it takes in a `Map`. */
  bytes({ entries, tags }: { entries: number; tags: number }): number {
    const keys = keysOf(entries)
    const empty = heapBytes()
    const map = new Map<string, unknown>()
    for (const key of keys) map.set(key, value)
    const mapBytes = heapBytes() - empty
    map.clear()
    const before = heapBytes()
    const store = open(entries)
    const names = tags === 0 ? undefined : Array.from({ length: tags }, (_, i) => `tag-${i}`)
    keys.forEach((key, i) => {
      store.put({ ...entry(key, i), tags: names }, i)
    })
    const bytes = heapBytes() - before
    if (store.entries !== entries) throw new Error('the store is not full')
    return (bytes - mapBytes) / entries
  },
})
process.on('disconnect', () => process.exit())

const value = { the: 'same for all' }

function open(maxEntries: number): NearStore<readonly string[]> {
  return openNearStore({ maxEntries, maxBytes: 2 ** 40, policy: 's3fifo' }, () => {})
}

function entry(key: string, i: number) {
  const times = { trustedUntilMs: i + 1e9, createdMs: i, freshUntilMs: i + 1e9, staleUntilMs: i + 1e9, errorUntilMs: i + 1e9 }
  return { key, value, shard: 0, bornAt: 0, ...times, bytes: 100, tags: undefined }
}

/** As they come from the network: each one piece, and hashed. */
function keysOf(count: number): string[] {
  const keys = JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => keyOf(i)))) as string[]
  const hashed = new Set<string>()
  for (const key of keys) {
    hashed.add(key)
    if (hashed.size > 1_000) hashed.clear()
  }
  return keys
}

async function longest(keys: readonly string[], step: (key: string, i: number) => void): Promise<number> {
  globalThis.gc?.()
  const long: Span[] = []
  let switches = process.resourceUsage().involuntaryContextSwitches
  let startMs = performance.now()
  for (let i = 0; i < keys.length; i++) {
    step(keys[i] as string, i)
    const endMs = performance.now()
    if (endMs - startMs > longMs) {
      const sinceThen = process.resourceUsage().involuntaryContextSwitches
      if (sinceThen === switches) long.push({ startMs, ms: endMs - startMs }) // else another process had the core meanwhile
      switches = sinceThen
    }
    startMs = endMs
  }
  await new Promise((resolve) => setTimeout(resolve, 50)) // the observer hears of collections in a later turn
  const own = long.map((span) => span.ms - collected(span))
  collections.length = 0
  return Math.max(longMs, ...own)
}

function collected({ startMs, ms }: Span): number {
  const within = collections.map((one) => Math.min(startMs + ms, one.startMs + one.ms) - Math.max(startMs, one.startMs))
  return within.reduce((sum, part) => sum + Math.max(0, part), 0)
}
