import { setTimeout as pause } from 'node:timers/promises'
import { createForebay, type WriteResult } from 'forebay'
import { Redis } from 'ioredis'
import { peerCaches } from '../peer-caches.js'
import { type OpenSide, unsupported } from './side.js'

const ttlMs = 600_000
const mostTries = 200
const againMs = 20

/**
 * Two caches of the same name in one process: one with memory, and one without, which sees what Redis holds. Both belong to the same
 * service, so they share keys, stamps and the log; each listens for itself, as two processes do.
 */
const forebay: OpenSide = async ({ redisUrl, maxStalenessMs }) => {
  const options = { ttl: ttlMs, jitter: 0, maxStaleness: maxStalenessMs, tags: (_value: number, key: unknown) => [tagOf(String(key))] }
  const [own, probe] = [redisUrl, redisUrl].map((redis) => createForebay({ service: 'race', redis }))
  if (own === undefined || probe === undefined) return unsupported()
  const cache = own.cache<number>('values', options)
  const shared = probe.cache<number>('values', { ...options, memory: false })
  await Promise.all([own.ready(), probe.ready()])
  return {
    read: (key, load) => cache.getOrSet(key, load),
    shared: (key) => shared.get(key),
    invalidate: (key) => acknowledged(() => cache.invalidate(key)),
    invalidateTag: (key) => acknowledged(() => cache.invalidateTags([tagOf(key)])),
    peek: (key) => cache.peek(key),
    refused: () => cache.stats().refusedFills,
    close: async () => {
      await Promise.all([own.close(), probe.close()])
    },
  }
}

function tagOf(key: string): string {
  return `tag-of:${key}`
}

/** Only acknowledged writes are judged, so one that a busy machine did not get answered in time is made again. */
async function acknowledged(write: () => Promise<WriteResult>): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    if ((await write()).state === 'acknowledged') return
    await pause(againMs)
  }
  throw new Error(`the write is not acknowledged, ${mostTries} times`)
}

/** A cache by hand, without fences: what the harness must be able to break. */
const naive: OpenSide = async ({ redisUrl }) => {
  const client = new Redis(redisUrl)
  const shared = async (key: string): Promise<number | undefined> => {
    const found = await client.get(key)
    return found === null ? undefined : Number(found)
  }
  return {
    async read(key, load) {
      const found = await shared(key)
      if (found !== undefined) return found
      const value = await load()
      await client.set(key, value, 'PX', ttlMs)
      return value
    },
    shared,
    invalidate: async (key) => void (await client.del(key)),
    invalidateTag: unsupported,
    peek: () => undefined,
    refused: () => 0,
    close: async () => client.disconnect(),
  }
}

/** The peers with both tiers, as their manuals set them up. */
function peer(name: string): OpenSide {
  return async ({ redisUrl, peers }) => {
    const open = peerCaches[name]
    if (open === undefined || peers === undefined) return unsupported()
    const cache = await open({ peers, memory: true, redisUrl })
    return {
      read: async (key, load) => (await cache.getOrSet(key, load)) as number,
      shared: async () => undefined,
      invalidate: async (key) => void (await cache.invalidate(key)),
      invalidateTag: unsupported,
      peek: () => undefined,
      refused: () => 0,
      close: async () => void (await cache.close()),
    }
  }
}

export const sides: Readonly<Record<string, OpenSide>> = {
  forebay,
  naive,
  ...Object.fromEntries(Object.keys(peerCaches).map((name) => [name, peer(name)])),
}
