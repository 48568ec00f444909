import { type Cache, type CacheOptions, createForebay, pattern } from 'forebay'
import { Redis } from 'ioredis'
import { peerCaches } from '../peer-caches.js'
import { type Act, type Counts, groupOf, type OpenSide, type Side, unsupported } from './side.js'

const ttlMs = 600_000
/** Longer than a busy machine keeps a process from its turn. */
const hardTimeoutMs = 120_000
const nothing: Counts = { refused: 0, replayed: 0, dropped: 0, resent: 0, queued: 0, unanswered: 0, drops: { incarnation: 0, gap: 0 } }

/**
 * Two caches of the same name in one process: one with memory, and one without, which sees what Redis holds. Both belong to the same
 * service, so they share keys, stamps and the log; each listens for itself, as two processes do.
 */
const forebay: OpenSide = async ({ redis, maxStalenessMs, probe, shards }) => {
  const options = {
    ttl: ttlMs,
    jitter: 0,
    hardTimeout: hardTimeoutMs,
    maxStaleness: maxStalenessMs,
    tags: (_value: number, key: unknown) => [tagOf(String(key))],
  }
  const open = (memory: CacheOptions<number>) => {
    const service = createForebay({ service: 'race', redis, shards })
    const caches = new Map<string, Cache<number>>()
    const of = (key: string): Cache<number> => {
      const group = groupOf(key)
      const cache = caches.get(group) ?? service.cache<number>(group, { ...options, ...memory })
      caches.set(group, cache)
      return cache
    }
    return { service, of }
  }
  const own = open({})
  const beside = probe ? open({ memory: false }) : undefined
  const seen = { unanswered: 0, drops: { incarnation: 0, gap: 0 } }
  own.service.on('fill-refused', ({ why }) => {
    if (why === 'unanswered') seen.unanswered++
  })
  own.service.on('dropped', ({ why }) => {
    if (why !== 'start') seen.drops[why]++
  })
  // A service takes its pace from the shortest contract of its caches.
  own.of('first:')
  beside?.of('first:')
  await Promise.all([own.service.ready(), beside?.service.ready()])
  return {
    read: (key, load, token) => own.of(key).getOrSet(key, load, token === undefined ? undefined : { token }),
    shared: async (key) => beside?.of(key).get(key),
    write: async (act, change) => {
      const { state, token } = await write(own.of(act.key), act, change)
      return { acknowledged: state === 'acknowledged', token }
    },
    invalidateMany: async (keys) => void (await own.of(keys[0] ?? 'first:').deleteMany(keys)),
    peek: (key) => own.of(key).peek(key),
    unsent: () => own.service.stats().outbox,
    counts: () => {
      const { replayed, dropped, resent, caches } = own.service.stats()
      const sum = (of: (one: (typeof caches)[string]) => number) => Object.values(caches).reduce((total, one) => total + of(one), 0)
      const [refused, queued] = [sum((one) => one.refusedFills), sum((one) => one.queuedWrites)]
      return { refused, replayed, dropped, resent, queued, ...seen }
    },
    close: async () => {
      await Promise.all([own.service.close(), beside?.service.close()])
    },
  }
}

async function write(cache: Cache<number>, { verb, key, contested }: Act, change: () => Promise<number>) {
  if (verb === 'update') return cache.update(key, change)
  const version = await change()
  switch (verb) {
    case 'keys':
      return cache.invalidate(key)
    case 'tags':
      return cache.invalidateTags([tagOf(key)])
    case 'patterns':
      return cache.invalidatePattern(pattern`${key}*`)
    case 'clear':
      return cache.clear()
    case 'set':
      return cache.set(key, version, contested ? { version } : {})
  }
}

function tagOf(key: string): string {
  return `tag-of:${key}`
}

/** A cache by hand, without fences: what the harness must be able to break. */
const naive: OpenSide = async ({ redis }) => {
  if (!('url' in redis)) return unsupported()
  const client = new Redis(redis.url)
  const shared = async (key: string): Promise<number | undefined> => {
    const found = await client.get(key)
    return found === null ? undefined : Number(found)
  }
  return {
    ...plain,
    async read(key, load) {
      const found = await shared(key)
      if (found !== undefined) return found
      const value = await load()
      await client.set(key, value, 'PX', ttlMs)
      return value
    },
    shared,
    async write({ verb, key }, change) {
      const version = await change()
      if (verb === 'set' || verb === 'update') await client.set(key, version, 'PX', ttlMs)
      else if (verb === 'keys') await client.del(key)
      else unsupported()
      return { acknowledged: true, token: undefined }
    },
    close: async () => client.disconnect(),
  }
}

/** What the caches without notices have in common. */
const plain: Pick<Side, 'invalidateMany' | 'peek' | 'unsent' | 'counts'> = {
  invalidateMany: unsupported,
  peek: () => undefined,
  unsent: () => 0,
  counts: () => nothing,
}

/** The peers with both tiers, as their manuals set them up. */
function peer(name: string): OpenSide {
  return async ({ redis, peers }) => {
    const open = peerCaches[name]
    if (open === undefined || peers === undefined || !('url' in redis)) return unsupported()
    const cache = await open({ peers, memory: true, redisUrl: redis.url })
    return {
      ...plain,
      read: async (key, load) => (await cache.getOrSet(key, load)) as number,
      shared: async () => undefined,
      async write({ verb, key }, change) {
        const version = await change()
        if (verb === 'set') await cache.set(key, version)
        else if (verb === 'keys') await cache.invalidate(key)
        else unsupported()
        return { acknowledged: true, token: undefined }
      },
      close: async () => void (await cache.close()),
    }
  }
}

export const sides: Readonly<Record<string, OpenSide>> = {
  forebay,
  naive,
  ...Object.fromEntries(Object.keys(peerCaches).map((name) => [name, peer(name)])),
}
