import { describe, expect, it } from 'vitest'
import { noCodecs } from '../core/value-codec.js'
import type { CacheOptions } from '../engine/public.js'
import { cachePlan, samePlan } from './cache-plan.js'

const plan = (options?: CacheOptions<never>, defaults?: CacheOptions) => cachePlan('books', options, defaults)
/** Options as JavaScript lets them through. */
const wrong = (options: object) => plan(options as CacheOptions<never>)

describe('the plan of a cache', () => {
  it.each([
    [{ ttl: 60 }, ["cache 'books': ttl is 60, which is 60 milliseconds: say '60s' if seconds are meant, else '60ms'"]],
    [{ ttl: '60ms', staleIfError: 0.5 }, [expect.stringContaining('staleIfError is 0.5')]],
    [{ ttl: 1_000, staleWhileRevalidate: '1s', negativeTtl: false }, []],
  ] as const)('doubts numbers as small as seconds: %j', (options, doubts) => {
    expect(plan(options).doubts).toEqual(doubts)
    expect(samePlan(plan({ ttl: 60 }), plan({ ttl: '60ms' }))).toBe(true)
  })

  it('has a documented default for everything but ttl', () => {
    expect(plan({ ttl: '2h' })).toEqual({
      name: 'books',
      version: '',
      ttlMs: 7_200_000,
      staleMs: 0,
      errorMs: 0,
      jitter: 0.05,
      tags: [],
      maxStalenessMs: 2_000,
      onOutage: 'reload',
      hardTimeoutMs: 30_000,
      memory: { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024, policy: 's3fifo', ttlMs: Number.MAX_SAFE_INTEGER, hotPerSecond: 0 },
      softTimeoutMs: 0,
      negativeMs: undefined,
      sliding: undefined,
      expireDaily: undefined,
      control: { mode: 'on', ramp: 100 },
      earlyBeta: 0,
      keepMs: 0,
      maxValueBytes: 8 * 1024 * 1024,
      loads: { max: 256, queue: 10_000 },
      values: 'frozen',
      codecs: noCodecs,
      doubts: [],
    })
  })

  it('says everything that was said', () => {
    const options: CacheOptions<never> = {
      ttl: 60_000,
      staleWhileRevalidate: '10m',
      staleIfError: '1d',
      jitter: 0,
      tags: ['all'],
      maxStaleness: '500ms',
      onOutage: 'serve',
      hardTimeout: '5s',
      memory: { maxEntries: 5, maxBytes: 1_000, policy: 'lru', ttl: '10s' },
      maxValueBytes: 10,
      loads: { max: 8, queue: 0 },
      version: 2,
      values: 'cloned',
      softTimeout: '200ms',
      negativeTtl: '5s',
      sliding: { max: '1h' },
      earlyRefresh: { beta: 2 },
      keepForRevalidation: '1d',
      control: { mode: 'shadow', ramp: 5 },
    }
    expect(plan(options)).toEqual({
      name: 'books',
      version: '2',
      ttlMs: 60_000,
      staleMs: 600_000,
      errorMs: 86_400_000,
      jitter: 0,
      tags: ['all'],
      maxStalenessMs: 500,
      onOutage: 'serve',
      hardTimeoutMs: 5_000,
      memory: { maxEntries: 5, maxBytes: 1_000, policy: 'lru', ttlMs: 10_000, hotPerSecond: 0 },
      softTimeoutMs: 200,
      negativeMs: 5_000,
      sliding: { maxMs: 3_600_000, mostSpans: 1 },
      earlyBeta: 2,
      keepMs: 86_400_000,
      maxValueBytes: 10,
      loads: { max: 8, queue: 0 },
      values: 'cloned',
      codecs: noCodecs,
      doubts: [],
      control: { mode: 'shadow', ramp: 5 },
    })
  })

  it('takes from the defaults what is not said, and undefined says nothing', () => {
    const defaults: CacheOptions = { ttl: '1h', staleIfError: '1d', memory: false }
    expect(plan(undefined, defaults)).toMatchObject({ ttlMs: 3_600_000, errorMs: 86_400_000, memory: undefined })
    expect(plan({ ttl: '5m', staleIfError: undefined }, defaults)).toMatchObject({ ttlMs: 300_000, errorMs: 86_400_000 })
  })

  it('keeps one bound of memory where the other is said', () => {
    expect(plan({ ttl: 1, memory: { maxEntries: 7 } }).memory).toMatchObject({ maxEntries: 7, maxBytes: 64 * 1024 * 1024 })
    expect(plan({ ttl: 1, memory: { maxEntries: undefined, maxBytes: 9 } }).memory).toMatchObject({ maxEntries: 10_000, maxBytes: 9 })
  })

  it('knows when a day’s values end, and what no value and sliding lives are', () => {
    expect(plan({ ttl: 1, expireDaily: { at: '04:30' } }).expireDaily).toMatchObject({ minuteOfDay: 270, timeZone: 'UTC' })
    expect(plan({ ttl: 1, expireDaily: { at: '00:00', timeZone: 'Europe/Berlin' } }).expireDaily?.timeZone).toBe('Europe/Berlin')
    expect(plan({ ttl: 1, negativeTtl: false, sliding: true, earlyRefresh: true })).toMatchObject({
      negativeMs: 0,
      sliding: { maxMs: 0 },
      earlyBeta: 1,
    })
    expect(plan({ ttl: 1, sliding: false, earlyRefresh: false })).toMatchObject({ sliding: undefined, earlyBeta: 0 })
    const daily = { ttl: 1, expireDaily: { at: '04:30' } }
    expect(samePlan(plan(daily), plan(daily))).toBe(true)
    expect(samePlan(plan(daily), plan({ ttl: 1, expireDaily: { at: '04:31' } }))).toBe(false)
  })

  it.each([
    [{ sliding: 'yes' }, 'sliding is "yes"; true, false or { max }'],
    [{ sliding: { max: '1h', min: 1 } }, 'sliding.min is no option; there is max'],
    [{ ttl: '2h', sliding: { max: '1h' } }, 'sliding.max is 3600000; at least ttl'],
    [{ sliding: true, expireDaily: { at: '04:00' } }, 'sliding is true; not together with expireDaily'],
    [{ expireDaily: { at: '4:00' } }, 'expireDaily.at is "4:00"'],
    [{ expireDaily: { at: '24:00' } }, 'expireDaily.at is "24:00"'],
    [{ expireDaily: { at: '04:00', timeZone: 'Mars/Olympus' } }, 'expireDaily.timeZone is "Mars/Olympus"'],
    [{ expireDaily: { at: '04:00', zone: 'UTC' } }, 'expireDaily.zone is no option; there are at, timeZone'],
    [{ earlyRefresh: { beta: 0 } }, 'earlyRefresh.beta is 0'],
    [{ earlyRefresh: 2 }, 'earlyRefresh is 2; true, false or { beta }'],
    [{ negativeTtl: 0 }, 'negativeTtl is 0'],
    [{ softTimeout: -1 }, 'softTimeout is -1'],
    [{ keepForRevalidation: 'long' }, 'keepForRevalidation is "long"'],
    [{ memory: { ttl: 0 } }, 'memory.ttl is 0'],
  ])('refuses %j', (options, text) => {
    expect(() => wrong({ ttl: 1, ...options })).toThrow(`E_OPTION: cache 'books': ${text}`)
  })

  it('says of a strategy what it stands for', () => {
    expect(plan({ ttl: '1h', strategy: 'lru' })).toMatchObject({ memory: { policy: 'lru' }, sliding: { maxMs: 86_400_000, mostSpans: 1 } })
    expect(plan({ ttl: '1h', strategy: 'lru', memory: false, sliding: true })).toMatchObject({ memory: undefined, sliding: { maxMs: 0 } })
    expect(plan({ ttl: 1, strategy: 'lfu', sliding: { max: 9 }, memory: { policy: 'lfu' } })).toMatchObject({
      memory: { policy: 'lfu' },
      sliding: { maxMs: 9, mostSpans: 8 },
    })
    expect(plan({ strategy: 'ttl' }, { ttl: 5 })).toMatchObject({ ttlMs: 5, memory: { policy: 's3fifo' }, sliding: undefined })
    expect(plan({ strategy: 'persistent' }, { ttl: 5 })).toMatchObject({ ttlMs: 2 ** 47, strategy: 'persistent', sliding: undefined })
    expect(plan({ ttl: '100000h', strategy: 'lru' }).sliding?.maxMs).toBeGreaterThan(0)
    expect(plan({ ttl: '30000d', strategy: 'lru' }).sliding?.maxMs).toBe(36_500 * 86_400_000)
  })

  it.each([
    [{ strategy: 'fifo' }, `strategy is "fifo"; 'lru' or 'lfu' or 'ttl' or 'persistent'`],
    [{ ttl: 1, strategy: 'ttl', sliding: true }, 'strategy is "ttl"; not together with sliding true: nothing prolongs a life'],
    [{ ttl: 1, strategy: 'lru', sliding: false }, 'strategy is "lru"; not together with sliding false'],
    [{ ttl: 1, strategy: 'lru', memory: { policy: 'lfu' } }, 'strategy is "lru"; not together with memory.policy "lfu"'],
    [{ ttl: 1, strategy: 'lfu', memory: false }, 'strategy is "lfu"; not together with memory false'],
    [{ ttl: 1, strategy: 'lfu', expireDaily: { at: '04:00' } }, 'strategy is "lfu"; not together with expireDaily'],
    [{ ttl: '1h', strategy: 'persistent' }, 'strategy is "persistent"; not together with ttl "1h": values do not end by time'],
    [{ strategy: 'persistent', sliding: { max: 1 } }, 'strategy is "persistent"; not together with sliding'],
    [{ strategy: 'persistent', earlyRefresh: true }, 'strategy is "persistent"; not together with earlyRefresh true'],
    [{ strategy: 'lru' }, 'ttl is missing'],
    [{ ttl: 0, strategy: 'lru' }, 'ttl is 0'],
  ])('refuses %j, naming both sides', (options, text) => {
    expect(() => wrong(options)).toThrow(`E_OPTION: cache 'books': ${text}`)
  })

  it('keeps in memory only what is hot where it is told to, and that shortly', () => {
    expect(plan({ ttl: 1, memory: { hotOnly: true } }).memory).toMatchObject({ hotPerSecond: 100, ttlMs: 1_000, maxEntries: 1_000 })
    expect(plan({ ttl: 1, memory: { hotOnly: { perSecond: 5 }, ttl: '3s', maxEntries: 7 } }).memory).toMatchObject({
      hotPerSecond: 5,
      ttlMs: 3_000,
      maxEntries: 7,
    })
    expect(plan({ ttl: 1, memory: { hotOnly: false } }).memory).toEqual(plan({ ttl: 1 }).memory)
  })

  it.each([
    [{ hotOnly: 'yes' }, 'memory.hotOnly is "yes"; true, false or { perSecond }'],
    [{ hotOnly: {} }, 'memory.hotOnly.perSecond is undefined; a number from 1 to 1000000'],
    [{ hotOnly: { perSecond: 0 } }, 'memory.hotOnly.perSecond is 0'],
    [{ hotOnly: { perSecond: 5, per: 1 } }, 'memory.hotOnly.per is no option; there is perSecond'],
  ])('refuses memory %j', (memory, text) => {
    expect(() => wrong({ ttl: 1, memory })).toThrow(`E_OPTION: cache 'books': ${text}`)
  })

  it('is in whole milliseconds, at least one', () => {
    expect(plan({ ttl: '0.2ms', staleWhileRevalidate: 1.6 })).toMatchObject({ ttlMs: 1, staleMs: 2 })
  })

  it('gives tags from an array, from a function, or none', () => {
    expect(plan({ ttl: 1 }).tags).toEqual([])
    expect(plan({ ttl: 1, tags: ['a', 'b', 'a'] }).tags).toEqual(['a', 'b'])
    const byAuthor = cachePlan('books', { ttl: 1, tags: (book: { author: number }, key) => [`${String(key)}:${book.author}`] }, undefined)
    expect(typeof byAuthor.tags === 'function' && byAuthor.tags({ author: 7 }, 'b42')).toEqual(['b42:7'])
  })

  it.each([
    ['ttl', 0, 'a duration'],
    ['ttl', '5 minutes', 'a duration'],
    ['ttl', null, 'a duration'],
    ['staleWhileRevalidate', -1, 'a duration'],
    ['staleIfError', Number.POSITIVE_INFINITY, 'a duration'],
    ['jitter', -0.1, 'a number from 0 to 0.5'],
    ['jitter', 0.6, 'a number from 0 to 0.5'],
    ['jitter', Number.NaN, 'a number from 0 to 0.5'],
    ['jitter', '5%', 'a number from 0 to 0.5'],
    ['tags', 'author', 'an array of tags, or a function'],
    ['tags', null, 'an array of tags, or a function'],
    ['maxStaleness', 99, 'at least 100 ms'],
    ['maxStaleness', 'soon', 'a duration'],
    ['onOutage', 'fail', "'reload' or 'serve'"],
    ['onOutage', null, "'reload' or 'serve'"],
    ['jitter', null, 'a number from 0 to 0.5'],
    ['hardTimeout', '0s', 'a duration'],
    ['memory', true, 'an object of maxEntries, maxBytes, policy, ttl and hotOnly, or false'],
    ['memory', null, 'an object of maxEntries, maxBytes, policy, ttl and hotOnly, or false'],
    ['memory', 100, 'an object of maxEntries, maxBytes, policy, ttl and hotOnly, or false'],
    ['maxValueBytes', 0, 'a whole number, at least 1'],
    ['maxValueBytes', 1.5, 'a whole number, at least 1'],
    ['maxValueBytes', '1MB', 'a whole number, at least 1'],
    ['loads', 5, 'an object of max and queue'],
    ['loads', null, 'an object of max and queue'],
  ])('refuses %s: %j, naming both and what is wanted', (option, value, wanted) => {
    const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
    expect(() => wrong({ ttl: 1, [option]: value })).toThrow(`E_OPTION: cache 'books': ${option} is ${shown}; ${wanted}`)
  })

  it.each([
    [{ maxEntries: 0 }, 'memory.maxEntries is 0'],
    [{ maxEntries: -5 }, 'memory.maxEntries is -5'],
    [{ maxEntries: null }, 'memory.maxEntries is null'],
    [{ maxBytes: '64MB' }, 'memory.maxBytes is "64MB"'],
    [{ maxItems: 5 }, 'memory.maxItems is no option; there are maxEntries, maxBytes, policy, ttl, hotOnly'],
  ])('refuses memory %j', (memory, message) => {
    expect(() => wrong({ ttl: 1, memory })).toThrow(`E_OPTION: cache 'books': ${message}`)
  })

  it.each([
    [{ max: 0 }, 'loads.max is 0; a whole number, at least 1'],
    [{ queue: -1 }, 'loads.queue is -1; a whole number, at least 0'],
    [{ most: 5 }, 'loads.most is no option; there are max, queue'],
  ])('refuses loads %j', (loads, message) => {
    expect(() => wrong({ ttl: 1, loads })).toThrow(`E_OPTION: cache 'books': ${message}`)
  })

  it('refuses options that there are not, naming those that there are', () => {
    expect(() => wrong({ ttl: 1, tll: '5m' })).toThrow(`E_OPTION: cache 'books': tll is no option; there are ttl, `)
    // What stands in the wrong place may be a secret.
    expect(() => wrong({ ttl: 1, redis: 'redis://:secret@host' })).toThrow(/redis is no option(?!.*secret)/)
  })

  it.each([null, '5m', 60, ['5m']])('refuses %j in the place of options', (options) => {
    expect(() => wrong(options as unknown as object)).toThrow(/^E_OPTION: cache 'books': the options are .*; an object such as/)
  })

  it('refuses a cache without ttl, and says where to put one', () => {
    expect(() => plan()).toThrow("E_OPTION: cache 'books': ttl is missing; give the cache one, or createForebay({ defaults: { ttl } })")
    expect(() => plan({ ttl: undefined }, { jitter: 0 })).toThrow('ttl is missing')
  })

  it('refuses a name that cannot be part of a key', () => {
    expect(() => cachePlan('my books', { ttl: 1 }, undefined)).toThrow('E_OPTION: the cache name is "my books"')
  })

  it('refuses fixed tags that cannot be tags', () => {
    expect(() => plan({ ttl: 1, tags: ['a', ''] })).toThrow(/^E_TAG: a tag is ""/)
  })
})

describe('two plans', () => {
  it('are the same where all but their functions is', () => {
    expect(samePlan(plan({ ttl: '1h', tags: () => ['a'] }), plan({ ttl: 3_600_000, tags: () => ['b'] }))).toBe(true)
    expect(samePlan(plan({ ttl: '1h' }), plan({ ttl: '1h', jitter: 0.05, memory: {} }))).toBe(true)
  })

  it.each([
    { ttl: '2h' },
    { staleWhileRevalidate: 1 },
    { staleIfError: 1 },
    { jitter: 0 },
    { maxStaleness: '1s' },
    { onOutage: 'serve' },
    { hardTimeout: '1s' },
    { memory: false },
    { memory: { maxEntries: 1 } },
    { maxValueBytes: 1 },
    { loads: { max: 1 } },
    { tags: ['a'] },
    { version: 2 },
  ] as const)('differ where one says %j', (option) => {
    expect(samePlan(plan({ ttl: '1h' }), plan({ ttl: '1h', ...option }))).toBe(false)
  })
})
