import { setTimeout as pause } from 'node:timers/promises'
import { type Cache, createForebay } from 'forebay'
import { Redis } from 'ioredis'
import { keyOf, type Sample, sizes } from '../values.js'
import { type OpenSubject, redisKeys, redisOf, type Subject, type SubjectPlan } from './subject.js'

const ttlMs = 3_600_000
const names = Array.from({ length: redisKeys }, (_, id) => keyOf(id))
const name = (i: number): string => names[i] as string

/**
 * Stores everything that is read, for floors and cache. A process of its own does it, because V8 remembers how long buffers lived when
 * 20 MB were written, and would not collect young those that are only read.
 */
export const fill: OpenSubject = async (plan) => {
  const client = new Redis(redisOf(plan))
  const { cache, sample, close } = await openCache(plan)
  const compressed = plan.size === '32 kB' ? [await openCache(plan, 'gzip'), await openCache(plan, 'brotli')] : []
  for (let from = 0; from < redisKeys; from += 64) {
    const some = names.slice(from, from + 64).map((key, i) => ({ key, value: sample(from + i) }))
    await Promise.all(some.map(({ key, value }) => client.set(key, JSON.stringify(value), 'PX', ttlMs)))
    for (const one of [cache, ...compressed.map((opened) => opened.cache)]) {
      await Promise.all(some.map(({ key, value }) => store(one, key, value)))
    }
  }
  const end = async (): Promise<void> => {
    client.disconnect()
    await close()
    for (const opened of compressed) await opened.close()
  }
  return { pace: 'returns', keys: redisKeys, run: () => undefined, close: end }
}

/** On a machine that is too busy to answer in time a set becomes an invalidation. */
async function store(cache: Cache<Sample>, key: string, value: Sample): Promise<void> {
  while ((await cache.set(key, value)).state !== 'acknowledged') await pause(50)
}

function floorHit(enableAutoPipelining: boolean): OpenSubject {
  return async (plan) => {
    const client = new Redis(redisOf(plan), { enableAutoPipelining })
    const get = async (key: string): Promise<Sample> => JSON.parse((await client.get(key)) ?? '') as Sample
    return { pace: 'waits', keys: redisKeys, run: (i) => get(name(i)), close: () => client.disconnect() }
  }
}

export const get = floorHit(false)
export const getPipelined = floorHit(true)

/** The compressed caches that are measured beside the one without. */
type Compressed = 'gzip' | 'brotli'

/** A cache without memory, so that each read is one of Redis. */
async function openCache(plan: SubjectPlan, compression: Compressed | false = false) {
  const forebay = createForebay({ service: 'bench', redis: redisOf(plan) })
  const cacheName = compression === false ? 'books' : `books-${compression}`
  const cache = forebay.cache<Sample>(cacheName, { ttl: ttlMs, hardTimeout: '5s', memory: false, compression })
  await forebay.ready()
  return { cache, sample: sizes[plan.size], close: async () => void (await forebay.close()) }
}

export const hit: OpenSubject = (plan) => openHit(plan, false)
export const hitGzip: OpenSubject = (plan) => openHit(plan, 'gzip')
export const hitBrotli: OpenSubject = (plan) => openHit(plan, 'brotli')

async function openHit(plan: SubjectPlan, compression: Compressed | false): Promise<Subject> {
  const { cache, sample, close } = await openCache(plan, compression)
  const check = (): void => {
    const { loads, joins, hits } = cache.stats()
    // A machine that stands still for longer than a deadline makes a cache ask the origin; that must not be what is measured.
    if (loads + joins > hits.redis / 1_000) throw new Error(`${loads} loads and ${joins} joins on ${hits.redis} hits`)
  }
  return { pace: 'waits', keys: redisKeys, run: (i) => cache.getOrSet(name(i), () => sample(i)), check, close }
}

/** Keys of one bulk read. */
const together = 100
const someNames = (i: number): string[] => Array.from({ length: together }, (_, n) => name((i * together + n) % redisKeys))

export const mget: OpenSubject = async (plan) => {
  const client = new Redis(redisOf(plan))
  const read = async (keys: readonly string[]): Promise<Sample[]> =>
    (await client.mget([...keys])).map((text) => JSON.parse(text ?? '') as Sample)
  return { pace: 'waits', keys: redisKeys, run: (i) => read(someNames(i)), close: () => client.disconnect() }
}

export const getMany: OpenSubject = async (plan) => {
  const { cache, close } = await openCache(plan)
  const check = (): void => {
    const { misses, hits } = cache.stats()
    if (misses > hits.redis / 1_000) throw new Error(`${misses} misses on ${hits.redis} hits`)
  }
  return { pace: 'waits', keys: redisKeys, run: (i) => cache.getMany(someNames(i)), check, close }
}

/** Keys of one cold bulk load. */
const cold = 1_000
const newNames = (i: number): string[] => Array.from({ length: cold }, (_, n) => keyOf(redisKeys + i * cold + n))

/** What a cache by hand does for many: `MGET`, load, and a `SET` with a lifetime for each in one pipeline. */
export const plainMissMany: OpenSubject = async (plan) => {
  const client = new Redis(redisOf(plan))
  const sample = sizes[plan.size]
  let made = 0
  const run = async (): Promise<void> => {
    const keys = newNames(made++)
    if ((await client.mget(keys)).some((text) => text !== null)) throw new Error('a hit')
    const pipeline = client.pipeline()
    for (const [i, key] of keys.entries()) pipeline.set(key, JSON.stringify(sample(i)), 'PX', ttlMs)
    await pipeline.exec()
  }
  return { pace: 'waits', keys: redisKeys, run, close: () => client.disconnect() }
}

export const missMany: OpenSubject = async (plan) => {
  const { cache, sample, close } = await openCache(plan)
  let made = 0
  const load = ({ keys }: { readonly keys: readonly string[] }): [string, Sample][] => keys.map((key, i) => [key, sample(i)])
  return { pace: 'waits', keys: redisKeys, run: () => cache.getOrSetMany(newNames(made++), load), close }
}

/** Writes of a value: its encoding is part of the work on both sides. */
export const plainSet: OpenSubject = async (plan) => {
  const client = new Redis(redisOf(plan), { enableAutoPipelining: true })
  const sample = sizes[plan.size]
  return {
    pace: 'waits',
    keys: redisKeys,
    run: (i) => client.set(name(i), JSON.stringify(sample(i)), 'PX', ttlMs),
    close: () => client.disconnect(),
  }
}

export const set: OpenSubject = (plan) => openSet(plan, false)
export const setGzip: OpenSubject = (plan) => openSet(plan, 'gzip')
export const setBrotli: OpenSubject = (plan) => openSet(plan, 'brotli')

async function openSet(plan: SubjectPlan, compression: Compressed | false): Promise<Subject> {
  const { cache, sample, close } = await openCache(plan, compression)
  return { pace: 'waits', keys: redisKeys, run: (i) => cache.set(name(i), sample(i)), close }
}

export const plainDelete: OpenSubject = async (plan) => {
  const client = new Redis(redisOf(plan), { enableAutoPipelining: true })
  return { pace: 'waits', keys: redisKeys, run: (i) => client.del(name(i)), close: () => client.disconnect() }
}

export const invalidate: OpenSubject = async (plan) => {
  const { cache, close } = await openCache(plan)
  return { pace: 'waits', keys: redisKeys, run: (i) => cache.invalidate(name(i)), close }
}

/** What a cache by hand does on a miss: `GET`, load, `SET`. */
export const plainMiss: OpenSubject = async (plan) => {
  const client = new Redis(redisOf(plan), { enableAutoPipelining: true })
  const sample = sizes[plan.size]
  const miss = async (i: number, key: string): Promise<void> => {
    if ((await client.get(key)) !== null) throw new Error('a hit')
    await client.set(key, JSON.stringify(sample(i)), 'PX', ttlMs)
  }
  return everNew(miss, () => client.disconnect())
}

export const miss: OpenSubject = async (plan) => {
  const { cache, sample, close } = await openCache(plan)
  return everNew((i, key) => cache.getOrSet(key, () => sample(i)), close)
}

function everNew(work: (i: number, key: string) => Promise<unknown>, close: Subject['close']): Subject {
  let made = redisKeys
  return { pace: 'waits', keys: redisKeys, run: (i) => work(i, keyOf(made++)), close }
}
