import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCluster, startRedis, startSentinels } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay, type ForebayOptions } from '../../src/create-forebay.js'
import type { Cache, Forebay } from '../../src/engine/public.js'
import type { RedisReplicasOption, RedisServerOption } from '../../src/redis/options.js'
import { type ChaosProxy, chaosProxy } from '../../src/testing/chaos-proxy.js'
import { noHurry } from './no-hurry.js'

type Server = Awaited<ReturnType<typeof startRedis>>

/** Longer than any test waits, so that whoever is answered was answered by the replica. */
const patience = { min: '8s', max: '8s' } as const
const open: Forebay[] = []
let primary: Server
let replica: Server
/** Between the two, so that replication can be held back. */
let between: ChaosProxy
let services = 0

beforeAll(async () => {
  primary = await startRedis({ args: ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', '--repl-timeout', '3600'] })
  replica = await startRedis({ args: ['--repl-timeout', '3600'] })
  between = await chaosProxy({ target: { port: primary.port } })
  await replica.command('REPLICAOF', '127.0.0.1', between.port)
  await until('the replica is in step', async () => `${await replica.command('INFO', 'replication')}`.includes('master_link_status:up'))
})
afterAll(async () => {
  await Promise.all([primary?.stop(), replica?.stop()])
  await between?.close()
})
beforeEach(() => {
  services += 1
})
afterEach(async () => {
  primary.resume()
  replica.resume()
  between.heal()
  await Promise.all(open.splice(0).map((forebay) => forebay.close()))
})

/** A process without memory, so that every read goes to a server. */
async function start(redis: ForebayOptions['redis'], service = `replicas${services}`): Promise<Forebay> {
  const forebay = createForebay({ service, shards: 2, redis, defaults: { ttl: '1h', memory: false } })
  open.push(forebay)
  await forebay.ready()
  return forebay
}

function reading(replicas: RedisReplicasOption | undefined, rest: Partial<RedisServerOption> = {}): RedisServerOption {
  return { host: '127.0.0.1', port: primary.port, ...noHurry, ...rest, replicas }
}

function served(forebay: Forebay): number {
  return forebay.stats().replicas?.served ?? 0
}

/** Reads until a replica has answered. */
async function untilServed(forebay: Forebay, books: Cache<number>): Promise<void> {
  const before = served(forebay)
  await until('a replica answers', async () => {
    await books.getOrSet('warm', () => 0)
    return served(forebay) > before
  })
}

async function caughtUp(): Promise<void> {
  const offset = async (server: Server) => Number(/master_repl_offset:(\d+)/.exec(`${await server.command('INFO', 'replication')}`)?.[1])
  const target = await offset(primary)
  await until('the replica has caught up', async () => (await offset(replica)) >= target)
}

describe.each([
  ['that the primary names', () => undefined],
  ['that are given', () => [`127.0.0.1:${replica.port}`]],
])('replicas %s', (_, nodes) => {
  it('answer reads, where they are preferred', async () => {
    const forebay = await start(reading({ reads: 'prefer', nodes: nodes() }))
    const books = forebay.cache<number>('books')
    await books.getOrSet('b42', () => 42)
    await untilServed(forebay, books)
    await until('it is read there', async () => {
      const before = served(forebay)
      return (await books.get('b42')) === 42 && served(forebay) === before + 1
    })
  })
})

describe('many reads at once', () => {
  it('share transactions, and each gets its own', async () => {
    const forebay = await start(reading({ reads: 'prefer', hedgeAfter: '1s' }))
    const books = forebay.cache<string>('books')
    const keys = Array.from({ length: 150 }, (_, i) => `k${i}`)
    for (const key of keys) await books.set(key, `of ${key}`.padEnd(key.endsWith('7') ? 100_000 : 0, '.'))
    await until('all are read at the replica', async () => {
      const before = served(forebay)
      const found = await Promise.all(keys.map((key) => books.get(key)))
      expect(found.map((value) => value?.replaceAll('.', ''))).toEqual(keys.map((key) => `of ${key}`))
      return served(forebay) === before + keys.length
    })
    const commands = `${await replica.command('INFO', 'commandstats')}`
    const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(commands)?.[1] ?? 0)
    expect(calls('mget')).toBeLessThan(forebay.stats().replicas?.asked ?? 0)
  })
})

describe('a replica that lags', () => {
  it('is never believed about what this process has written, nor about what a token has shown', async () => {
    const writer = await start(reading({ reads: 'prefer', hedgeAfter: '1s' }))
    const reader = await start(reading({ reads: 'prefer', hedgeAfter: '1s' }))
    const [books, theirs] = [writer.cache<number>('books'), reader.cache<number>('books')]
    await untilServed(writer, books)
    await untilServed(reader, theirs)
    between.delay({ latencyMs: 5, jitterMs: 10 })
    const wrong: string[] = []
    for (let version = 1; version <= 150; version++) {
      const { token } = await books.set('b42', version)
      for (let read = 0; read < 3; read++) {
        const [own, shown] = await Promise.all([books.get('b42'), reader.withToken(token, () => theirs.get('b42'))])
        if (own !== version || shown !== version) wrong.push(`${version}: ${own} and ${shown}`)
      }
    }
    expect(wrong).toEqual([])
    expect(writer.stats().replicas?.refused).toBeGreaterThan(0)
    expect(writer.stats().replicas?.served).toBeGreaterThan(0)
  })

  it('is not believed though it hears nothing any more, and is again once it has caught up', async () => {
    const forebay = await start(reading({ reads: 'prefer' }))
    const books = forebay.cache<number>('books')
    await books.set('b42', 1)
    await untilServed(forebay, books)
    await caughtUp()
    between.freeze('down')
    await books.set('b42', 2)
    const before = served(forebay)
    for (let read = 0; read < 20; read++) expect(await books.get('b42')).toBe(2)
    expect(served(forebay)).toBe(before)
    between.heal()
    await until('the replica answers again', async () => {
      expect(await books.get('b42')).toBe(2)
      return served(forebay) > before
    })
  })

  it('is not believed about what another process has invalidated, once that has been heard', async () => {
    const [writer, reader] = [await start(reading(undefined)), await start(reading({ reads: 'prefer' }))]
    const [books, theirs] = [writer.cache<number>('books'), reader.cache<number>('books')]
    await books.set('b42', 1)
    await untilServed(reader, theirs)
    await caughtUp()
    between.freeze('down')
    await books.set('b42', 2)
    await until('it is heard', async () => (await theirs.get('b42')) === 2)
    for (let read = 0; read < 20; read++) expect(await theirs.get('b42')).toBe(2)
  })
})

describe('a replica that has become a primary', () => {
  it('is not believed where it lacks what was heard, though it has counted on as far', async () => {
    // Servers of its own: what is done to them cannot be undone.
    const old = await startRedis({ args: ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'] })
    const next = await startRedis()
    const way = await chaosProxy({ target: { port: old.port } })
    try {
      await next.command('REPLICAOF', '127.0.0.1', way.port)
      const nodes = [`127.0.0.1:${next.port}`]
      const service = `replicas${services}`
      const one = await start({ host: '127.0.0.1', port: old.port, ...noHurry, replicas: { reads: 'prefer', nodes } }, service)
      const books = one.cache<number>('books', { maxStaleness: '60s' })
      await books.set('b42', 1)
      await untilServed(one, books)
      await until('it is read there', async () => {
        const before = served(one)
        return (await books.get('b42')) === 1 && served(one) === before + 1
      })
      way.blackHole()
      await books.set('b42', 2)
      await next.command('REPLICAOF', 'NO', 'ONE')
      const two = await start({ host: '127.0.0.1', port: next.port, ...noHurry }, service)
      const theirs = two.cache<number>('books')
      expect(await theirs.get('b42')).toBe(1)
      // One notice was lost there, and here comes another of the same number.
      await theirs.set('b42', 3)
      const before = served(one)
      for (let read = 0; read < 20; read++) expect(await books.get('b42')).toBe(2)
      expect(served(one)).toBe(before)
    } finally {
      await Promise.all(open.splice(0).map((forebay) => forebay.close()))
      await Promise.all([old.stop(), next.stop(), way.close()])
    }
  })
})

describe('a frozen primary', () => {
  it('is stood in for, by as many hedges as the budget has', async () => {
    const forebay = await start(reading({ reads: 'hedge', hedgeAfter: '20ms', budget: 0.05 }, { deadline: patience }))
    const books = forebay.cache<number>('books', { maxStaleness: '30s' })
    await books.set('b42', 42)
    let reads = 300
    await until('the replica is known', async () => {
      await books.get('b42')
      reads += 1
      return forebay.stats().replicas !== undefined && (await listening(replica)) > 0
    })
    await caughtUp()
    const before = forebay.stats().replicas?.hedged ?? 0
    primary.pause()
    const waiting = Array.from({ length: 300 }, () => books.get('b42'))
    await until('the hedges are answered', () => (forebay.stats().replicas?.won ?? 0) > 0)
    expect(await Promise.race(waiting)).toBe(42)
    const { hedged = 0, won = 0 } = forebay.stats().replicas ?? {}
    expect(won).toBeGreaterThan(0)
    // What may come at once, and the share of all reads so far.
    expect(hedged - before).toBeLessThanOrEqual(100 + 0.05 * reads)
    primary.resume()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([42]))
  })
})

describe('a frozen replica', () => {
  it('costs its readers no answer: the primary is asked', async () => {
    const forebay = await start(reading({ reads: 'prefer' }))
    const books = forebay.cache<number>('books')
    await books.set('b42', 42)
    await untilServed(forebay, books)
    replica.pause()
    const readings = () => Promise.all(Array.from({ length: 150 }, () => books.get('b42')))
    expect(new Set(await readings())).toEqual(new Set([42]))
    await until('it is no longer asked', async () => {
      const asked = forebay.stats().replicas?.asked
      expect(new Set(await readings())).toEqual(new Set([42]))
      return forebay.stats().replicas?.asked === asked
    })
  })
})

describe('a primary that is gone', () => {
  it('is stood in for while its last proof holds', async () => {
    const forebay = await start(reading({ reads: 'hedge' }, { deadline: patience }))
    const books = forebay.cache<number>('books', { maxStaleness: '60s' })
    await books.set('b42', 42)
    await until('the replica is known', async () => (await books.get('b42')) === 42 && (await listening(replica)) > 0)
    await caughtUp()
    await primary.kill()
    try {
      const before = served(forebay)
      for (let read = 0; read < 20; read++) expect(await books.fetch('b42', () => -1)).toMatchObject({ value: 42, tier: 'redis' })
      expect(served(forebay)).toBe(before + 20)
      expect(await books.invalidate('b42')).toMatchObject({ state: 'queued' })
      expect(await books.fetch('b42', () => -1)).toMatchObject({ value: -1, tier: 'origin' })
    } finally {
      await primary.start()
    }
  })
})

/** Clients of ours at a server. */
async function listening(server: Server): Promise<number> {
  const clients = `${await server.command('CLIENT', 'LIST', 'TYPE', 'normal')}`.trim().split('\n')
  return clients.filter((line) => !line.includes('cmd=client')).length
}

/** The permissions that the guides list. */
function rights(): string[] {
  const guide = readFileSync(new URL('../../../../docs/guide/redis.md', import.meta.url), 'utf8')
  const [, commands = ''] = /needs the keys and channels.*?```\n(.*?)```/s.exec(guide) ?? []
  return ['-@all', ...`${commands.trim()} multi exec readonly`.split(/\s+/).map((command) => `+${command}`)]
}

describe('a Cluster', () => {
  it('has replicas that answer reads, of a user with the permissions that the guide lists', async () => {
    const cluster = await startCluster({ primaries: 2, replicas: 1 })
    try {
      for (const node of cluster.nodes)
        await node.command('ACL', 'SETUSER', 'min', 'on', '>secret', '~fb1:*', 'resetchannels', '&fb1:*', ...rights())
      const login = { username: 'min', password: 'secret' }
      const forebay = await start({ cluster: cluster.urls.slice(0, 1), ...login, ...noHurry, replicas: { reads: 'prefer' } })
      const books = forebay.cache<number>('books')
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
      for (const [i, key] of keys.entries()) await books.set(key, i)
      await until('all are read at replicas', async () => {
        const before = served(forebay)
        expect(await Promise.all(keys.map((key) => books.get(key)))).toEqual(keys.map((_, i) => i))
        return served(forebay) === before + keys.length
      })
    } finally {
      await cluster.stop()
    }
  })
})

describe('Sentinels', () => {
  it('lead to a primary that names its replicas', async () => {
    const watched = await startSentinels()
    try {
      const sentinels = watched.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
      const forebay = await start({ sentinels, name: watched.name, ...noHurry, replicas: { reads: 'prefer' } })
      await untilServed(forebay, forebay.cache<number>('books'))
    } finally {
      await watched.stop()
    }
  })
})
