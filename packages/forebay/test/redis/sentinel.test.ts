import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startSentinels } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay } from '../../src/create-forebay.js'
import type { EntryAddress } from '../../src/core/far-store.js'
import type { RedisFarStore } from '../../src/redis/far-store.js'
import { deadlinesFor } from '../../src/redis/plan.js'
import { noHurry } from './no-hurry.js'
import { openStore, untilConnected } from './open-store.js'

type Watched = Awaited<ReturnType<typeof startSentinels>>
type Server = Watched['primary']

const at: EntryAddress = { shard: 0, cache: 'books', version: '', key: 'b42' }
const invalidation = { kind: 'invalidate', nonce: 'nonce001', newInc: 'incarnat' } as const
const nobody = { username: undefined, password: undefined }

let watched: Watched
let store: RedisFarStore
let services = 0

async function connect(): Promise<void> {
  services += 1
  const nodes = watched.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  const sentinel = { name: watched.name, nodes, credentials: nobody, tls: false }
  store = openStore({ urls: [], service: `watched${services}`, shards: 2, sentinel, deadlines: deadlinesFor(1_000) })
  await untilConnected(store)
}

async function runId(server: Server): Promise<string | undefined> {
  return /run_id:(\w+)/.exec(`${await server.command('INFO', 'server')}`)?.[1]
}

/** The server that a Sentinel calls the primary. */
async function primary(): Promise<Server> {
  const [sentinel] = watched.sentinels
  const [, port] = `${await sentinel?.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', watched.name)}`.split(',')
  const found = watched.nodes.find((node) => node.port === Number(port))
  if (found === undefined) throw new Error(`nobody is on port ${port}`)
  return found
}

/** How many listen at a Sentinel. */
async function listeners(sentinel: Server): Promise<number> {
  return `${await sentinel.command('CLIENT', 'LIST', 'TYPE', 'pubsub')}`.split(' sub=1 ').length - 1
}

async function untilFollowed(old: Server): Promise<Server> {
  const before = store.nodeOf(0)
  await until('another server is used', () => ![undefined, before].includes(store.nodeOf(0)))
  await until('the Sentinel knows it', async () => (await primary()) !== old)
  const now = await primary()
  const node = await runId(now)
  await until('that one is used', () => store.nodeOf(0) === node)
  await until('it takes writes', () => store.write(at, invalidation))
  return now
}

describe('a primary that Sentinels watch', () => {
  // A failover needs replicas that are known and in step, and Sentinels take ten seconds to know them again: so each test has its own.
  beforeEach(async () => {
    watched = await startSentinels()
  })
  afterEach(async () => {
    await store.close()
    await watched.stop()
  })

  it('is found, each Sentinel is listened to, again after its connections broke, and no longer once closed', async () => {
    await connect()
    expect(store.nodeOf(0)).toBe(await runId(watched.primary))
    const all = async (count: number) => (await Promise.all(watched.sentinels.map(listeners))).every((one) => one === count)
    await until('all are listened to', () => all(1))
    const kills = ['normal', 'pubsub'].map((type) => watched.sentinels[0]?.command('CLIENT', 'KILL', 'TYPE', type))
    await Promise.allSettled(kills)
    await until('all are listened to again', () => all(1))
    await store.close()
    await until('nobody listens', () => all(0))
  })

  it('is followed when another is promoted, and its bell is heard', async () => {
    await connect()
    const heard: number[] = []
    store.onNotice((shard) => heard.push(shard))
    const old = await primary()
    await until('the Sentinel is ready to', () => watched.sentinels[0]?.command('SENTINEL', 'FAILOVER', watched.name))
    await untilFollowed(old)
    await until('a bell rings', async () => {
      await store.write(at, invalidation)
      return heard.includes(at.shard)
    })
  })

  it('is left when it freezes, and is not believed when it goes on as if nothing had been', async () => {
    await connect()
    const old = await primary()
    old.pause()
    try {
      const now = await untilFollowed(old)
      const node = await runId(now)
      old.resume()
      await until('it believes to be the primary', async () => `${await old.command('ROLE')}`.startsWith('master'))
      await now.command('CLIENT', 'KILL', 'TYPE', 'normal')
      await until('a new connection takes writes', async () => (await store.write(at, invalidation)) && store.nodeOf(0) !== undefined)
      expect(store.nodeOf(0)).toBe(node)
    } finally {
      old.resume()
    }
  })

  it('is left when it dies, though a Sentinel is frozen', async () => {
    await connect()
    const old = await primary()
    watched.sentinels[2]?.pause()
    await old.kill()
    await untilFollowed(old)
  })
})

it('Sentinels may have a password of their own, some may be away, and what is wrong with one is told', async () => {
  const guarded = await startSentinels({ replicas: 0, sentinels: 1 })
  const password = 'of-the-sentinels'
  const [sentinel] = guarded.sentinels
  await sentinel?.command('ACL', 'SETUSER', 'default', 'resetpass', `>${password}`)
  const at = { host: '127.0.0.1', port: sentinel?.port ?? 0 }
  const open = (sentinelPassword: string) =>
    createForebay({
      service: 'guarded',
      redis: { sentinels: [{ host: '127.0.0.1', port: 1 }, at], name: guarded.name, sentinelPassword, ...noHurry },
      defaults: { ttl: '1m' },
    })
  const [one, other] = [open(password), open('wrong')]
  try {
    await one.ready()
    expect(await one.cache<number>('books').getOrSet('b42', () => 1)).toBe(1)
    const error = expect.stringContaining('WRONGPASS')
    await until('it is told', () => other.stats().linkErrors.some(({ node }) => node.endsWith(`:${at.port}`)))
    expect(other.stats().linkErrors).toContainEqual({ node: `127.0.0.1:${at.port}`, error, forMs: expect.any(Number) })
  } finally {
    await Promise.all([one.close(), other.close()])
    await guarded.stop()
  }
})
