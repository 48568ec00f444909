import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { ForebayError } from '../../src/core/errors.js'
import { defaultSupervision } from '../../src/core/supervisor/supervisor-plan.js'
import type { EntryAddress, HeadsAnswer } from '../../src/core/far-store.js'
import { createLayout } from '../../src/redis/layout.js'
import type { RedisFarStore } from '../../src/redis/far-store.js'
import { type Deadlines, deadlinesFor } from '../../src/redis/plan.js'
import { openStore, untilConnected } from './open-store.js'

const at: EntryAddress = { shard: 0, cache: 'books', version: '', key: 'b42' }
const invalidation = { kind: 'invalidate', nonce: 'nonce001', newInc: 'incarnat' } as const

let server: Awaited<ReturnType<typeof startRedis>>
let store: RedisFarStore
let services = 0

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
afterEach(() => store.close())

async function connect(deadlines?: Deadlines): Promise<void> {
  services += 1
  store = openStore({ urls: [server.url], service: `faults${services}`, shards: 2, ...(deadlines && { deadlines }) })
  await untilConnected(store)
}

function ask(): Promise<HeadsAnswer> {
  return store.ask(store.groups()[0] ?? { id: '', shards: [] })
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'answered'
  } catch (error) {
    return error instanceof ForebayError ? error.code : String(error)
  }
}

/** What `INFO` counts under this name. */
async function counted(section: string, name: string): Promise<number> {
  const text = `${await server.command('INFO', section)}`
  return Number(new RegExp(`^${name}(?::|:calls=)(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

function stall(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

describe('a stalled event loop', () => {
  it.each([
    ['in the timer phase', () => new Promise((enter) => setTimeout(enter, 1))],
    ['in the check phase', () => new Promise((enter) => setImmediate(enter))],
    ['while sockets are read', () => store.check(at, { newInc: 'incarnat' })],
  ] as const)('%s fails no call on a healthy server, and breaks no link', async (_, enter) => {
    await connect(deadlinesFor(400))
    // A script whose text the server does not know yet goes twice within one deadline, and the stall would fall between.
    await Promise.all([store.check(at, { newInc: 'incarnat' }), store.write(at, invalidation), ask()])
    const node = store.nodeOf(0)
    const connections = await counted('stats', 'total_connections_received')
    for (let round = 0; round < 3; round++) {
      await enter()
      const calls: Promise<unknown>[] = [store.get(at), store.check(at, { newInc: 'incarnat' }), store.write(at, invalidation), ask()]
      for (let i = 0; i < 200; i++) calls.push(store.get({ ...at, key: `k${i}` }))
      stall(1_000) // longer than any deadline, and than a silence
      await Promise.all(calls)
    }
    expect(store.nodeOf(0)).toBe(node)
    const ownForInfo = 1
    expect(await counted('stats', 'total_connections_received')).toBe(connections + ownForInfo)
  })
})

describe('a server that does not know our scripts', () => {
  it('is sent the text of one once, however many run it at once', async () => {
    await connect()
    const write = (i: number) => store.write({ ...at, key: `k${i}` }, { ...invalidation, nonce: `nonce${i}` })
    await write(0)
    await server.command('SCRIPT', 'FLUSH')
    const texts = await counted('commandstats', 'cmdstat_eval')
    expect(await Promise.all(Array.from({ length: 300 }, (_, i) => codeOf(write(i))))).toEqual(new Array(300).fill('answered'))
    expect(await counted('commandstats', 'cmdstat_eval')).toBe(texts + 1)
  })
})

describe('a frozen server', () => {
  it('is given up, and taken up again when it goes on', async () => {
    await connect()
    server.pause()
    const first = [store.get(at), store.check(at, { newInc: 'incarnat' })]
    const joined = Array.from({ length: 70 }, (_, i) => store.get({ ...at, key: `k${i}` }))
    expect(await Promise.all([...first, ...joined].map(codeOf))).not.toContain('answered')
    await until('the link is away', () => store.nodes?.()[0]?.state === 'connecting')
    expect(await codeOf(store.get(at))).toBe('E_REDIS_AWAY')
    expect(await codeOf(store.write(at, invalidation))).toBe('E_REDIS_AWAY')
    server.resume()
    await untilConnected(store)
    expect(await codeOf(store.write(at, invalidation))).toBe('answered')
  })
})

describe('a store that is closed', () => {
  it('tells at once whoever waits for a frozen server, so that what he wrote can be kept before the process ends', async () => {
    await connect()
    server.pause()
    try {
      const told: string[] = []
      for (const call of [store.write(at, invalidation), store.get(at)]) void codeOf(call).then((code) => told.push(code))
      await store.close()
      await new Promise((resolve) => setImmediate(resolve))
      expect(told).toEqual(['E_REDIS_AWAY', 'E_REDIS_AWAY'])
    } finally {
      server.resume()
    }
  })
})

describe('a killed server', () => {
  it('rejects what was under way, and is another node when it is back', async () => {
    await connect()
    const node = store.nodeOf(0)
    server.pause()
    const underWay = store.check(at, { newInc: 'incarnat' })
    await Promise.all([server.kill(), expect(underWay).rejects.toThrow(/^E_REDIS_(AWAY|DEADLINE)/)])
    expect(await codeOf(store.get(at))).toBe('E_REDIS_AWAY')
    await server.start()
    await untilConnected(store)
    expect(store.nodeOf(0)).not.toBe(node)
    expect(await server.command('GET', createLayout(`faults${services}`).config)).toBe('1 2')
    expect((await ask()).positions.size).toBe(0)
  })

  it('hears its bells again', async () => {
    await connect()
    const heard: number[] = []
    store.onNotice((shard) => heard.push(shard))
    await server.restart()
    await untilConnected(store)
    await until('a bell rings', async () => {
      await store.write(at, invalidation)
      return heard.length > 0
    })
  })
})

describe('scripts', () => {
  it('are sent again to a server that has forgotten them', async () => {
    await connect()
    await store.write(at, invalidation)
    await server.command('SCRIPT', 'FLUSH')
    expect((await store.write(at, invalidation)).seq).toBe(2)
    const before = await counted('commandstats', 'cmdstat_eval')
    expect((await store.write(at, invalidation)).seq).toBe(3)
    expect(await counted('commandstats', 'cmdstat_eval')).toBe(before)
  })

  it('that stumble over foreign data say so', async () => {
    await connect()
    const { meta } = createLayout(`faults${services}`).shard(0)
    await server.command('SET', meta, 'foreign')
    expect(await codeOf(store.check(at, { newInc: 'incarnat' }))).toBe('E_REDIS_REPLY')
    expect(await codeOf(store.ask({ id: store.groups()[0]?.id ?? '', shards: [0] }))).toBe('E_REDIS_REPLY')
  })
})

describe('reads', () => {
  it('that come together share a command but for the first few, and a key that several wait for is read once', async () => {
    await connect()
    await store.write(at, { ...invalidation, kind: 'set', value: value('here'), lease: undefined })
    const [gets, mgets] = [await counted('commandstats', 'cmdstat_get'), await counted('commandstats', 'cmdstat_mget')]
    const keys = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? at : { ...at, shard: i % 4 === 1 ? 0 : 1, key: `missing${i}` }))
    const read = await Promise.all(keys.map((address) => store.get(address)))
    expect(read.map((bytes) => bytes !== undefined)).toEqual(keys.map((address) => address === at))
    expect(await counted('commandstats', 'cmdstat_get')).toBe(gets + 8)
    expect(await counted('commandstats', 'cmdstat_mget')).toBe(mgets + 2)
  })

  it('of something else than a text', async () => {
    await connect()
    await server.command('LPUSH', createLayout(`faults${services}`).shard(0).entry(at), 'x')
    expect(await codeOf(store.get(at))).toBe('E_REDIS_REPLY')
  })
})

function value(text: string) {
  return {
    payload: Buffer.from(text),
    codec: 0,
    tags: [],
    freshMs: 60_000,
    staleMs: 0,
    errorMs: 0,
    keepMs: 0,
    extendMs: 0,
    costMs: 0,
    version: 0,
  }
}

describe('a user', () => {
  it('without the right is told so, without the password', async () => {
    await connect()
    await server.command('ACL', 'SETUSER', 'ann', 'on', '>secret', '~fb1:*', '&fb1:*', '+@all', '-evalsha', '-eval')
    await store.close()
    store = openStore({ urls: [server.url], shards: 2, credentials: { username: 'ann', password: 'secret' } })
    await untilConnected(store)
    const refusal = await store.write(at, invalidation).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'E_REDIS_REFUSED' })
    expect(String(refusal)).toMatch(/NOPERM/)
  })

  it('with the wrong password stays outside, and the password inside', async () => {
    store = openStore({ urls: [server.url], shards: 2, credentials: { username: 'bob', password: 'hush-hush' } })
    await until('the refusal is known', async () => {
      const error = await store.get(at).catch((refusal: unknown) => refusal)
      expect(String(error)).not.toMatch(/hush/)
      return /WRONGPASS/.test(String(error))
    })
  })

  it('with the permissions that the guide lists can do everything', async () => {
    const guide = readFileSync(new URL('../../../../docs/guide/redis.md', import.meta.url), 'utf8')
    const [, commands = ''] = /needs the keys and channels.*?```\n(.*?)```/s.exec(guide) ?? []
    await server.command('ACL', 'LOG', 'RESET')
    await server.command('ACL', 'SETUSER', 'min', 'on', '>secret', '~fb1:*', 'resetchannels', '&fb1:*', ...rights(commands))
    services += 1
    const credentials = { username: 'min', password: 'secret' }
    store = openStore({ urls: [server.url], service: `faults${services}`, shards: 2, credentials })
    await untilConnected(store)
    await everyAct(store)
    const denied = (await server.command('ACL', 'LOG')) as string[][]
    // ioredis introduces itself by CLIENT SETINFO, and takes a no.
    expect(denied.filter((line) => !line.some((word) => /^client/.test(word)))).toEqual([])
  })

  it('who may not ring is heard when the others ask', async () => {
    await connect()
    await server.command('ACL', 'SETUSER', 'eve', 'on', '>secret', '~fb1:*', 'resetchannels', '+@all')
    const mute = openStore({ urls: [server.url], service: `faults${services}`, credentials: { username: 'eve', password: 'secret' } })
    try {
      await untilConnected(mute)
      const { stored: _, ...position } = await mute.write(at, invalidation)
      expect((await ask()).positions.get(0)).toEqual(position)
      expect((await store.replay(0, { afterSeq: 0, limit: 10 })).map(({ nonce }) => nonce)).toEqual([position.head])
    } finally {
      await mute.close()
    }
  })
})

function rights(commands: string): string[] {
  return [
    '-@all',
    ...commands
      .trim()
      .split(/\s+/)
      .map((command) => `+${command}`),
  ]
}

/** Each act once, on each of its ways. */
async function everyAct(far: RedisFarStore): Promise<void> {
  const newInc = 'incarnat'
  const tagged = { ...value('here'), tags: ['a'] }
  const free = { newInc, leaseMs: 5_000, force: false, takeover: undefined }
  await far.sync(0, { newInc, stamps: 10, withLog: true })
  const lease = await far.acquire(at, { ...free, token: 'token001' })
  expect((await far.acquire(at, { ...free, token: 'token002' })).kind).toBe('wait')
  expect(await far.renew(at, { token: 'token001', nonce: 'nonce000', leaseMs: 5_000 })).toBe(true)
  if (lease.kind !== 'lease') throw new Error('no lease')
  const fill = { token: 'token001', nonce: 'nonce001', inc: lease.inc, seq: lease.seq, value: tagged }
  expect((await far.fill(at, fill)).kind).toBe('stored')
  expect(await Promise.all([far.get(at), far.get({ ...at, key: 'b' }), far.get({ ...at, key: 'c' })])).toMatchObject([
    expect.anything(),
    undefined,
    undefined,
  ])
  expect((await far.check(at, { newInc })).bytes).toBeDefined()
  await far.write(at, { kind: 'stale', nonce: 'nonce002', newInc })
  await far.write(at, { kind: 'set', nonce: 'nonce003', newInc, value: tagged, lease: undefined })
  for (let i = 0; i < 2; i++) await far.stamp(0, { nonce: `nonce01${i}`, newInc, scope: '*', tags: i === 0 ? ['a'] : [] })
  await far.stamp(1, { nonce: 'nonce020', newInc, scope: '*', tags: Array.from({ length: 8_200 }, (_, i) => `${i}`) })
  expect((await far.acquire(at, { ...free, token: 'token003' })).kind).toBe('lease')
  await far.release(at, { token: 'token003', nonce: 'nonce004' })
  await far.write(at, invalidation)
  // Thirty-three patterns: one more than is remembered. And a version of the cache.
  for (let i = 0; i < 33; i++) await far.stamp(2, { nonce: `nonce03${i}`, newInc, scope: 'books', tags: [], parts: [`${i}`, ''] })
  await far.write({ ...at, shard: 3, version: '2' }, { kind: 'set', nonce: 'nonce040', newInc, value: value('here'), lease: undefined })
  expect(await far.sweep({ cache: 'books', parts: [], newInc, pause: async () => {} })).toBe(0)
  const { nonces, floor } = await far.sync(1, { newInc, stamps: 10, withLog: true })
  expect({ nonces, floor }).toEqual({ nonces: ['nonce020'], floor: 1 })
  expect((await far.replay(0, { afterSeq: 0, limit: 10 })).map(({ kind }) => kind)).toEqual([
    'filled',
    'stale',
    'key',
    'tags',
    'clear',
    'key',
  ])
}

describe('the number of shards', () => {
  it('is adopted by who asks for none, and told before the first node', async () => {
    await connect()
    const told: number[] = []
    const open = { urls: [server.url], service: `faults${services}` }
    const other = openStore({ ...open, parts: { onShards: (shards) => told.push(shards) } })
    try {
      expect(other.shards).toBe(16)
      await other.connected()
      await untilConnected(other)
      expect(other.shards).toBe(2)
      expect(told).toEqual([2])
      expect(other.groups().flatMap(({ shards }) => shards)).toEqual([0, 1])
    } finally {
      await other.close()
    }
  })

  it('keeps out who asks for another', async () => {
    await connect()
    const other = openStore({ urls: [server.url], service: `faults${services}`, shards: 3 })
    try {
      await expect(other.connected()).rejects.toThrow(/^E_REDIS_SHARDS: the service uses 2 shards, this process 3/)
      expect(other.nodeOf(0)).toBeUndefined()
      expect(await codeOf(other.get(at))).toBe('E_REDIS_SHARDS')
      expect(await codeOf(other.write(at, invalidation))).toBe('E_REDIS_SHARDS')
    } finally {
      await other.close()
    }
  })
})

describe('a read that was not answered in time', () => {
  // The link must outlive the first deadline, and the second must outlast a busy machine.
  const deadlines = { connectMs: 500, readMs: 1_000, lookMs: 5_000, actMs: 5_000, silentMs: 10_000, handshakeMs: 10_000 }
  const supervision = { ...defaultSupervision, deadline: { minMs: 1_000, maxMs: 1_000 } }

  it('is tried once more where that is asked for: a server that was slow only for so long answers it', async () => {
    services += 1
    const common = { urls: [server.url], service: `faults${services}`, shards: 2, deadlines, supervision }
    store = openStore(common)
    const patient = openStore({ ...common, retryOnTimeout: true })
    try {
      await Promise.all([untilConnected(store), untilConnected(patient)])
      server.pause()
      const reads = [patient.get(at), patient.getMany([at])] // sent before the other, so late before it
      expect(await codeOf(store.get(at))).toBe('E_REDIS_DEADLINE')
      server.resume()
      expect(await Promise.all(reads)).toEqual([undefined, [undefined]])
    } finally {
      server.resume()
      await patient.close()
    }
  })
})
