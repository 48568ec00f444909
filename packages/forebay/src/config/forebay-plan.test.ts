import { describe, expect, it } from 'vitest'
import { cachePlanner, checkServiceOptions, type ServiceOptions } from './forebay-plan.js'

/** Options as JavaScript lets them through. */
const check = (options: unknown) => checkServiceOptions(options as ServiceOptions<unknown>)

describe('the options of a service', () => {
  it.each([
    { service: 'shop' },
    { service: 'shop', redis: undefined },
    { service: 'shop', redis: false },
    { service: 'shop', redis: 'redis://localhost' },
    { service: 'shop', shards: 1 },
    { service: 'shop', shards: 1_024 },
    { service: 'shop', defaults: {} },
    {
      service: 'shop',
      redis: 'redis://localhost',
      health: { redis: 'critical', interval: '1s', slow: 50, lag: '500ms' },
      outbox: { max: 1 },
    },
    { service: 'shop', defaults: { ttl: '1h', memory: false } },
  ])('may be %j', (options) => {
    expect(() => check(options)).not.toThrow()
  })

  it.each([
    [undefined, 'createForebay needs options; got undefined'],
    [{ service: 'shop', defaults: { strategy: 'persistent' } }, 'defaults: strategy is "persistent"; a cache whose values'],
    [null, 'createForebay needs options; got null'],
    ['shop', 'createForebay needs options; got "shop"'],
    [{}, 'service is undefined; names have'],
    [{ service: '' }, 'service is ""; names have'],
    [{ service: 'my shop' }, 'service is "my shop"; names have'],
    [{ service: 'shop', shards: 0 }, 'shards is 0; a whole number from 1 to 1024'],
    [{ service: 'shop', shards: 1_025 }, 'shards is 1025; a whole number from 1 to 1024'],
    [{ service: 'shop', shards: 1.5 }, 'shards is 1.5; a whole number from 1 to 1024'],
    [{ service: 'shop', shards: '16' }, 'shards is "16"; a whole number from 1 to 1024'],
    [{ service: 'shop', redis: '' }, 'redis is ""; a URL, options or a client of ioredis; leave it out, or say false, to go without'],
    [{ service: 'shop', redis: null }, 'redis is null; '],
    [{ service: 'shop', redis: true }, 'redis is true; '],
    [{ service: 'shop', ttl: '1h' }, 'ttl is no option of createForebay; there are service, profile, disabled, redis, shards, defaults'],
    [{ service: 'shop', health: 'yes' }, 'health is "yes"; an object { redis, interval, slow, lag }'],
    [{ service: 'shop', health: { redis: 'vital' } }, `health.redis is "vital"; 'optional' or 'critical'`],
    [{ service: 'shop', redis: false, health: { redis: 'critical' } }, 'health.redis is "critical"; there is no redis'],
    [{ service: 'shop', health: { interval: 0 } }, 'health.interval is 0; a duration is'],
    [{ service: 'shop', health: { every: 1 } }, 'health.every is no option; there are redis, interval, slow, lag'],
    [{ service: 'shop', defaults: { ttl: 'long' } }, 'ttl is "long"; a duration is'],
    [{ service: 'shop', defaults: { tll: 1 } }, 'tll is no option'],
    [{ service: 'shop', defaults: 'none' }, 'defaults: the options are "none"; an object'],
    [{ service: 'shop', defaults: null }, 'defaults: the options are null; an object'],
  ])('are refused with what is wrong: %j', (options, message) => {
    expect(() => check(options)).toThrow(/^E_OPTION: /)
    expect(() => check(options)).toThrow(message)
  })
})

describe('the caches of a service', () => {
  const planOf = cachePlanner({ ttl: '1h' })
  const books = planOf('books', undefined, undefined)

  it('take the defaults', () => {
    expect(books).toMatchObject({ name: 'books', ttlMs: 3_600_000 })
  })

  it('are found again by their name, without options or with the same', () => {
    expect(planOf('books', undefined, books)).toBe(books)
    expect(planOf('books', { ttl: '60m' }, books)).toMatchObject({ ttlMs: 3_600_000 })
  })

  it('are not made twice with different options', () => {
    expect(() => planOf('books', { ttl: '2h' }, books)).toThrow("E_OPTION: the cache 'books' exists already with other options")
  })
})
