import { describe, expect, it } from 'vitest'
import { parseRedisOption } from './options.js'
import type { RedisServerOption } from './redis-option.js'

const parse = (option: RedisServerOption) => parseRedisOption({ host: 'a', ...option }, { service: 'shop', shards: undefined })

describe('how long a link waits', () => {
  it('is said by nobody, or follows from how long a read waits', () => {
    const usual = { connectMs: 500, readMs: 150, lookMs: 200, actMs: 500, silentMs: 400, handshakeMs: 300 }
    expect(parse({}).deadlines).toEqual(usual)
    expect(parse({ deadline: { min: 10 } }).deadlines).toEqual(usual)
    expect(parse({ deadline: 50 }).deadlines).toEqual({ ...usual, readMs: 50, lookMs: 100 })
    expect(parse({ deadline: '1s' }).deadlines).toEqual({
      ...{ connectMs: 500, readMs: 1_000, lookMs: 1_050 },
      ...{ actMs: 2_000, silentMs: 1_250, handshakeMs: 1_150 },
    })
    expect(parse({ deadline: { miss: '1s' } }).deadlines).toEqual({ ...usual, lookMs: 1_000, silentMs: 1_200, handshakeMs: 1_100 })
  })

  it('is said for each kind of operation, and for a connection', () => {
    expect(
      parse({
        deadline: { min: 20, max: 100, miss: 120, write: '3s' },
        connectTimeout: '2s',
        handshakeTimeout: '1s',
        silenceTimeout: 150,
      }).deadlines,
    ).toEqual({ connectMs: 2_000, readMs: 100, lookMs: 120, actMs: 3_000, silentMs: 150, handshakeMs: 1_000 })
    expect(parseRedisOption({ cluster: ['a'], silenceTimeout: '1s' }, { service: 'shop' }).deadlines).toMatchObject({ silentMs: 1_000 })
  })

  it.each<[string, object, string]>([
    [
      'a miss that ends before its read',
      { deadline: { miss: 100 } },
      'redis.deadline.miss is 100; no shorter than redis.deadline.max, 150 ms',
    ],
    ['no duration for writes', { deadline: { write: '1 s' } }, 'redis.deadline.write is "1 s"'],
    ['silence while a reader waits', { silenceTimeout: 200 }, 'redis.silenceTimeout is 200; longer than redis.deadline.miss, 200 ms'],
    ['no silence', { silenceTimeout: false }, 'redis.silenceTimeout is false'],
    ['no time to connect', { connectTimeout: 0 }, 'redis.connectTimeout is 0'],
    ['no time for a handshake', { handshakeTimeout: -1 }, 'redis.handshakeTimeout is -1'],
  ])('is refused where it is %s', (_, option, words) => {
    expect(() => parse(option)).toThrow(`E_OPTION: ${words}`)
  })
})

describe('how far apart attempts to connect are', () => {
  it('is said by nobody, in part, or in full', () => {
    expect(parse({}).reconnect).toEqual({ minMs: 25, maxMs: 250, refusedMs: 800 })
    expect(parse({ reconnect: { max: 20 } }).reconnect).toEqual({ minMs: 10, maxMs: 20, refusedMs: 800 })
    expect(parse({ reconnect: { min: 200 } }).reconnect).toEqual({ minMs: 200, maxMs: 400, refusedMs: 800 })
    expect(parse({ reconnect: { max: '5s' } }).reconnect).toEqual({ minMs: 25, maxMs: 5_000, refusedMs: 5_000 })
    expect(parse({ reconnect: { min: 50, max: '1s', refused: '1m' } }).reconnect).toEqual({ minMs: 50, maxMs: 1_000, refusedMs: 60_000 })
  })

  it.each<[string, object, string]>([
    ['no object', { reconnect: '1s' }, 'redis.reconnect is "1s"; an object of min, max, refused'],
    ['an unknown part', { reconnect: { delay: 1 } }, 'redis.reconnect.delay is no option; there are min, max, refused'],
    ['no time', { reconnect: { min: 0 } }, 'redis.reconnect.min is 0'],
    [
      'without room for chance',
      { reconnect: { min: 60, max: 100 } },
      'redis.reconnect.min is 60; at most half of redis.reconnect.max, 100 ms',
    ],
    ['sooner where it is refused', { reconnect: { refused: 100 } }, 'redis.reconnect.refused is 100; no shorter than redis.reconnect.max'],
  ])('is refused where it is %s', (_, option, words) => {
    expect(() => parse(option)).toThrow(`E_OPTION: ${words}`)
  })
})
