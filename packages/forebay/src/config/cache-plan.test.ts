import { describe, expect, it } from 'vitest'
import { noCodecs } from '../core/value-codec.js'
import type { CacheOptions } from '../engine/public.js'
import { cachePlan, samePlan } from './cache-plan.js'

const plan = (options?: CacheOptions<never>, defaults?: CacheOptions) => cachePlan('books', options, defaults)
/** Options as JavaScript lets them through. */
const wrong = (options: object) => plan(options as CacheOptions<never>)

describe('the plan of a cache', () => {
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
      memory: { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024, policy: 's3fifo', ttlMs: Number.MAX_SAFE_INTEGER },
      softTimeoutMs: 0,
      negativeMs: undefined,
      sliding: undefined,
      expireDaily: undefined,
      earlyBeta: 0,
      keepMs: 0,
      maxValueBytes: 8 * 1024 * 1024,
      loads: { max: 256, queue: 10_000 },
      values: 'frozen',
      codecs: noCodecs,
      control: { mode: 'on', ramp: 100 },
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
      memory: { maxEntries: 5, maxBytes: 1_000, policy: 'lru', ttlMs: 10_000 },
      softTimeoutMs: 200,
      negativeMs: 5_000,
      sliding: { maxMs: 3_600_000 },
      earlyBeta: 2,
      keepMs: 86_400_000,
      maxValueBytes: 10,
      loads: { max: 8, queue: 0 },
      values: 'cloned',
      codecs: noCodecs,
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
    [{ sliding: { max: '1h', min: 1 } }, 'sliding.min is 1; no such option'],
    [{ ttl: '2h', sliding: { max: '1h' } }, 'sliding.max is 3600000; at least ttl'],
    [{ sliding: true, expireDaily: { at: '04:00' } }, 'sliding is true; not together with expireDaily'],
    [{ expireDaily: { at: '4:00' } }, 'expireDaily.at is "4:00"'],
    [{ expireDaily: { at: '24:00' } }, 'expireDaily.at is "24:00"'],
    [{ expireDaily: { at: '04:00', timeZone: 'Mars/Olympus' } }, 'expireDaily.timeZone is "Mars/Olympus"'],
    [{ expireDaily: { at: '04:00', zone: 'UTC' } }, 'expireDaily.zone is "UTC"; no such option'],
    [{ earlyRefresh: { beta: 0 } }, 'earlyRefresh.beta is 0'],
    [{ earlyRefresh: 2 }, 'earlyRefresh is 2; true, false or { beta }'],
    [{ negativeTtl: 0 }, 'negativeTtl is 0'],
    [{ softTimeout: -1 }, 'softTimeout is -1'],
    [{ keepForRevalidation: 'long' }, 'keepForRevalidation is "long"'],
    [{ memory: { ttl: 0 } }, 'memory.ttl is 0'],
  ])('refuses %j', (options, text) => {
    expect(() => wrong({ ttl: 1, ...options })).toThrow(`E_OPTION: cache 'books': ${text}`)
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
    ['memory', true, 'an object of maxEntries, maxBytes, policy and ttl, or false'],
    ['memory', null, 'an object of maxEntries, maxBytes, policy and ttl, or false'],
    ['memory', 100, 'an object of maxEntries, maxBytes, policy and ttl, or false'],
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
    [{ maxItems: 5 }, 'memory.maxItems is 5; no such option; there are maxEntries, maxBytes, policy, ttl'],
  ])('refuses memory %j', (memory, message) => {
    expect(() => wrong({ ttl: 1, memory })).toThrow(`E_OPTION: cache 'books': ${message}`)
  })

  it.each([
    [{ max: 0 }, 'loads.max is 0; a whole number, at least 1'],
    [{ queue: -1 }, 'loads.queue is -1; a whole number, at least 0'],
    [{ most: 5 }, 'loads.most is 5; no such option; there are max, queue'],
  ])('refuses loads %j', (loads, message) => {
    expect(() => wrong({ ttl: 1, loads })).toThrow(`E_OPTION: cache 'books': ${message}`)
  })

  it('refuses options that there are not, naming those that there are', () => {
    expect(() => wrong({ ttl: 1, tll: '5m' })).toThrow(`E_OPTION: cache 'books': tll is "5m"; no such option; there are ttl, `)
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
