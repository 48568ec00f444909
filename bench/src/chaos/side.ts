import { type CacheOptions, createForebay } from 'forebay'
import { Redis } from 'ioredis'

/** What is cached: a version of the origin, and bytes beside it. */
export interface Item {
  readonly version: number
  readonly filler: string
}

export type Load = () => Promise<Item>

/** A service's cache as the chaos drives it. */
export interface Side {
  read(key: string, load: Load): Promise<Item>
  invalidate(key: string): Promise<unknown>
  /** What another process of the service is answered. Its way to Redis has no faults but the server's own. */
  readElsewhere(key: string, load: Load): Promise<Item>
  /** Invalidations that still wait to be sent. */
  unsent(): number
}

export interface SidePlan {
  /** The way with the faults, and the one past them. */
  readonly url: string
  readonly directUrl: string
}

const ttlMs = 600_000

/** The library with its defaults, but without memory, so that each read depends on Redis. The other process has its memory. */
async function forebay({ url, directUrl }: SidePlan): Promise<Side> {
  const open = async (redis: string, options: CacheOptions<Item>) => {
    const service = createForebay({ service: 'chaos', redis })
    const cache = service.cache<Item>('items', { ttl: ttlMs, ...options })
    await service.ready()
    return { service, cache }
  }
  const own = await open(url, { memory: false })
  const other = await open(directUrl, {})
  return {
    read: (key, load) => own.cache.getOrSet(key, load),
    invalidate: (key) => own.cache.invalidate(key),
    readElsewhere: (key, load) => other.cache.getOrSet(key, load),
    unsent: () => own.service.stats().outbox,
  }
}

/** What is written by hand with ioredis and its defaults: GET, else load and SET; DEL. */
async function naive({ url, directUrl }: SidePlan): Promise<Side> {
  const open = (to: string): Redis => new Redis(to).on('error', () => {})
  const [own, other] = [open(url), open(directUrl)]
  const getOrSet = async (redis: Redis, key: string, load: Load): Promise<Item> => {
    const found = await redis.get(key)
    if (found !== null) return JSON.parse(found) as Item
    const item = await load()
    await redis.set(key, JSON.stringify(item), 'PX', ttlMs)
    return item
  }
  await Promise.all([own.ping(), other.ping()])
  return {
    read: (key, load) => getOrSet(own, key, load),
    invalidate: (key) => own.del(key),
    readElsewhere: (key, load) => getOrSet(other, key, load),
    unsent: () => 0,
  }
}

export const sides: Readonly<Record<string, (plan: SidePlan) => Promise<Side>>> = { forebay, naive }
