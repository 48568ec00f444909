import { describe, expect, it } from 'vitest'
import { defaultSupervision } from '../core/supervisor/supervisor-plan.js'
import { parseRedisOption } from './options.js'
import type { RedisServerOption } from './redis-option.js'

const parse = (option: RedisServerOption) => parseRedisOption({ host: 'a', ...option }, { service: 'shop', shards: undefined })

describe('how a server is judged', () => {
  it('is said by nobody, in part, or in full', () => {
    expect(parse({}).supervision).toEqual(defaultSupervision)
    expect(parse({ deadline: '1s' })).toMatchObject({
      supervision: { deadline: { minMs: 40, maxMs: 1_000 } },
      deadlines: { readMs: 1_000 },
    })
    expect(parse({ deadline: 20 }).supervision.deadline).toEqual({ minMs: 20, maxMs: 20 })
    expect(parse({ deadline: { min: 300 } }).supervision.deadline).toEqual({ minMs: 300, maxMs: 300 })
    expect(parse({ deadline: { max: '2s' } }).supervision.deadline).toEqual({ minMs: 40, maxMs: 2_000 })
    expect(
      parse({
        maxInFlight: 50,
        circuit: { window: '5s', minimum: 10, share: 0.2, openFor: '1s', longestOpen: '1m', probes: 1 },
        health: { every: '1m', uneasyEvery: '2s', failures: 5 },
      }).supervision,
    ).toEqual({
      deadline: defaultSupervision.deadline,
      maxInFlight: 50,
      circuit: { windowMs: 5_000, minimum: 10, share: 0.2, openMs: 1_000, longestOpenMs: 60_000, probes: 1 },
      health: { everyMs: 60_000, uneasyEveryMs: 2_000, failures: 5 },
    })
    expect(parse({ circuit: { openFor: '1m' } }).supervision.circuit).toMatchObject({ openMs: 60_000, longestOpenMs: 60_000 })
    expect(parse({ health: { every: 500 } }).supervision.health).toMatchObject({ everyMs: 500, uneasyEveryMs: 500 })
  })

  it.each<[string, object, string]>([
    ['no duration', { deadline: '1 second' }, 'E_OPTION: redis.deadline is "1 second"'],
    ['a least that is more than the most', { deadline: { min: 200, max: 100 } }, 'E_OPTION: redis.deadline.min is 200'],
    ['an unknown part', { deadline: { most: 1 } }, 'E_OPTION: redis.deadline.most is no option; there are min, max, miss, write'],
    ['no number', { maxInFlight: 0 }, 'E_OPTION: redis.maxInFlight is 0'],
    ['no share', { circuit: { share: 50 } }, 'E_OPTION: redis.circuit.share is 50'],
    ['a minimum of one', { circuit: { minimum: 1 } }, 'E_OPTION: redis.circuit.minimum is 1'],
    ['a shorter longest', { circuit: { longestOpen: 10 } }, 'E_OPTION: redis.circuit.longestOpen is 10'],
    ['no object', { circuit: true }, 'E_OPTION: redis.circuit is true'],
    ['no probes', { circuit: { probes: 0.5 } }, 'E_OPTION: redis.circuit.probes is 0.5'],
    ['an unknown part', { health: { interval: 1 } }, 'E_OPTION: redis.health.interval is no option'],
    ['no failures', { health: { failures: 0 } }, 'E_OPTION: redis.health.failures is 0'],
    ['a list', { deadline: [] }, 'E_OPTION: redis.deadline is an array'],
    ['slower when uneasy', { health: { every: '5s', uneasyEvery: '20s' } }, 'E_OPTION: redis.health.uneasyEvery is "20s"; no longer than'],
    ['no time', { health: { every: 0 } }, 'E_OPTION: redis.health.every is 0'],
  ])('is refused where it is %s', (_, option, words) => {
    expect(() => parse(option)).toThrow(words)
  })
})
