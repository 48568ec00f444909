import { createForebay, type ValuesMode } from 'forebay'
import { LRUCache } from 'lru-cache'
import { dated, keyOf, type Sample, sizes, small } from '../values.js'
import { memoryKeys, type OpenSubject } from './subject.js'

const names = Array.from({ length: memoryKeys }, (_, id) => keyOf(id))
const name = (i: number): string => names[i] as string
const unexpected = (): never => {
  throw new Error('not a hit')
}

/** The floor of a memory hit: an async function over a Map. */
export const map: OpenSubject = async () => {
  const values = new Map(names.map((key, id) => [key, small(id)]))
  const get = async (key: string): Promise<Sample | undefined> => values.get(key)
  return { pace: 'settles', keys: memoryKeys, run: (i) => get(name(i)), close() {} }
}

/** The floor of `peek`: a synchronous store with a bound and a time to live. */
export const lru: OpenSubject = async () => {
  const values = new LRUCache<string, Sample>({ max: 10_000, ttl: 3_600_000 })
  names.forEach((key, id) => {
    values.set(key, small(id))
  })
  return { pace: 'returns', keys: memoryKeys, run: (i) => values.get(name(i)), close() {} }
}

/** The floor of a hit that gives each caller a copy. */
export const cloning: OpenSubject = async ({ size }) => {
  const values = new Map(names.map((key, id) => [key, sizes[size](id)]))
  const get = async (key: string): Promise<Sample> => structuredClone(values.get(key) as Sample)
  return { pace: 'settles', keys: memoryKeys, run: (i) => get(name(i)), close() {} }
}

/** A memory hit of each mode, with values that can be frozen or, by their date, cannot. */
export function hitOf(values: ValuesMode, made: 'plain' | 'dated'): OpenSubject {
  return async ({ size }) => {
    const { cache, check, close } = await openCache(values, (id) => (made === 'dated' ? dated(sizes[size](id)) : sizes[size](id)))
    return { pace: 'settles', keys: memoryKeys, run: (i) => cache.getOrSet(name(i), unexpected), check, close }
  }
}

async function openCache(values: ValuesMode = 'frozen', make: (id: number) => Sample = small) {
  const forebay = createForebay({ service: 'bench', redis: false })
  const cache = forebay.cache<Sample>('books', { ttl: '1h', hardTimeout: '5s', values })
  await forebay.ready()
  for (const [id, key] of names.entries()) await cache.set(key, make(id))
  const check = (): void => {
    const { loads, misses, hits } = cache.stats()
    if (loads + misses > 0 || hits.memory === 0) throw new Error('the memory has not answered everything')
  }
  return { cache, check, close: async () => void (await forebay.close()) }
}

export const hit: OpenSubject = async () => {
  const { cache, check, close } = await openCache()
  return { pace: 'settles', keys: memoryKeys, run: (i) => cache.getOrSet(name(i), unexpected), check, close }
}

export const peek: OpenSubject = async () => {
  const { cache, check, close } = await openCache()
  return { pace: 'returns', keys: memoryKeys, run: (i) => cache.peek(name(i)) ?? unexpected(), check, close }
}
