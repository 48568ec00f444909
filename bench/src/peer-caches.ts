import { loadPeer } from './peers.js'

/** A peer as far as it is compared. */
export interface PeerCache {
  getOrSet(key: string, load: () => unknown): Promise<unknown>
  set(key: string, value: unknown): Promise<unknown>
  invalidate(key: string): Promise<unknown>
  close(): Promise<unknown>
}

export interface PeerPlan {
  readonly peers: string
  /** Tiers: this process's memory, and Redis if there is an address. */
  readonly memory: boolean
  readonly redisUrl: string | undefined
}

export type OpenPeer = (plan: PeerPlan) => Promise<PeerCache>

type Make<T> = new (...args: readonly unknown[]) => T
type Factory = (options?: unknown) => unknown

const ttlMs = 3_600_000

interface Bento {
  getOrSet(options: { key: string; ttl: number; factory: () => unknown }): Promise<unknown>
  set(options: { key: string; ttl: number; value: unknown }): Promise<unknown>
  delete(options: { key: string }): Promise<unknown>
  disconnectAll(): Promise<unknown>
}
interface BentoStore {
  useL1Layer(driver: unknown): BentoStore
  useL2Layer(driver: unknown): BentoStore
  useBus(driver: unknown): BentoStore
}

/** With all that it has against stale copies: the bus, where there are both tiers. */
const bentocache: OpenPeer = async ({ peers, memory, redisUrl }) => {
  const { BentoCache, bentostore } = await loadPeer<{ BentoCache: Make<Bento>; bentostore: () => BentoStore }>(peers, 'bentocache')
  const { memoryDriver } = await loadPeer<{ memoryDriver: Factory }>(peers, 'bentocache/drivers/memory')
  const { redisDriver, redisBusDriver } = await loadPeer<{ redisDriver: Factory; redisBusDriver: Factory }>(
    peers,
    'bentocache/drivers/redis',
  )
  const connection = redisUrl === undefined ? undefined : { host: new URL(redisUrl).hostname, port: Number(new URL(redisUrl).port) }
  let store = bentostore()
  if (memory) store = store.useL1Layer(memoryDriver({ maxItems: 10_000 }))
  if (connection !== undefined) store = store.useL2Layer(redisDriver({ connection }))
  if (memory && connection !== undefined) store = store.useBus(redisBusDriver({ connection }))
  const bento = new BentoCache({ default: 'bench', stores: { bench: store } })
  return {
    getOrSet: (key, load) => bento.getOrSet({ key, ttl: ttlMs, factory: load }),
    set: (key, value) => bento.set({ key, ttl: ttlMs, value }),
    invalidate: (key) => bento.delete({ key }),
    close: () => bento.disconnectAll(),
  }
}

interface Plain {
  set(key: string, value: unknown, ttl: number): Promise<unknown>
  disconnect(): Promise<unknown>
}
interface CacheableCache extends Plain {
  getOrSet(key: string, load: () => unknown, options: { ttl: number }): Promise<unknown>
  delete(key: string): Promise<unknown>
}

const cacheable: OpenPeer = async ({ peers, memory, redisUrl }) => {
  const { Cacheable } = await loadPeer<{ Cacheable: Make<CacheableCache> }>(peers, 'cacheable')
  const { createKeyv } = await loadPeer<{ createKeyv: Factory }>(peers, '@keyv/redis')
  const shared = redisUrl === undefined ? undefined : createKeyv(redisUrl)
  const cache = new Cacheable(memory ? { secondary: shared, ttl: ttlMs } : { primary: shared, ttl: ttlMs })
  return {
    getOrSet: (key, load) => cache.getOrSet(key, async () => load(), { ttl: ttlMs }),
    set: (key, value) => cache.set(key, value, ttlMs),
    invalidate: (key) => cache.delete(key),
    close: () => cache.disconnect(),
  }
}

interface Manager extends Plain {
  wrap(key: string, load: () => unknown): Promise<unknown>
  del(key: string): Promise<unknown>
}

const cacheManager: OpenPeer = async ({ peers, memory, redisUrl }) => {
  const { createCache } = await loadPeer<{ createCache: (options: unknown) => Manager }>(peers, 'cache-manager')
  const { createKeyv } = await loadPeer<{ createKeyv: Factory }>(peers, '@keyv/redis')
  const { Keyv } = await loadPeer<{ Keyv: Make<unknown> }>(peers, 'keyv')
  const stores = [...(memory ? [new Keyv()] : []), ...(redisUrl === undefined ? [] : [createKeyv(redisUrl)])]
  const cache = createCache({ stores, ttl: ttlMs })
  return {
    getOrSet: (key, load) => cache.wrap(key, async () => load()),
    set: (key, value) => cache.set(key, value, ttlMs),
    invalidate: (key) => cache.del(key),
    close: () => cache.disconnect(),
  }
}

export const peerCaches: Readonly<Record<string, OpenPeer>> = { bentocache, cacheable, 'cache-manager': cacheManager }
