import { afterAll, beforeAll, describe, it } from 'vitest'
import { startCluster, startRedis } from '../../../../scripts/redis-servers.mjs'
import { farStoreConformance } from '../../src/testing/conformance.js'
import { openCluster, openSingle } from './redis-world.js'

describe('the far store on one server keeps the contract', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const rules = farStoreConformance('redis', () => openSingle(server))
  it.each(rules.map((rule) => [rule.name, rule.run] as const))('%s', async (_, run) => run())
})

describe('the far store on a Cluster keeps the contract', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  beforeAll(async () => {
    cluster = await startCluster({ primaries: 3, replicas: 0 })
  })
  afterAll(() => cluster.stop())

  const rules = farStoreConformance('redis', () => openCluster(cluster))
  it.each(rules.map((rule) => [rule.name, rule.run] as const))('%s', async (_, run) => run())
})
