import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startCluster } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { ForebayError } from '../../src/core/errors.js'
import type { EntryAddress } from '../../src/core/far-store.js'
import { createForebay } from '../../src/create-forebay.js'
import type { RedisFarStore } from '../../src/redis/far-store.js'
import { createLayout } from '../../src/redis/layout.js'
import { slotOf } from '../../src/redis/slot.js'
import { noHurry } from './no-hurry.js'
import { openStore, untilConnected } from './open-store.js'

type Cluster = Awaited<ReturnType<typeof startCluster>>

const shards = 12
const invalidation = { kind: 'invalidate', nonce: 'nonce001', newInc: 'incarnat' } as const
const value = {
  payload: Buffer.from('here'),
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

let cluster: Cluster
let store: RedisFarStore
let services = 0

beforeAll(async () => {
  cluster = await startCluster({ primaries: 3, replicas: 1 })
})
afterAll(() => cluster.stop())
afterEach(() => store.close())

async function connect(urls = cluster.urls.slice(0, 1)): Promise<void> {
  services += 1
  store = openStore({ urls, mode: 'cluster', service: `cluster${services}`, shards })
  await untilConnected(store)
}

function everywhere(): EntryAddress[] {
  return Array.from({ length: shards }, (_, shard) => ({ shard, cache: 'books', version: '', key: 'b42' }))
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'answered'
  } catch (error) {
    return error instanceof ForebayError ? error.code : String(error)
  }
}

describe('a Cluster', () => {
  it('is found from one node, and its shards are where the slots say', async () => {
    await connect()
    expect(new Set(everywhere().map(({ shard }) => store.nodeOf(shard))).size).toBe(3)
    const runIds = await Promise.all(
      cluster.primaries.map(async (node) => /run_id:(\w+)/.exec(`${await node.command('INFO', 'server')}`)?.[1]),
    )
    expect(new Set(everywhere().map(({ shard }) => store.nodeOf(shard)))).toEqual(new Set(runIds))
    expect(
      store
        .groups()
        .flatMap((group) => group.shards)
        .toSorted((a, b) => a - b),
    ).toEqual(everywhere().map(({ shard }) => shard))
  })

  it('is found from a replica, and while a configured node is down', async () => {
    await connect(['redis://127.0.0.1:1', ...cluster.replicas.slice(0, 1).map((node) => node.url)])
    expect(await Promise.all(everywhere().map((at) => codeOf(store.write(at, invalidation))))).toEqual(everywhere().map(() => 'answered'))
  })

  it('rings the bells of all nodes', async () => {
    await connect()
    const heard = new Set<number>()
    store.onNotice((shard) => heard.add(shard))
    await until('all are heard', async () => {
      await Promise.all(everywhere().map((at) => store.write(at, invalidation)))
      return heard.size === shards
    })
  })

  it('carries caches: two processes see one another', async () => {
    await connect()
    const options = { service: 'whole', redis: { cluster: cluster.urls.slice(0, 2), ...noHurry }, defaults: { ttl: '1h' } } as const
    const [one, other] = [createForebay(options), createForebay(options)]
    try {
      await Promise.all([one.ready(), other.ready()])
      expect(one.stats().shards).toEqual({ total: 64, proven: 64 })
      const [books, theirs] = [one.cache<number>('books'), other.cache<number>('books')]
      expect(await books.getOrSet('b42', () => 1)).toBe(1)
      expect(await theirs.getOrSet('b42', () => 2)).toBe(1)
      await books.invalidate('b42')
      await until('the invalidation is heard', () => theirs.peek('b42') === undefined)
      expect(await theirs.getOrSet('b42', () => 3)).toBe(3)
    } finally {
      await Promise.all([one.close(), other.close()])
    }
  })
})

describe('a shard that moves', () => {
  it('is followed at once by a read, by a write from the next on, and its bell is heard again', async () => {
    await connect()
    const at = { shard: 3, cache: 'books', version: '', key: 'b42' }
    await store.write(at, { ...invalidation, kind: 'set', value, lease: undefined })
    const before = store.nodeOf(at.shard)
    const slot = slotOf(createLayout(`cluster${services}`).shard(at.shard).tag)
    await move(slot)
    const [none, moved] = await store.getMany([{ ...at, shard: 4 }, at])
    expect([none, Buffer.isBuffer(moved) && moved.subarray(-4).toString()]).toEqual([undefined, 'here'])
    expect((await store.get(at))?.subarray(-4).toString()).toBe('here')
    await until('its new node stands', () => ![undefined, before].includes(store.nodeOf(at.shard)))
    const position = await store.write(at, invalidation)
    expect(position.seq).toBe(2)
    await until('the groups follow', async () => {
      const group = store.groups().find((one) => one.shards.includes(at.shard)) ?? { id: '', shards: [] }
      return (await store.ask(group)).positions.get(at.shard)?.head === position.head
    })
    const heard: number[] = []
    store.onNotice((shard) => heard.push(shard))
    await until('its bell rings', async () => {
      await store.write(at, invalidation)
      return heard.includes(at.shard)
    })
  })

  it('keeps its memory, and hears on', async () => {
    const options = {
      service: 'moving',
      shards: 4,
      redis: { cluster: cluster.urls.slice(0, 2), ...noHurry },
      defaults: { ttl: '1h' },
    } as const
    const [one, other] = [createForebay(options), createForebay(options)]
    const dropped: string[] = []
    try {
      await Promise.all([one.ready(), other.ready()])
      one.on('dropped', ({ why }) => dropped.push(why))
      const [books, theirs] = [one.cache<number>('books'), other.cache<number>('books')]
      await until('memory holds it', async () => (await books.getOrSet('b42', () => 1)) === 1 && books.peek('b42') === 1)
      await theirs.get('b42')
      for (let shard = 0; shard < 4; shard++) await move(slotOf(createLayout('moving').shard(shard).tag))
      await until('all shards are proven where they are now', async () => {
        const { state } = await theirs.invalidate('other')
        return state === 'acknowledged' && one.stats().shards.proven === 4
      })
      expect(books.peek('b42')).toBe(1)
      await theirs.invalidate('b42')
      await until('the invalidation is heard', () => books.peek('b42') === undefined)
      expect(dropped).toEqual([])
    } finally {
      await Promise.all([one.close(), other.close()])
    }
  })

  /** Moves a slot with its keys to the next primary. */
  async function move(slot: number): Promise<void> {
    const owners = await Promise.all(cluster.primaries.map((node) => node.command('CLUSTER', 'COUNTKEYSINSLOT', slot)))
    const from = cluster.primaries[owners.findIndex((count) => Number(count) > 0)]
    const to = cluster.primaries.find((node) => node !== from)
    if (from === undefined || to === undefined) throw new Error(`nobody has keys in slot ${slot}`)
    const [source, target] = await Promise.all([from.command('CLUSTER', 'MYID'), to.command('CLUSTER', 'MYID')])
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', `${source}`)
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', `${target}`)
    const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 1_000)) as string[]
    await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys)
    for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', `${target}`)
  }
})

describe('a primary that dies', () => {
  it('is replaced by its replica, and the others serve on meanwhile', async () => {
    await connect(cluster.urls)
    const victim = cluster.primaries[0]
    const runId = /run_id:(\w+)/.exec(`${await victim?.command('INFO', 'server')}`)?.[1]
    const lost = everywhere().filter(({ shard }) => store.nodeOf(shard) === runId)
    const others = everywhere().filter(({ shard }) => store.nodeOf(shard) !== runId)
    expect(lost.length).toBeGreaterThan(0)
    const survivors = cluster.nodes.filter((node) => node !== victim)
    const [mapsBefore, killedMs] = [await mapsRead(survivors), performance.now()]
    await victim?.kill()
    await until('the link is away', () => lost.every(({ shard }) => store.nodeOf(shard) === undefined))
    expect(await Promise.all(others.map((at) => codeOf(store.write(at, invalidation))))).toEqual(others.map(() => 'answered'))
    await until('the replica has taken over', async () => {
      await Promise.all(lost.map((at) => store.write(at, invalidation)))
      return true
    })
    await untilConnected(store)
    expect(store.groups().flatMap((group) => group.shards)).toHaveLength(shards)
    const mostMaps = 2 + (performance.now() - killedMs) / 150
    expect((await mapsRead(survivors)) - mapsBefore).toBeLessThanOrEqual(mostMaps)
  })

  /** How often these nodes were asked for the map of slots. */
  async function mapsRead(nodes: Cluster['nodes']): Promise<number> {
    const counts = nodes.map(async (node) => /^cmdstat_cluster\|slots:calls=(\d+)/m.exec(`${await node.command('INFO', 'commandstats')}`))
    return (await Promise.all(counts)).reduce((sum, match) => sum + Number(match?.[1] ?? 0), 0)
  }
})
