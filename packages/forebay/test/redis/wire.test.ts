import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import type { EntryAddress } from '../../src/core/far-store.js'
import type { RedisFarStore } from '../../src/redis/far-store.js'
import { deadlinesFor } from '../../src/redis/plan.js'
import { openStore, untilConnected } from './open-store.js'
import { layWire, type Wire } from './wire.js'

const at: EntryAddress = { shard: 0, cache: 'books', version: '', key: 'b42' }
const invalidation = { kind: 'invalidate', nonce: 'nonce001', newInc: 'incarnat' } as const

let server: Awaited<ReturnType<typeof startRedis>>
let wire: Wire
let store: RedisFarStore
let services = 0

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  services += 1
  wire = await layWire(server.port)
  store = openStore({ urls: [wire.url], service: `wire${services}`, shards: 2, deadlines: deadlinesFor(400) })
})
afterEach(async () => {
  await store.close()
  await wire.close()
})

it('a link that has silently died is reset and made anew, and the bells are heard again', async () => {
  await untilConnected(store)
  const heard: number[] = []
  store.onNotice((shard) => heard.push(shard))
  wire.freeze()
  await expect(store.get(at)).rejects.toThrow(/^E_REDIS_DEADLINE: no answer within 400 ms/)
  await untilConnected(store)
  await until('all three connections were reset', () => wire.resets === 3)
  await until('a bell rings', async () => {
    await store.write(at, invalidation)
    return heard.length > 0
  })
})

it('a server that accepts connections and says nothing is tried again', async () => {
  await store.close()
  wire.mute(true)
  store = openStore({ urls: [wire.url], service: `wire${services}`, shards: 2, deadlines: deadlinesFor(400) })
  await until('a connection was given up', () => wire.resets > 0)
  await expect(store.get(at)).rejects.toThrow(/^E_REDIS_AWAY/)
  wire.mute(false)
  await untilConnected(store)
})
