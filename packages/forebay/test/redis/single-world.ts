import { until } from '../../../../scripts/until.mjs'
import type { startRedis } from '../../../../scripts/redis-servers.mjs'
import { ForebayError } from '../../src/core/errors.js'
import type { RedisFarStore } from '../../src/redis/far-store.js'
import { createLayout } from '../../src/redis/layout.js'
import type { ConformanceWorld } from '../../src/testing/conformance.js'
import { openStore, untilConnected } from './open-store.js'

type Server = Awaited<ReturnType<typeof startRedis>>

let services = 0

/** Two clients of a new service on this server, which is this world's alone while it lasts: its condition is the server's. */
export async function openSingle(server: Server): Promise<ConformanceWorld> {
  services += 1
  const service = `conformance${services}`
  const layout = createLayout(service)
  const open = async () => {
    const store = openStore({ url: server.url, service, shards: 2 })
    await untilConnected(store)
    return patient(store)
  }
  const [store, store2] = await Promise.all([open(), open()])
  await until('both hear shard 0', async () => `${await server.command('PUBSUB', 'NUMSUB', layout.shard(0).bell)}`.endsWith(',2'))
  return {
    store,
    store2,
    async advance(ms) {
      const endMs = (await serverMs(server)) + ms
      while ((await serverMs(server)) < endMs); // the server's own time, asked for, not slept
    },
    async evict(kind, shard, at) {
      const names = layout.shard(shard)
      if (kind === 'entry' || kind === 'lease') {
        if (at !== undefined) await server.command('DEL', names[kind](at))
      } else await server.command('DEL', names[kind])
    },
    condition: (state) => condition(server, state),
    async close() {
      await Promise.all([store.close(), store2.close()])
      await condition(server, 'well')
    },
  }
}

/** A refusal by a replica makes the link anew; a call that falls into that moment is made again once it stands. */
function patient(store: RedisFarStore): RedisFarStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const answer: unknown = member.apply(target, args)
        return answer instanceof Promise ? answer.catch((error: unknown) => again(error, () => member.apply(target, args))) : answer
      }
    },
  })
}

async function again(error: unknown, call: () => unknown): Promise<unknown> {
  if (!isBroken(error)) throw error
  return until('a link that stands', async () => ({ outcome: await settled(call) })).then(async ({ outcome }) => outcome())
}

/** What came of a call, unless the link is away. */
async function settled(call: () => unknown): Promise<() => unknown> {
  try {
    const answer = await call()
    return () => answer
  } catch (error) {
    if (isBroken(error)) throw error
    return () => Promise.reject(error)
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof ForebayError && error.code === 'E_REDIS_AWAY' && !error.message.endsWith('closed')
}

async function condition(server: Server, state: 'well' | 'full' | 'read-only'): Promise<void> {
  await server.command('CONFIG', 'SET', 'maxmemory', state === 'full' ? 1 : 0)
  await (state === 'read-only' ? server.command('REPLICAOF', '127.0.0.1', '1') : server.command('REPLICAOF', 'NO', 'ONE'))
}

async function serverMs(server: Server): Promise<number> {
  const [seconds, micros] = (await server.command('TIME')) as [string, string]
  return Number(seconds) * 1_000 + Number(micros) / 1_000
}
