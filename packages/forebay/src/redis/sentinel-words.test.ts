import { describe, expect, it } from 'vitest'
import { isSwitchOf, masterBy, type SentinelWord, wordOf } from './sentinel-words.js'

const [a, b, c] = ['a', 'b', 'c'].map((host) => ({ host, port: 6379 }))
const word = (master: SentinelWord['master'] | undefined, epoch: number, atMs = 0): SentinelWord => ({
  master: master ?? { host: 'nowhere', port: 1 },
  epoch,
  atMs,
})

describe('where the primary is', () => {
  it('is where the latest failover has brought it, though most Sentinels have not heard of it', () => {
    expect(masterBy([word(a, 4), word(b, 5), word(a, 4)], a, 0)).toBe(b)
  })

  it('does not change for a Sentinel that comes back with an older one', () => {
    expect(masterBy([word(b, 5), word(a, 4)], b, 0)).toBe(b)
  })

  it('stays where it is thought to be while Sentinels differ about one failover', () => {
    expect([masterBy([word(a, 5), word(b, 5)], b, 0), masterBy([word(a, 5), word(b, 5)], undefined, 0)]).toEqual([b, a])
  })

  it('is not known before one has answered, and stays known when all are silent', () => {
    expect([masterBy([], undefined, 0), masterBy([], c, 0)]).toEqual([undefined, c])
  })

  it('is found anew where epochs begin again, once a Sentinel that knows the old ones has been silent for a minute', () => {
    const words = [word(a, 9, 0), word(b, 0, 60_000)]
    expect([masterBy(words, a, 59_999), masterBy(words, a, 60_000)]).toEqual([a, b])
  })
})

it('a word is read from the two answers', () => {
  const fields = ['name', 'main', 'ip', '10.0.0.1', 'port', '6379', 'config-epoch', '7'].map((text) => Buffer.from(text))
  expect(wordOf(fields, ['10.0.0.2', '6380'], 12)).toEqual({ master: { host: '10.0.0.2', port: 6380 }, epoch: 7, atMs: 12 })
  expect(() => wordOf(fields, null, 12)).toThrow('E_REDIS_REPLY')
})

it('an announcement names who it is about', () => {
  expect(['main 10.0.0.1 6379 10.0.0.2 6379', 'main2 10.0.0.1 6379 10.0.0.2 6379', ''].map((text) => isSwitchOf('main', text))).toEqual([
    true,
    false,
    false,
  ])
})
