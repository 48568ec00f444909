import { command, type startCluster, type startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createLayout } from '../../src/redis/layout.js'
import type { ConformanceWorld } from '../../src/testing/conformance.js'
import { openStore, patient, untilConnected } from './open-store.js'

type Words = [string, ...(string | number)[]]

/** What a world stands on. */
interface Servers {
  readonly urls: readonly string[]
  readonly mode: 'single' | 'cluster'
  /** Sends a command to whoever serves its key; what has none goes to all. */
  send(...words: Words): Promise<unknown>
  refuseWrites(refuse: boolean): Promise<void>
}

let services = 0

/** Two clients of a new service on this server, which is this world's alone while it lasts: its condition is the server's. */
export function openSingle(server: Awaited<ReturnType<typeof startRedis>>): Promise<ConformanceWorld> {
  return openWorld({
    urls: [server.url],
    mode: 'single',
    send: (...words) => server.command(...words),
    async refuseWrites(refuse) {
      await (refuse ? server.command('REPLICAOF', '127.0.0.1', '1') : server.command('REPLICAOF', 'NO', 'ONE'))
    },
  })
}

/** The same on a Cluster without replicas. */
export function openCluster({ urls, primaries }: Awaited<ReturnType<typeof startCluster>>): Promise<ConformanceWorld> {
  return openWorld({
    urls,
    mode: 'cluster',
    async send(...words) {
      if (['CONFIG', 'PUBSUB'].includes(words[0])) return Promise.all(primaries.map((node) => node.command(...words)))
      try {
        return await primaries[0]?.command(...words)
      } catch (error) {
        const [, port] = /^MOVED \d+ \S+:(\d+)/.exec(error instanceof Error ? error.message : '') ?? []
        if (port === undefined) throw error
        return command(Number(port), ...words)
      }
    },
    // There are no replicas, so one that is asked for is missing.
    async refuseWrites(refuse) {
      await Promise.all(primaries.map((node) => node.command('CONFIG', 'SET', 'min-replicas-to-write', refuse ? 1 : 0)))
    },
  })
}

async function openWorld(servers: Servers): Promise<ConformanceWorld> {
  services += 1
  const service = `conformance${services}`
  const layout = createLayout(service)
  const [store, store2] = await Promise.all([openOne(servers, service), openOne(servers, service)])
  const count = servers.mode === 'single' ? 'NUMSUB' : 'SHARDNUMSUB'
  await until('both hear shard 0', async () => `${await servers.send('PUBSUB', count, layout.shard(0).bell)}`.includes(',2'))
  return {
    store,
    store2,
    async advance(ms) {
      const endMs = (await serverMs(servers)) + ms
      while ((await serverMs(servers)) < endMs); // the server's own time, asked for, not slept
    },
    async evict(kind, shard, at) {
      const names = layout.shard(shard)
      if (kind === 'entry' || kind === 'lease') {
        if (at !== undefined) await servers.send('DEL', names[kind](at))
      } else await servers.send('DEL', names[kind])
    },
    async condition(state) {
      await condition(servers, state)
      if (state === 'well') await Promise.all([store, store2].map(untilConnected))
    },
    async close() {
      await Promise.all([store.close(), store2.close()])
      await condition(servers, 'well')
    },
  }
}

async function openOne({ urls, mode }: Servers, service: string) {
  const store = openStore({ urls, mode, service, shards: 2 })
  await untilConnected(store)
  return patient(store)
}

async function condition(servers: Servers, state: 'well' | 'full' | 'read-only'): Promise<void> {
  await servers.send('CONFIG', 'SET', 'maxmemory', state === 'full' ? 1 : 0)
  await servers.refuseWrites(state === 'read-only')
}

async function serverMs({ send }: Servers): Promise<number> {
  const [seconds, micros] = (await send('TIME')) as [string, string]
  return Number(seconds) * 1_000 + Number(micros) / 1_000
}
