import { type CacheOptions, createForebay } from 'forebay'
import { Cluster, Redis } from 'ioredis'
import { pick, readKeys } from './keys.js'
import type { Way } from './place.js'

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
  readonly own: Way
  /** That of the other process. */
  readonly other: Way
  /** Whether the process under chaos has a memory too. */
  readonly memory: boolean
}

interface RedisSpecial {
  readonly replicas?: { readonly reads: 'hedge' }
}

const ttlMs = 600_000
const serviceName = 'chaos'
const clusterShards = 64

/** The library with its defaults, and without memory where each read is to depend on Redis. The other process has its memory. */
async function forebay(plan: SidePlan, special: RedisSpecial = {}): Promise<Side> {
  const open = async (way: Way, options: CacheOptions<Item>) => {
    const service = createForebay({ service: serviceName, redis: { ...way, ...special } })
    const cache = service.cache<Item>('items', { ttl: ttlMs, ...options })
    await service.ready()
    return { service, cache }
  }
  const own = await open(plan.own, plan.memory ? {} : { memory: false })
  const other = await open(plan.other, {})
  return {
    read: (key, load) => own.cache.getOrSet(key, load),
    invalidate: (key) => own.cache.invalidate(key),
    readElsewhere: (key, load) => other.cache.getOrSet(key, load),
    unsent: () => own.service.stats().outbox,
  }
}

/** The same, with reads that replicas answer too where the primary is late. */
function hedged(plan: SidePlan): Promise<Side> {
  return forebay(plan, { replicas: { reads: 'hedge' } })
}

/** What is written by hand with ioredis and its defaults: GET, else load and SET; DEL. */
async function naive(plan: SidePlan): Promise<Side> {
  const [own, other] = [clientFor(plan.own), clientFor(plan.other)]
  const getOrSet = async (redis: Redis | Cluster, key: string, load: Load): Promise<Item> => {
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

function clientFor(way: Way): Redis | Cluster {
  const client =
    'url' in way
      ? new Redis(way.url)
      : 'cluster' in way
        ? new Cluster([...way.cluster])
        : new Redis({ sentinels: [...way.sentinels], name: way.name })
  return client.on('error', () => {}) // one that nobody listens to is printed
}

export const sides: Readonly<Record<string, (plan: SidePlan) => Promise<Side>>> = { forebay, hedged, naive }

/** A key of a Cluster that lies where some of a side's keys do. */
export function someKeyOf(side: string): string {
  return side === 'forebay' ? `{${serviceName}.${Math.floor(Math.random() * clusterShards)}}` : pick(readKeys)
}
