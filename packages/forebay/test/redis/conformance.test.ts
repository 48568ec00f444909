import { afterAll, beforeAll, describe, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { farStoreConformance } from '../../src/testing/conformance.js'
import { openSingle } from './single-world.js'

let server: Awaited<ReturnType<typeof startRedis>>

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

describe('the far store on one server keeps the contract', () => {
  const rules = farStoreConformance('redis', () => openSingle(server))
  it.each(rules.map((rule) => [rule.name, rule.run] as const))('%s', async (_, run) => run())
})
