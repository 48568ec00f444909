import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { startCluster, startRedis } from './redis-servers.mjs'
import { until } from './until.mjs'

describe('a server started for tests', () => {
  test('answers, freezes, goes on, and comes back empty on the same port', async () => {
    const server = await startRedis()
    try {
      await server.command('SET', 'word', 'naïve')
      expect(await server.command('GET', 'word')).toBe('naïve')
      server.pause()
      const answer = server.command('DBSIZE')
      server.resume()
      expect(await answer).toBe(1)
      const before = server.pid
      await server.restart()
      expect(server.pid).not.toBe(before)
      expect(await server.command('GET', 'word')).toBeNull()
    } finally {
      await server.stop()
    }
    expect(existsSync(server.dir)).toBe(false)
    await expect(server.command('PING')).rejects.toThrow()
  })

  test('ends even while it is frozen', async () => {
    const server = await startRedis()
    server.pause()
    await server.stop()
    expect(server.pid).toBe(0)
  })

  test('that cannot start says why', async () => {
    await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(/Bad directive/)
  })
})

describe('a cluster started for tests', () => {
  test('serves every slot, and a replica takes over from a killed primary', async () => {
    const cluster = await startCluster({ primaries: 3, replicas: 1 })
    try {
      expect(await cluster.primaries[0]?.command('CLUSTER', 'COUNTKEYSINSLOT', 0)).toBe(0)
      await cluster.primaries[0]?.kill()
      await until('a promoted replica', async () => `${await cluster.replicas[0]?.command('ROLE')}`.startsWith('master'))
    } finally {
      await cluster.stop()
    }
    expect(cluster.nodes.map((node) => node.pid)).toEqual([0, 0, 0, 0, 0, 0])
  })
})
