import { describe, expect, it } from 'vitest'
import { createTestForebay } from './create-test-forebay.js'

const defaults = { ttl: '1m', jitter: 0 } as const

describe('caches on a simulated clock', () => {
  it('are used without any time passing while Redis is well', async () => {
    const { forebay, another, clock } = createTestForebay({ defaults })
    let loads = 0
    const books = forebay.cache<string>('books')
    const theirs = another().cache<string>('books')
    expect(await books.getOrSet('b42', () => `book ${++loads}`)).toBe('book 1')
    expect(await theirs.fetch('b42', () => `book ${++loads}`)).toMatchObject({ value: 'book 1', tier: 'redis' })
    expect(await books.invalidate('b42')).toMatchObject({ state: 'acknowledged' })
    expect(await theirs.getOrSet('b42', () => `book ${++loads}`)).toBe('book 2')
    expect(clock.now()).toBe(0)
  })

  it('expire when the clock is advanced', async () => {
    const { forebay, clock } = createTestForebay({ defaults })
    const books = forebay.cache<string>('books')
    await books.getOrSet('b42', () => 'old')
    await clock.advance('59s')
    expect(await books.getOrSet('b42', () => 'new')).toBe('old')
    await clock.advance('1s')
    expect(await books.getOrSet('b42', () => 'new')).toBe('new')
  })

  it('refresh in the background, and settle waits for that', async () => {
    const { forebay, clock, settle } = createTestForebay({ defaults: { ...defaults, staleWhileRevalidate: '1m' } })
    const books = forebay.cache<string>('books')
    await books.getOrSet('b42', () => 'old')
    await clock.advance('61s')
    expect(await books.fetch('b42', () => 'new')).toMatchObject({ value: 'old', state: 'stale' })
    await settle()
    expect(books.peek('b42')).toBe('new')
  })

  it('see a frozen Redis at the deadline of a command, and go on from the origin', async () => {
    const { forebay, clock, redis, settle } = createTestForebay({ defaults, deadline: '200ms' })
    const books = forebay.cache<string>('books')
    await forebay.ready()
    redis.freeze()
    const reading = books.getOrSet('b42', () => 'from the origin')
    await clock.advance('200ms')
    expect(await reading).toBe('from the origin')
    const invalidating = books.invalidate('b42')
    await clock.advance('200ms')
    expect(await invalidating).toMatchObject({ state: 'queued' })
    redis.thaw()
    await clock.advance('2s')
    await settle()
    expect(forebay.stats().outbox).toBe(0)
  })

  it('keep their values when Redis restarts with its data, and load anew when it does not', async () => {
    const { forebay, another, clock, redis } = createTestForebay({ defaults })
    await forebay.cache<string>('books').getOrSet('b42', () => 'old')
    redis.restart()
    expect(
      await another()
        .cache<string>('books')
        .getOrSet('b42', () => 'new'),
    ).toBe('old')
    redis.restart({ loseData: true })
    await clock.advance('3s')
    expect(await forebay.cache<string>('books').getOrSet('b42', () => 'new')).toBe('new')
  })

  it('are served without Redis, at once, when it is down', async () => {
    const { forebay, redis } = createTestForebay({ defaults })
    await forebay.ready()
    redis.stop()
    expect(await forebay.cache<string>('books').getOrSet('b42', () => 'from the origin')).toBe('from the origin')
    expect(await forebay.cache<string>('books').invalidate('b42')).toMatchObject({ state: 'queued' })
  })

  it('hear each other after a restart', async () => {
    const { forebay, another, clock, redis } = createTestForebay({ defaults })
    const [mine, theirs] = [forebay.cache<string>('books'), another().cache<string>('books')]
    redis.restart()
    await clock.advance('3s')
    await theirs.getOrSet('b42', () => 'old')
    await mine.invalidate('b42')
    expect(theirs.peek('b42')).toBeUndefined()
  })
})
