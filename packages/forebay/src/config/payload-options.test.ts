import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { CacheOptions } from '../engine/public.js'
import { cachePlan, samePlan } from './cache-plan.js'
import { checkServiceOptions } from './forebay-plan.js'

const key = Buffer.alloc(32, 7)
const text = key.toString('base64')
const schema = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } as const

function plan(options: unknown) {
  return cachePlan('books', { ttl: 1, ...(options as CacheOptions<never>) }, undefined)
}

function refusal(options: unknown): string {
  try {
    plan(options)
  } catch (error) {
    return String(error)
  }
  throw new Error('it was taken')
}

describe('compression', () => {
  it('is off, or a codec with a threshold and a level', () => {
    expect(plan({}).compression).toBeUndefined()
    expect(plan({ compression: false }).compression).toBeUndefined()
    expect(plan({ compression: 'brotli' }).compression).toEqual({ codec: 'brotli', thresholdBytes: 16_384, level: 1 })
    expect(plan({ compression: { codec: 'gzip', threshold: 0, level: 9 } }).compression).toEqual({
      codec: 'gzip',
      thresholdBytes: 0,
      level: 9,
    })
  })

  it.each([
    [true, 'compression'],
    [null, 'compression'],
    ['deflate', 'compression is "deflate"'],
    [{ codec: 'gzip', level: 10 }, 'compression.level is 10'],
    [{ codec: 'gzip', level: 0 }, 'compression.level is 0'],
    [{ codec: 'brotli', level: 1.5 }, 'compression.level is 1.5'],
    [{ codec: 'gzip', threshold: -1 }, 'compression.threshold is -1'],
    [{ codec: 'gzip', treshold: 1 }, 'compression.treshold'],
    [{ threshold: 1 }, 'compression is undefined'],
  ])('is refused where it is %o', (compression, named) => {
    expect(refusal({ compression })).toContain(`E_OPTION: cache 'books': ${named}`)
  })
})

describe('seal', () => {
  it('takes keys as bytes or as base64', () => {
    const forms = [key, new Uint8Array(key), text, text.replace('=', ''), key.toString('base64url')]
    for (const one of forms) {
      const made = plan({ seal: { keys: { k: one }, use: 'k' } }).seal
      expect(made?.keys.get('k')?.reveal()).toEqual(new Uint8Array(key))
    }
    expect(plan({ seal: false }).seal).toBeUndefined()
  })

  it.each([
    ['no object', true],
    ['null', null],
    ['without keys', {}],
    ['with an empty ring', { keys: {}, use: 'k' }],
    ['with a key that the environment lacks', { keys: { k: undefined }, use: 'k' }],
    ['with an empty key', { keys: { k: '' }, use: 'k' }],
    ['with a short key', { keys: { k: key.subarray(1) }, use: 'k' }],
    ['with a key that is no base64', { keys: { k: `${text.slice(0, 40)}****` }, use: 'k' }],
    ['with a line break after the key', { keys: { k: `${text}\n` }, use: 'k' }],
    ['with one bad key beside a good one', { keys: { k: key, old: 'x' }, use: 'k' }],
    ['without a key to use', { keys: { k: key } }],
    ['with another key to use', { keys: { k: key }, use: 'j' }],
    ['with a key in the place of the name', { keys: { [text]: 'k' }, use: text }],
    ['with an option that there is not', { keys: { k: key }, use: 'k', [text]: 1 }],
  ])('is refused %s, and no key is shown', (_, seal) => {
    const message = refusal({ seal })
    expect(message).toMatch(/E_OPTION: cache 'books': seal/)
    expect(message).not.toContain(text.slice(0, 20))
    expect(() => checkServiceOptions({ service: 'shop', defaults: { seal: seal as CacheOptions['seal'] } })).toThrow(/E_OPTION/)
  })

  it('shows no key where a plan is printed', () => {
    const made = plan({ seal: { keys: { k: text }, use: 'k' } })
    const printed = inspect(made, { depth: null, showHidden: true }) + JSON.stringify(made) + JSON.stringify([...(made.seal?.keys ?? [])])
    expect(printed).not.toContain('7, 7')
    expect(printed).not.toContain('07 07')
    expect(printed).not.toContain(text.slice(0, 20))
  })

  it('is part of what makes two caches the same', () => {
    const sealed = (bytes: Buffer, name = 'k') => plan({ seal: { keys: { [name]: bytes }, use: name } })
    expect(samePlan(sealed(key), sealed(Buffer.from(key)))).toBe(true)
    expect(samePlan(sealed(key), sealed(Buffer.alloc(32, 8)))).toBe(false)
    expect(samePlan(sealed(key), sealed(key, 'j'))).toBe(false)
    expect(samePlan(sealed(key), plan({}))).toBe(false)
  })
})

describe('a schema', () => {
  it('is any Standard Schema, an object or a function', () => {
    expect(plan({ schema }).schema).toBe(schema)
    expect(plan({ schema: Object.assign(() => {}, schema) }).schema).toBeTypeOf('function')
  })

  it.each([null, 5, {}, { '~standard': { version: 2, validate: () => ({ value: 1 }) } }, { '~standard': { version: 1 } }])(
    'is refused where it is %o',
    (given) => {
      expect(refusal({ schema: given })).toContain("E_OPTION: cache 'books': schema is")
    },
  )

  it('is what migrate needs', () => {
    expect(refusal({ migrate: () => 1 })).toContain('migrate needs a schema')
    expect(refusal({ schema, migrate: 5 })).toContain('migrate is 5')
  })

  it('may be circular', () => {
    const circular: Record<string, unknown> = { ...schema }
    circular.self = circular
    expect(samePlan(plan({ schema: circular }), plan({ schema: circular }))).toBe(true)
    expect(samePlan(plan({ schema: circular }), plan({}))).toBe(false)
  })
})
