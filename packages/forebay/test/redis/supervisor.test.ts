import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'
import { type ChaosProxy, chaosProxy } from '../../src/testing/chaos-proxy.js'
import { noHurry } from './no-hurry.js'

/** Both ways together a little more than the longest deadline of these tests, and far less than what counts as silence: 650 ms. */
const slowMs = 210
const paceMs = 5

let server: Awaited<ReturnType<typeof startRedis>>
let proxy: ChaosProxy
let forebay: Forebay
let states: string[]
let services = 0

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  proxy = await chaosProxy({ target: { port: server.port } })
})
afterEach(async () => {
  server.resume()
  await forebay.close()
  await proxy.close()
})

async function open(redis: object = {}): Promise<void> {
  services += 1
  states = []
  forebay = createForebay({ service: `supervised${services}`, redis: { host: proxy.host, port: proxy.port, ...redis } })
  forebay.on('redis-state', ({ state }) => states.push(state))
  await forebay.ready()
}

const state = () => forebay.stats().redis[0]?.state

/** So many callers read for as long as `reading` says, each a key of its own. */
async function readWhile(reading: () => boolean, callers = 16): Promise<void> {
  const cache = forebay.cache<number>('items', { ttl: '1h', memory: false })
  const call = async (lane: number) => {
    for (let i = 0; reading(); i++) {
      await cache.getOrSet(`${lane}.${i % 7}`, async () => 1)
      await pause(paceMs)
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, lane) => call(lane)))
}

it('a server whose connections are closed with the cache is not told to be ill', async () => {
  await open(noHurry)
  await until('all is well', () => state() === 'healthy')
  const before = [...states]
  await forebay.close()
  const clients = async () => `${await server.command('CLIENT', 'LIST')}`.trim().split('\n').length
  await until('only the one who asks is left', async () => (await clients()) === 1)
  expect(states).toEqual(before)
})

describe('a server that answers, but late', () => {
  // Its links are not silent: what comes late comes.
  const redis = { deadline: { max: 400 } }

  it('is left alone by readers, keeps its links, and is used again when it is quick', async () => {
    await open(redis)
    let over = false
    const reading = readWhile(() => !over)
    await until('all is well', () => state() === 'healthy' || state() === 'degraded')
    proxy.delay({ latencyMs: slowMs })
    await until('it is left alone', () => state() === 'open')
    const waited = forebay.cache<number>('others', { ttl: '1h', memory: false })
    expect(forebay.stats().redis[0]?.late).toBeGreaterThan(0)
    expect(await waited.getOrSet('one', async () => 7)).toBe(7)
    proxy.heal()
    await until('it is used again', () => state() === 'degraded' || state() === 'healthy')
    over = true
    await reading
    expect(states).toContain('probing')
  })

  it('still hears invalidations, in the background', async () => {
    await open(redis)
    let over = false
    const reading = readWhile(() => !over)
    proxy.delay({ latencyMs: slowMs })
    await until('it is left alone', () => state() === 'open')
    const cache = forebay.cache<number>('items')
    expect(await cache.invalidate('0.0')).toMatchObject({ state: 'queued' })
    proxy.delay({ latencyMs: 100 })
    await until('it was sent', () => forebay.stats().outbox === 0)
    over = true
    await reading
  })
})

describe('a frozen server', () => {
  it('costs readers a deadline or two, and is used again by itself', async () => {
    await open()
    let over = false
    const reading = readWhile(() => !over)
    await until('all is well', () => state() === 'healthy' || state() === 'degraded')
    server.pause()
    await until('it is not asked', () => state() === 'connecting')
    server.resume()
    await until('it is used again', () => state() === 'degraded' || state() === 'healthy')
    over = true
    await reading
  })

  it('keeps its connections for as long as silenceTimeout says', async () => {
    await open({ silenceTimeout: '1m' })
    let over = false
    const reading = readWhile(() => !over)
    await until('all is well', () => state() === 'healthy' || state() === 'degraded')
    server.pause()
    await until('its health checks were late too', () => state() === 'open')
    server.resume()
    await until('it is used again', () => state() === 'degraded' || state() === 'healthy')
    over = true
    await reading
    expect(states).not.toContain('connecting')
  })

  it('is found out though nobody asks it', async () => {
    await open({ health: { every: 200, uneasyEvery: 200 } })
    server.pause()
    await until('it is found out', () => state() === 'connecting' || state() === 'open')
    expect(forebay.stats().redis).toMatchObject([{ node: `${proxy.host}:${proxy.port}` }])
  })
})

describe('a read of many keys', () => {
  it('is answered whole by a server that is well', async () => {
    // Not through the proxy, which shares this process: where that stands still, answers would not even have arrived.
    await open({ deadline: '10s', port: server.port })
    const cache = forebay.cache<number>('items', { ttl: '1h', memory: false })
    const keys = Array.from({ length: 5_000 }, (_, i) => i)
    await cache.setMany(keys.map((key) => [key, key] as const))
    const found = await cache.getMany(keys)
    expect(found.filter((value, i) => value !== i)).toEqual([])
    expect(forebay.stats().redis[0]?.shed).toBe(0)
  })
})

describe('more reads than are allowed', () => {
  it('are answered by the origin, at once, and told', async () => {
    await open({ maxInFlight: 2 })
    const errors: unknown[] = []
    forebay.on('degraded', ({ error }) => errors.push(error))
    const cache = forebay.cache<number>('items', { ttl: '1h', memory: false })
    const read = await Promise.all(Array.from({ length: 50 }, (_, i) => cache.getOrSet(i, async () => i)))
    expect(read).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(errors).toContainEqual(expect.objectContaining({ code: 'E_REDIS_SHED' }))
    expect(forebay.stats().redis[0]?.shed).toBeGreaterThan(0)
  })
})
