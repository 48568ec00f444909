import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createForebay } from '../src/index.js'

describe('the context of a request', () => {
  it('is seen by the load it waits for, and by no refresh in the background', async () => {
    await using forebay = createForebay({ service: 'shop', redis: false })
    const pages = forebay.cache<number>('pages', { ttl: '1ms', staleWhileRevalidate: '1h', jitter: 0 })
    const request = new AsyncLocalStorage<string>()
    const seen: [number, string | undefined][] = []
    const load = () => {
      seen.push([seen.length, request.getStore()])
      return seen.length
    }
    const ask = (name: string) => request.run(name, () => pages.fetch('home', load))
    await ask('first')
    while ((await ask('second')).state === 'fresh') await setImmediate()
    await forebay.settled()
    expect(seen.slice(0, 2)).toEqual([
      [0, 'first'],
      [1, undefined],
    ])
  })
})
