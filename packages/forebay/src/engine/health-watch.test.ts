import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { ForebayError } from '../core/errors.js'
import { type HealthPlan, usualHealth } from '../core/health.js'
import type { NodeStats } from '../core/supervisor/node-state.js'

const stats: NodeStats = {
  ...{ node: 'cache:6379', state: 'healthy', forMs: 7_000, why: 'all is well' },
  ...{ inFlight: 0, limit: 256, deadlineMs: 150, p50Ms: 1, p99Ms: 2, shed: 0, late: 0 },
}

/** A process that looks from the start, over one server. */
function start(plan: Partial<HealthPlan> = {}, fleet = new Fleet()) {
  const node = fleet.start('one', { health: { ...usualHealth, eager: true, ...plan } })
  const { forebay } = node
  const status = () => {
    const { live, ready, started } = forebay.health()
    return [live.status, ready.status, started.status]
  }
  const check = (name: string) => forebay.health().checks[name]?.[0]
  return {
    fleet,
    node,
    forebay,
    status,
    check,
    down: () => fleet.group.primary.stop(),
    up: () => fleet.group.primary.start({ loseData: false }),
  }
}

describe('the health of a process', () => {
  it('is well where all is well', async () => {
    const { fleet, forebay, status, check } = start()
    await fleet.run(6_000)
    expect(status()).toEqual(['pass', 'pass', 'pass'])
    expect(forebay.health().ready).toEqual({ status: 'pass' })
    expect(check('redis:responseTime')).toMatchObject({ observedValue: 4, observedUnit: 'ms', status: 'pass', componentType: 'datastore' })
    expect(check('redis:writable')).toMatchObject({ observedValue: true, status: 'pass' })
    expect(check('shards:proven')).toMatchObject({ observedValue: 4, observedUnit: 'of 4 shards', status: 'pass' })
    expect(check('outbox:waiting')).toMatchObject({ observedValue: 0, status: 'pass' })
    expect(check('eventLoop:lag')).toMatchObject({ observedValue: 0, observedUnit: 'ms', componentType: 'system' })
    expect(new Date(check('redis:writable')?.time ?? '').getTime()).toBeGreaterThan(fleet.clock.wall() - 6_000)
  })

  it('without Redis is degraded, and fails only where Redis is critical; liveness never looks at it', async () => {
    for (const [redis, ready] of [
      ['optional', 'warn'],
      ['critical', 'fail'],
    ] as const) {
      const { fleet, forebay, status, check, down, up } = start({ redis })
      await fleet.run(1_000)
      down()
      await fleet.run(8_000)
      expect(status()).toEqual(['pass', ready, 'pass'])
      expect(forebay.health().ready.output).toContain('Redis cannot be used: E_REDIS_AWAY')
      expect(check('redis:writable')).toMatchObject({ observedValue: false, status: 'fail' })
      up()
      await fleet.run(8_000)
      expect(status()).toEqual(['pass', 'pass', 'pass'])
    }
  })

  it('shows each node as its supervisor holds it, and is a warning where one is not well', async () => {
    const fleet = new Fleet()
    let nodes: readonly NodeStats[] = [stats]
    const { forebay } = fleet.start('one', {
      health: { ...usualHealth, eager: true },
      wrap: (far) => ({ ...far, shards: far.shards, nodes: () => nodes }),
    })
    await fleet.run(2_000)
    expect(forebay.health().ready).toEqual({ status: 'pass' })
    nodes = [stats, { ...stats, node: 'other:6379', state: 'open', why: 'most answers were late' }]
    expect(forebay.health().ready).toEqual({ status: 'warn', output: 'Redis at other:6379 is open: most answers were late' })
    expect(forebay.health().checks['redis:state']).toMatchObject([
      { componentId: 'cache:6379', observedValue: 'healthy', status: 'pass' },
      { componentId: 'other:6379', observedValue: 'open', status: 'fail', output: 'for 7000 ms: most answers were late' },
    ])
  })

  it('at the start waits for Redis, or until it is known to be away; where it is critical, for Redis', async () => {
    for (const [redis, then] of [
      ['optional', ['pass', 'warn', 'pass']],
      ['critical', ['pass', 'fail', 'fail']],
    ] as const) {
      const fleet = new Fleet()
      fleet.group.primary.stop()
      const { status, up } = start({ redis }, fleet)
      expect(status()).toEqual(['pass', 'fail', 'fail'])
      await fleet.run(1_500)
      expect(status()).toEqual(then)
      up()
      await fleet.run(8_000)
      expect(status()).toEqual(['pass', 'pass', 'pass'])
    }
  })

  it('is not turned by one look that was lost, or slow', async () => {
    const { fleet, node, check } = start()
    await fleet.run(4_000)
    node.cutOff()
    await fleet.clock.runUntil(20_000, () => check('redis:writable')?.observedValue === false)
    node.reconnect()
    expect(check('redis:writable')).toMatchObject({
      observedValue: false,
      status: 'pass',
      output: expect.stringContaining('E_REDIS_DEADLINE'),
    })
    await fleet.run(2_000)
    expect(check('redis:writable')).toMatchObject({ observedValue: true, status: 'pass' })
  })

  it('is a warning where Redis answers slowly, even where it is critical', async () => {
    const { fleet, status, check } = start({ redis: 'critical' })
    await fleet.run(1_000)
    Object.assign(fleet.weather, { latencyMs: [120, 120] })
    await fleet.run(12_000)
    expect(check('redis:responseTime')).toMatchObject({ observedValue: 480, status: 'warn', output: 'Redis answers in more than 200 ms' })
    expect(status()).toEqual(['pass', 'warn', 'pass'])
  })

  it.each([
    ['degraded', 'warn'],
    ['open', 'fail'],
  ] as const)(
    'where it is critical and as many reads as it bears are under way, is by its node, which is %s: %s',
    async (state, status) => {
      const fleet = new Fleet()
      const node = fleet.start('one', {
        health: { ...usualHealth, redis: 'critical', eager: true },
        wrap: (far) => ({
          ...far,
          shards: far.shards,
          nodes: () => [{ ...stats, state }],
          acquire: () => Promise.reject(new ForebayError('E_REDIS_SHED', 'as many as it bears')),
        }),
      })
      await fleet.until(node.forebay.ready())
      await fleet.run(12_000)
      expect(node.forebay.health().ready).toEqual({ status, output: expect.stringContaining('as many as it bears') })
    },
  )

  it('is told at once, whatever Redis does, and a look has an end even if the store has none', async () => {
    const fleet = new Fleet()
    const never = new Promise<never>(() => {})
    const node = fleet.start('one', {
      health: { ...usualHealth, eager: true },
      wrap: (far) => ({ ...far, shards: far.shards, acquire: () => never }),
    })
    await fleet.run(1_000)
    expect(node.forebay.health().ready).toEqual({ status: 'warn', output: 'it is not known yet whether Redis can be used' })
    await fleet.run(5_000)
    expect(node.forebay.health().checks['redis:writable']?.[0]?.output).toBe('no answer within 2000 ms')
  })

  it('counts what waits to be sent', async () => {
    const { fleet, node, check, down } = start()
    await fleet.run(1_000)
    down()
    await fleet.until(node.cache().invalidate('b42'))
    expect(check('outbox:waiting')).toMatchObject({ observedValue: 1, observedUnit: 'of 1000 for each of 4 shards', status: 'warn' })
  })

  it('fails to live only when the event loop is late again and again', async () => {
    const { fleet, node, status } = start()
    await fleet.run(1_000)
    const stall = async (ms: number) => {
      node.process.stall(ms)
      await fleet.run(ms + 100)
    }
    await stall(10_000)
    expect(status()[0]).toBe('pass')
    for (let i = 0; i < 3; i++) await stall(1_800)
    expect(status()[0]).toBe('fail')
    await fleet.run(600)
    expect(status()[0]).toBe('pass')
  })

  it('is not looked after before somebody asks, unless it was asked for', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    await fleet.run(10_000)
    expect(fleet.count('acquire')).toBe(0)
    node.forebay.health()
    await fleet.run(10_000)
    expect(fleet.count('acquire')).toBeGreaterThan(1)
    expect(fleet.count('release')).toBe(fleet.count('acquire'))
  })

  it('is not ready from drain() on, while it serves; nor after close(), which leaves nothing running', async () => {
    const { fleet, node, forebay } = start()
    await fleet.run(2_000)
    forebay.drain()
    expect(forebay.health().ready).toEqual({ status: 'fail', output: 'draining' })
    expect(await fleet.until(node.cache<string>({ ttl: '1m' }).getOrSet('b42', () => 'served'))).toBe('served')
    const closing = forebay.close()
    expect(forebay.health().ready.status).toBe('fail')
    await fleet.until(closing)
    expect([forebay.health().ready.output, forebay.health().live.status]).toEqual(['closed', 'pass'])
    await fleet.run(5_000)
    expect(node.process.timers).toBe(0)
  })
})
