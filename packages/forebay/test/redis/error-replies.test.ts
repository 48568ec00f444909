import { mkdirSync, rmdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort, startCluster, startRedis, startReplicated } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import type { Cache } from '../../src/engine/public.js'
import { createLayout } from '../../src/redis/layout.js'
import { startLyingServer } from './lying-server.js'
import { noHurry } from './no-hurry.js'
import { type Service, startService } from './service.js'

let server: Awaited<ReturnType<typeof startRedis>>
/** A connection that is there before any trouble begins. */
let admin: Redis
let dead: number
let service: Service | undefined

beforeAll(async () => {
  server = await startRedis({ args: ['--enable-debug-command', 'yes', '--busy-reply-threshold', '50'] })
  dead = await freePort()
})
afterAll(() => server.stop())
beforeEach(async () => {
  admin = new Redis(server.port, '127.0.0.1', { lazyConnect: true, maxRetriesPerRequest: null })
  admin.on('error', () => {}) // it comes back with the server
  await admin.connect()
})
afterEach(async () => {
  await service?.stop()
  service = undefined
  admin.disconnect()
})

function start(redis: object = {}): Service {
  service = startService({ host: '127.0.0.1', port: server.port, ...redis })
  return service
}

async function isTold({ told }: Service, words: RegExp): Promise<void> {
  await until(`it is told: ${words}`, () => told.some((text) => words.test(text)))
}

/** Whoever loads waits for Redis to keep what he has loaded, but not for long. */
async function untilInRedis(cache: Cache<string>, value: string): Promise<void> {
  await until('Redis has it', async () => {
    const found = await cache.fetch('b1', () => value)
    return found.tier === 'redis' && found.value === value
  })
}

async function set(name: string, value: string | number): Promise<void> {
  await admin.config('SET', name, value)
}

/** As a network that breaks would, but for the admin's connection. */
function cutAll(): Promise<unknown> {
  return admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
}

async function failSave(): Promise<void> {
  mkdirSync(join(server.dir, 'dump.rdb')) // a folder where the dump would be
  await set('save', '3600 1')
  await admin.bgsave()
}

async function save(): Promise<void> {
  rmdirSync(join(server.dir, 'dump.rdb'))
  await until('it can save', async () => {
    await admin.bgsave().catch(() => {}) // one is under way
    return /rdb_last_bgsave_status:ok/.test(await admin.info('persistence'))
  })
  await set('save', '')
}

const causes: readonly {
  readonly reply: string
  readonly begin: () => Promise<unknown>
  readonly words: RegExp
  readonly end: () => Promise<unknown>
}[] = [
  {
    reply: 'READONLY: the server has become a replica',
    begin: () => admin.replicaof('127.0.0.1', dead),
    words: /cannot be used: READONLY/,
    end: () => admin.replicaof('NO', 'ONE'),
  },
  {
    reply: 'MASTERDOWN: a replica without a primary that does not serve what it has',
    begin: () => set('replica-serve-stale-data', 'no').then(() => admin.replicaof('127.0.0.1', dead)),
    words: /cannot be used: (?:MASTERDOWN|READONLY)/,
    end: () => admin.replicaof('NO', 'ONE').then(() => set('replica-serve-stale-data', 'yes')),
  },
  {
    reply: 'NOREPLICAS: fewer replicas than a write needs',
    begin: () => set('min-replicas-to-write', 1),
    words: /cannot be used: NOREPLICAS/,
    end: () => set('min-replicas-to-write', 0),
  },
  { reply: 'MISCONF: the last dump could not be written', begin: failSave, words: /cannot be used: MISCONF/, end: save },
  {
    reply: 'max number of clients reached',
    begin: () => set('maxclients', 1).then(() => cutAll()),
    words: /cannot be used: ERR max number of clients reached/,
    end: () => set('maxclients', 10_000),
  },
  {
    reply: 'NOAUTH: a password is wanted',
    begin: () => set('requirepass', 'secret').then(() => cutAll()),
    words: /cannot be used: NOAUTH/,
    end: () => set('requirepass', ''),
  },
]

describe('a server that takes no writes, or will not have us, is away: callers are served, invalidations wait, it comes back by itself', () => {
  it.each(causes)('$reply', async ({ begin, words, end }) => {
    const running = start()
    await running.back()
    await begin()
    await isTold(running, words)
    await until('it stands in the statistics', () => running.forebay.stats().linkErrors.length > 0)
    expect(await running.forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
    expect(await running.forebay.cache('books').invalidate('b100')).toMatchObject({ state: 'queued' })
    await end()
    await running.back()
    expect(running.thrown).toEqual([])
  })
})

it('a failover behind a name: the connections to the old primary are left, and the new one is found under the same name', async () => {
  const { primary, replicas, stop } = await startReplicated({ replicas: 1 })
  const [replica] = replicas
  const name = await startLyingServer(primary.port)
  try {
    const running = start({ port: name.port, ...noHurry })
    const { forebay } = running
    await running.back()
    await until('the replica has it', async () => {
      await forebay.cache('books').getOrSet('kept', () => 'before the failover') // stored at the latest when Redis has answered in time
      return `${await replica?.command('KEYS', '*kept*')}` !== ''
    })
    await replica?.command('REPLICAOF', 'NO', 'ONE')
    await primary.command('REPLICAOF', '127.0.0.1', replica?.port ?? 0)
    await isTold(running, /cannot be used: READONLY/)
    name.lead(replica?.port ?? 0)
    await running.back()
    expect(await forebay.cache('books').fetch('kept', () => 'nothing')).toMatchObject({ value: 'before the failover' })
    await until('all listen at the new one', async () => `${await primary.command('CLIENT', 'LIST', 'TYPE', 'pubsub')}` === '')
    await until('all listen', async () => / sub=16 /.test(`${await replica?.command('CLIENT', 'LIST', 'TYPE', 'pubsub')}`))
    expect(running.thrown).toEqual([])
  } finally {
    await service?.stop()
    service = undefined
    await name.close()
    await stop()
  }
})

it('LOADING: a server that reads its dump is away, and used as soon as it is ready', async () => {
  const args = ['--enable-debug-command', 'yes', '--key-load-delay', '200', '--loading-process-events-interval-bytes', '1024']
  const slow = await startRedis({ args })
  try {
    await slow.command('DEBUG', 'POPULATE', 3_000)
    await slow.command('SAVE')
    const running = start({ port: slow.port })
    await running.back()
    await Promise.all([slow.restart(), isTold(running, /cannot be used: LOADING/)])
    await running.back()
    expect(running.thrown).toEqual([])
  } finally {
    await slow.stop()
  }
})

it('BUSY: a script that blocks the server is not ended by us; when it ends, all is well', async () => {
  const running = start()
  await running.back()
  const blocking = new Redis(server.port, '127.0.0.1')
  const ended = blocking.eval('while true do end', 0).catch((error: unknown) => String(error))
  await isTold(running, /cannot be used: (?:BUSY|the server is silent)/)
  await isTold(running, /cannot be used: BUSY/)
  expect(await running.forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
  expect(await admin.script('KILL')).toBe('OK') // nobody else has
  await running.back()
  expect(await ended).toMatch(/Script killed by user/)
  blocking.disconnect()
  expect(running.thrown).toEqual([])
})

it('OOM: a full server takes invalidations and no values; callers are served from the origin', async () => {
  const running = start(noHurry)
  const { forebay } = running
  await running.back()
  await set('maxmemory', 1)
  await isTold(running, /^Redis at \S+ refuses: OOM command not allowed when used memory > 'maxmemory'\.$/)
  await until('an invalidation is taken', async () => (await forebay.cache('books').invalidate('b100')).state === 'acknowledged')
  expect(await forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
  expect(forebay.stats().linkErrors).toEqual([]) // it can be used
  await set('maxmemory', 0)
  await running.back()
  expect(running.thrown).toEqual([])
})

describe('NOPERM: a user who lacks a command', () => {
  const login = { username: 'ann', password: 'secret' }
  beforeEach(() => admin.call('ACL', 'SETUSER', 'ann', 'reset', 'on', '>secret', '~fb1:*', '&fb1:*', '+@all'))

  it('is told which, and goes on when he gets it', async () => {
    const running = start(login)
    await running.back()
    await admin.call('ACL', 'SETUSER', 'ann', '-evalsha')
    await isTold(running, /^Redis at \S+ refuses: NOPERM .*'evalsha' command/)
    expect(await running.forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
    await admin.call('ACL', 'SETUSER', 'ann', '+evalsha')
    await running.back()
    expect(running.thrown).toEqual([])
  })

  it('in a script is told that, and by which script', async () => {
    const running = start(login)
    await running.back()
    await admin.call('ACL', 'SETUSER', 'ann', '-xadd')
    await isTold(running, /refuses: .*(?:can't run this command|no permissions to run the 'xadd').*script 'write'.*ACL LOG/s)
    await admin.call('ACL', 'SETUSER', 'ann', '+xadd')
    await running.back()
    expect(running.thrown).toEqual([])
  })

  it('before it can begin is told which, and comes in when he gets it', async () => {
    await admin.call('ACL', 'SETUSER', 'ann', '-persist')
    const running = start(login)
    await isTold(running, /cannot be used: NOPERM .*'persist' command/)
    await admin.call('ACL', 'SETUSER', 'ann', '+persist')
    await running.back()
    expect(running.thrown).toEqual([])
  })
})

it('NOSCRIPT: scripts that are flushed without end under load are sent again, and nobody notices', async () => {
  const running = start(noHurry)
  await running.back()
  const degraded: unknown[] = []
  running.forebay.on('degraded', (event) => degraded.push(event))
  const evals = async () => Number(/cmdstat_eval:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
  const before = await evals()
  await until('many scripts have been sent again', async () => {
    await admin.script('FLUSH')
    return (await evals()) > before + 200
  })
  expect(running.thrown).toEqual([])
  expect(degraded).toEqual([])
  expect(running.told).toEqual([])
})

it('a database that there is not: the client would go on in database 0, we do not', async () => {
  const running = start({ db: 99 })
  await isTold(running, /cannot be used: ERR DB index is out of range/)
  expect(await running.forebay.cache('books').fetch('b1', () => 'Dune')).toMatchObject({ tier: 'origin' })
  expect(await admin.keys(`fb1:{${running.name}.*`)).toEqual([])
  expect(running.thrown).toEqual([])
})

it('something at the port that is not Redis is told, and Redis used when it is there', async () => {
  const port = await freePort()
  const web = createServer((_, response) => response.end('hello'))
  await new Promise<void>((listening) => web.listen(port, '127.0.0.1', listening))
  const running = start({ port })
  await isTold(running, /cannot be used: what answers does not speak the protocol of Redis: it begins with "H"/)
  expect(await running.forebay.cache('books').fetch('b1', () => 'b1')).toMatchObject({ tier: 'origin' })
  web.closeAllConnections()
  await new Promise((closed) => web.close(closed))
  const redis = await startRedis({ port })
  try {
    await running.back()
    expect(running.thrown).toEqual([])
  } finally {
    await service?.stop()
    service = undefined
    await redis.stop()
  }
})

describe('WRONGTYPE: something foreign under a key of ours', () => {
  it('is left alone, told, and gone with the next invalidation; until then the origin serves', async () => {
    const running = start(noHurry)
    const { forebay } = running
    const books = forebay.cache<string>('strange')
    await running.back()
    await untilInRedis(books, 'Dune')
    const [name = ''] = (await admin.keys('fb1:*')).filter((key) => key.includes('strange') && key.includes('b1'))
    await admin.del(name)
    await admin.lpush(name, 'x')
    expect(await books.fetch('b1', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
    await isTold(running, /refuses: WRONGTYPE/)
    expect(await admin.type(name)).toBe('list')
    await books.invalidate('b1')
    await untilInRedis(books, 'Dune')
    expect(running.thrown).toEqual([])
  })
})

it('metadata that is foreign is told; its shard is away, the others serve, and all is well when it is gone', async () => {
  const running = start(noHurry)
  await running.back()
  const { meta } = createLayout(running.name).shard(0)
  await admin.del(meta)
  await admin.set(meta, 'foreign')
  await isTold(running, /refuses: WRONGTYPE/)
  expect(running.forebay.stats().linkErrors).toEqual([])
  await admin.del(meta)
  await running.back()
  expect(running.thrown).toEqual([])
})

describe('replies that nobody can foresee', () => {
  const errors = [
    '-EXECABORT Transaction discarded because of previous errors.',
    '-UNKILLABLE Sorry',
    '-FOO bar',
    '-',
    '-ERR unknown command',
  ]
  const garbage = [':1', '+OK', '$-1', '*-1', '*0', '*1\r\n*1\r\n$2\r\nhi', '$3\r\nhi\n', '*3\r\n$-1\r\n:7\r\n$0\r\n']
  const commands = ['GET', 'MGET', 'EVALSHA', 'HMGET', 'PERSIST', 'TIME', 'XRANGE', 'INFO']

  it.each([...errors, ...garbage])('%j to any command: callers are served, and all is well when it ends', async (reply) => {
    const liar = await startLyingServer(server.port)
    try {
      const running = start({ port: liar.port })
      await running.back()
      for (const name of commands) {
        const before = liar.told
        liar.lie(([command = '']) => (command === name ? `${reply}\r\n` : undefined))
        await until(`${name} was answered so`, () => liar.told > before || !used.has(name))
        liar.lie(undefined)
        await running.back()
      }
      liar.lie(([command = '']) => (commands.includes(command) ? `${reply}\r\n` : undefined))
      const before = liar.told
      await until('all were answered so', () => liar.told > before + 50)
      expect(await running.forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
      expect(await running.forebay.cache('books').invalidate('b100')).toMatchObject({ state: 'queued' })
      liar.lie(undefined)
      await running.back()
      expect(running.thrown).toEqual([])
    } finally {
      await service?.stop()
      service = undefined
      await liar.close()
    }
  })

  /** The others come only when something is missed, or a connection is made. */
  const used = new Set(['GET', 'EVALSHA', 'HMGET', 'PERSIST', 'TIME'])
})

describe('replies of a Cluster or of a failover, given by one server', () => {
  it.each([
    ['MOVED 3999 127.0.0.1:1', /$^/],
    ['ASK 3999 127.0.0.1:1', /$^/],
    ['TRYAGAIN Multiple keys request during rehashing of slot', /$^/],
    ['CLUSTERDOWN The cluster is down', /refuses: CLUSTERDOWN/],
    ['CROSSSLOT Keys in request do not hash to the same slot', /refuses: CROSSSLOT/],
  ])('%s: callers are served, and all is well when it ends', async (reply, words) => {
    const liar = await startLyingServer(server.port)
    try {
      const running = start({ port: liar.port, ...noHurry })
      await running.back()
      liar.lie(([command = '']) => (/^(?:EVALSHA|GET|MGET|PERSIST|HMGET)$/.test(command) ? `-${reply}\r\n` : undefined))
      const before = liar.told
      await until('it was answered so', () => liar.told > before + 50)
      if (words.source !== '$^') await isTold(running, words)
      expect(await running.forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
      liar.lie(undefined)
      await running.back()
      expect(running.thrown).toEqual([])
      expect(running.told.filter((text) => !words.test(text))).toEqual([])
    } finally {
      await service?.stop()
      service = undefined
      await liar.close()
    }
  })
})

describe('one node of a Cluster: its shards are away, those of the others are served', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  beforeAll(async () => {
    cluster = await startCluster({ primaries: 2, replicas: 0 })
  })
  afterAll(() => cluster?.stop())

  it.each([
    [
      'NOREPLICAS',
      ['CONFIG', 'SET', 'min-replicas-to-write', 1],
      /cannot be used: NOREPLICAS/,
      ['CONFIG', 'SET', 'min-replicas-to-write', 0],
    ],
    ['CLUSTERDOWN', ['CLUSTER', 'DELSLOTSRANGE', 8192, 16_383], /refuses: CLUSTERDOWN/, ['CLUSTER', 'ADDSLOTSRANGE', 8192, 16_383]],
  ] as const)('%s', async (_, begin, words, end) => {
    const [, node] = cluster.nodes
    const running = startService({ cluster: cluster.urls })
    service = running
    await running.back()
    await node?.command(...begin)
    await isTold(running, words)
    await until('there are both', async () => {
      const tiers = Array.from({ length: 20 }, async (_, i) => (await running.forebay.cache('books').fetch(`b${i}`, () => `b${i}`)).tier)
      return new Set(await Promise.all(tiers)).size === 2
    })
    await node?.command(...end)
    await running.back()
    await until('all shards are served', async () => {
      const tiers = Array.from({ length: 20 }, async (_, i) => (await running.forebay.cache('books').fetch(`b${i}`, () => `b${i}`)).tier)
      return (await Promise.all(tiers)).filter((tier) => tier === 'origin').length < 4 // some have just been invalidated
    })
    expect(running.thrown).toEqual([])
  })
})
