import { describe, expect, it } from 'vitest'
import { SimClock } from '../testing/sim-clock.js'
import { clientOpener } from './client.js'
import { LinkNews } from './link-news.js'
import { parseRedisOption } from './options.js'
import type { RedisServerOption } from './redis-option.js'

/** A client, and how long it waits before its next attempts where chance gives this. */
function open(chance: number, reconnect?: RedisServerOption['reconnect']) {
  const clock = new SimClock()
  const plan = parseRedisOption({ host: 'a', reconnect }, { service: 'shop' })
  const random = { unit: () => chance, id: () => 'abcdefgh' }
  const client = clientOpener(plan, { random, clock, news: new LinkNews({ clock, tell: () => {}, plan }) })(undefined)
  return { client, next: (attempts: number) => Array.from({ length: attempts }, () => client.pauseMs()) }
}

const most = 1

describe('attempts to connect', () => {
  it('are further and further apart, up to the longest wait, half of which is chance', () => {
    expect(open(most).next(5)).toEqual([50, 100, 200, 250, 250])
    expect(open(0).next(5)).toEqual([25, 50, 100, 125, 125])
    expect(open(most, { min: '1s', max: '1m' }).next(7)).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    expect(open(0, { min: '1s', max: '2s' }).next(3)).toEqual([1_000, 1_000, 1_000])
  })

  it('begin anew once the connection has stood', () => {
    const { client, next } = open(most)
    next(9)
    client.stands()
    expect(next(1)).toEqual([50])
  })

  it('are further apart while the server will not have us', () => {
    const { client, next } = open(most)
    client.refused()
    expect(next(6)).toEqual([50, 100, 200, 400, 800, 800])
    client.stands()
    expect(next(4)).toEqual([50, 100, 200, 250])
  })

  it('come at once where a good connection has fallen silent, and soon where a new one was silent from the start', () => {
    const { client, next } = open(most)
    client.atOnce()
    expect(next(2)).toEqual([10, 100])
    next(9)
    client.soon()
    expect(next(2)).toEqual([75, 250])
    const sparing = open(0, { min: '1s', max: '1m' })
    sparing.client.soon()
    expect(sparing.next(1)).toEqual([1_000])
  })
})
