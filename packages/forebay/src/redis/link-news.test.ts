import { describe, expect, it } from 'vitest'
import { SimClock } from '../testing/sim-clock.js'
import { LinkNews } from './link-news.js'

const nothing = { path: undefined, sentinel: undefined, credentials: { username: undefined, password: undefined } }
const here = { host: 'cache', port: 6379 }

function open(plan: Partial<ConstructorParameters<typeof LinkNews>[0]['plan']> = {}) {
  const clock = new SimClock()
  const told: string[] = []
  const tell = (event: { readonly type: string; readonly text?: string }) => told.push(event.text ?? event.type)
  return { clock, told, news: new LinkNews({ clock, tell, plan: { ...nothing, ...plan } }) }
}

describe('trouble with a link', () => {
  it('is told at once, when it changes, and once a minute, however many links of the node have it', async () => {
    const { clock, told, news } = open()
    for (const link of ['commands', 'questions', 'bell']) news.failed({ link }, here, 'WRONGPASS no')
    news.failed({}, here, 'connect ECONNREFUSED')
    expect(told).toEqual(['Redis at cache:6379 cannot be used: WRONGPASS no', 'Redis at cache:6379 cannot be used: connect ECONNREFUSED'])
    await clock.run(59_999)
    news.failed({}, here, 'WRONGPASS no')
    expect(told).toHaveLength(2)
    await clock.run(1)
    news.failed({}, here, 'WRONGPASS no')
    expect(told).toHaveLength(3)
  })

  it('is the same with another number in it, and another on another node', () => {
    const { told, news } = open()
    for (const ms of [10, 17, 240]) news.failed({}, undefined, `retrying after ${ms} ms`)
    news.failed({}, here, 'retrying after 9 ms')
    expect(told).toHaveLength(2)
  })

  it('is told a bounded number of times, however it is worded', () => {
    const { told, news } = open()
    for (let i = 0; i < 1_000; i++) news.failed({}, here, `trouble ${'x'.repeat(i)}`)
    expect(told).toHaveLength(32)
  })

  it('stands in the statistics until the link can be used, with how long it lasts', async () => {
    const { clock, news } = open()
    const [commands, bell] = [{}, {}]
    news.failed(commands, here, 'connect ECONNREFUSED')
    await clock.run(500)
    news.failed(bell, here, 'connect ECONNREFUSED')
    await clock.run(500)
    news.failed(commands, here, 'connect ECONNREFUSED')
    expect(news.errors()).toEqual([{ node: 'cache:6379', error: 'connect ECONNREFUSED', forMs: 1_000 }])
    news.over(commands)
    expect(news.errors()).toEqual([{ node: 'cache:6379', error: 'connect ECONNREFUSED', forMs: 500 }])
    news.over(bell)
    expect(news.errors()).toEqual([])
  })

  it('names a socket by its path, tells a Sentinel from a Redis, and never shows a password', () => {
    const socket = open({ path: '/run/redis.sock' })
    socket.news.failed({}, undefined, 'ENOENT')
    expect(socket.told).toEqual(['Redis at /run/redis.sock cannot be used: ENOENT'])
    const login = (password: string) => ({ username: undefined, password })
    const sentinel = { name: 'main', nodes: [{ host: 'watch', port: 26_379 }], credentials: login('two'), tls: false }
    const watched = open({ sentinel, credentials: login('one') })
    watched.news.failed({}, { host: 'watch', port: 26_379 }, 'neither one nor two')
    watched.news.failed({}, here, 'away')
    expect(watched.told).toEqual([
      'The Sentinel at watch:26379 cannot be used: neither *** nor ***',
      'Redis at cache:6379 cannot be used: away',
    ])
  })
})
