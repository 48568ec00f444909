import { describe, expect, it } from 'vitest'
import { createTestForebay } from '../testing/create-test-forebay.js'

class Price {
  constructor(readonly cents: number) {}
}

/** A codec that works until it is told to fail: when it encodes, and when what it has made is looked at. */
function failingCodec() {
  const state = { fails: false }
  const check = (cents: number): number => {
    if (state.fails) throw new Error('not now')
    return cents
  }
  const codec = {
    name: 'price',
    class: Price,
    encode: ({ cents }: Price): number => check(cents),
    decode: (cents: number): Price =>
      Object.defineProperty(new Price(cents), 'shown', { enumerable: true, get: () => String(check(cents)) }),
  }
  return { state, codec }
}

describe('a codec that fails', () => {
  it('at a hit fails that call, and the monitor says nothing about its value', async () => {
    const { state, codec } = failingCodec()
    const { forebay, clock } = createTestForebay({ codecs: [codec] })
    await forebay.ready()
    const prices = forebay.cache('prices', { ttl: '1h', monitor: { share: 1 } })
    await prices.getOrSet('b42', () => new Price(5))
    state.fails = true
    await expect(prices.getOrSet('b42', () => new Price(5))).rejects.toThrow('not now')
    await clock.advance('1s')
    expect(prices.stats().monitor).toMatchObject({ samples: 1, inconclusive: 1, mismatches: 0 })
  })

  it('when a read from Redis is looked at fails that read alone', async () => {
    const { state, codec } = failingCodec()
    const { forebay, another } = createTestForebay({ codecs: [codec] })
    const options = { ttl: '1h', values: 'shared' } as const
    await forebay.cache('prices', options).set('b42', new Price(5))
    const other = another()
    await other.ready()
    const prices = other.cache('prices', options)
    state.fails = true
    await expect(prices.getOrSet('b42', () => new Price(6))).rejects.toThrow('not now')
    state.fails = false
    expect(await prices.getOrSet('b42', () => new Price(6))).toMatchObject({ cents: 5 })
  })
})
