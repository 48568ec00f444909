import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay, type ForebayOptions } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'
import type { AskCredentials, RedisCredentials } from '../../src/redis/redis-option.js'
import { noHurry } from './no-hurry.js'

let server: Awaited<ReturnType<typeof startRedis>>
let services = 0
const opened: Forebay[] = []
let told: string[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  services += 1
  told = []
  await user('reset', 'on', '>old-secret', '~fb1:*', '&fb1:*', '+@all')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((forebay) => forebay.close()))
})

function user(...rules: readonly string[]): Promise<unknown> {
  return server.command('ACL', 'SETUSER', 'ann', ...rules)
}

/** Gives what `now` holds, and counts. */
function vault(first: RedisCredentials) {
  const state = { now: first as RedisCredentials | Error | 'hang', asked: 0 }
  const ask: AskCredentials = async () => {
    state.asked += 1
    if (state.now === 'hang') return new Promise<never>(() => {})
    if (state.now instanceof Error) throw state.now
    return state.now
  }
  return { state, ask }
}

function openForebay(redis: Exclude<ForebayOptions['redis'], undefined>): Forebay {
  const forebay = createForebay({ service: `rotation${services}`, redis, defaults: { ttl: '1h', memory: false } })
  forebay.onAny((event) => told.push(inspect(event, { depth: 9 })))
  opened.push(forebay)
  return forebay
}

function openAs(credentials: AskCredentials, rest: object = {}): Forebay {
  return openForebay({ host: '127.0.0.1', port: server.port, username: 'ann', credentials, ...noHurry, ...rest })
}

/** Ends all connections of the service's user, as a restart would. */
async function cut(): Promise<void> {
  await server.command('CLIENT', 'KILL', 'USER', 'ann')
}

async function connections(): Promise<string[]> {
  const lines = `${await server.command('CLIENT', 'LIST')}`.split('\n').filter((line) => line.includes('user=ann'))
  return lines.map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '').sort()
}

/** Those for commands, for questions and for bells. */
async function untilAllStand(): Promise<string[]> {
  await until('all connections stand', async () => (await connections()).length === 3)
  return connections()
}

async function backFrom(forebay: Forebay): Promise<void> {
  await until('Redis serves again', async () => {
    await forebay.cache('books').getOrSet('b42', () => 'Dune')
    return (await forebay.cache('books').fetch('b42', () => 'nothing')).tier === 'redis'
  })
}

describe('a password that is changed while the process runs', () => {
  it('is asked for anew when the server refuses the old one; open connections stay', async () => {
    const { ask, state } = vault({ password: 'old-secret' })
    const forebay = openAs(ask)
    await forebay.ready()
    const before = await untilAllStand()
    await user('>new-secret')
    state.now = { password: 'new-secret' }
    await user('<old-secret')
    await backFrom(forebay)
    expect(await connections()).toEqual(before)
    await cut()
    await backFrom(forebay)
    await until('all are back', async () => (await connections()).length === before.length)
    await until('all is well', () => forebay.stats().linkErrors.length === 0)
  })

  it('may be known to the server before whoever gives it out: it is asked for again until it fits', async () => {
    const { ask, state } = vault({ password: 'old-secret' })
    const forebay = openAs(ask)
    await forebay.ready()
    await user('>new-secret', '<old-secret')
    await cut()
    await until('the refusal is told', () => told.some((text) => /warning.*WRONGPASS/s.test(text)))
    expect(await forebay.cache('books').fetch('b43', () => 'Emma')).toMatchObject({ value: 'Emma', tier: 'origin' })
    const { asked } = state
    await until('it is asked for again', () => state.asked > asked + 1)
    state.now = { password: 'new-secret' }
    await backFrom(forebay)
    await until('all is well', () => forebay.stats().linkErrors.length === 0)
  })

  it('may change the user too', async () => {
    await server.command('ACL', 'SETUSER', 'eve', 'on', '>eves-secret', '~fb1:*', '&fb1:*', '+@all')
    const { ask, state } = vault({ password: 'old-secret' })
    const forebay = openAs(ask)
    await forebay.ready()
    state.now = { username: 'eve', password: 'eves-secret' }
    await server.command('ACL', 'DELUSER', 'ann')
    await backFrom(forebay)
    expect(`${await server.command('CLIENT', 'LIST')}`).toMatch(/user=eve/)
  })

  it('that ends by time is renewed in time: open connections log in again', async () => {
    const { ask, state } = vault({ password: 'old-secret', validFor: '2s' })
    const forebay = openAs(ask)
    await forebay.ready()
    await backFrom(forebay)
    const before = await untilAllStand()
    const logins = async () => Number(/cmdstat_auth:calls=(\d+)/.exec(`${await server.command('INFO', 'commandstats')}`)?.[1] ?? 0)
    const atFirst = await logins()
    await user('>new-secret')
    state.now = { password: 'new-secret' }
    await until('the two for commands and questions have logged in again', async () => (await logins()) >= atFirst + 2)
    expect(await connections()).toEqual(before)
  })
})

describe('whoever gives the password out', () => {
  it.each([
    ['fails', () => new Error('the vault is sealed'), /cannot be used: the credentials cannot be had: the vault is sealed/],
    ['hangs', () => 'hang' as const, /cannot be used: the credentials cannot be had: no answer within 5000 ms/],
  ])('and %s at the start is told, and asked again; callers are served from the origin', async (_, trouble, words) => {
    const { ask, state } = vault({ password: 'old-secret' })
    state.now = trouble()
    const forebay = openAs(ask)
    expect(await forebay.cache('books').fetch('b42', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
    expect(await forebay.cache('books').invalidate('b42')).toMatchObject({ state: 'queued' })
    await until('it is told', () => told.some((text) => words.test(text)))
    expect(forebay.stats().linkErrors[0]?.error).toMatch(/the credentials cannot be had/)
    state.now = { password: 'old-secret' }
    await backFrom(forebay)
    await until('all is well', () => forebay.stats().linkErrors.length === 0)
  })

  it('and hangs after a refusal: it is told so, and the server, which has ended the connection, is not called silent', async () => {
    const { ask, state } = vault({ password: 'old-secret' })
    const forebay = openAs(ask, { deadline: '1s' })
    await forebay.ready()
    await user('>new-secret', '<old-secret')
    await cut()
    await until('the refusal is told', () => told.some((text) => /warning.*WRONGPASS/s.test(text)))
    state.now = 'hang'
    await until('that it hangs is told', () => told.some((text) => /no answer within 5000 ms/.test(text)))
    expect(told.filter((text) => /is silent/.test(text))).toEqual([])
    state.now = { password: 'new-secret' }
    await backFrom(forebay)
  })

  it('and fails later harms nobody while the server takes what was given before', async () => {
    const { ask, state } = vault({ password: 'old-secret' })
    const forebay = openAs(ask)
    await forebay.ready()
    await until('the first answer is old', async () => {
      state.now = new Error('the vault is sealed')
      await cut()
      return told.some((text) => /the vault is sealed; those of before are used on/.test(text))
    })
    await backFrom(forebay)
  })

  it('is not asked while connections stand', async () => {
    const { ask, state } = vault({ password: 'old-secret' })
    const one = openAs(ask)
    await one.ready()
    await backFrom(one)
    const { asked } = state
    for (let i = 0; i < 50; i += 1) await one.cache('books').getOrSet(`k${i}`, () => i)
    expect(state.asked).toBe(asked)
  })
})

it('no secret shows: neither in events, nor in statistics, nor where things are printed', async () => {
  const { ask, state } = vault({ password: 'wrong-secret' })
  const forebay = openAs(ask)
  await until('the refusal is told', () => told.some((text) => text.includes('WRONGPASS')))
  state.now = new Error('wrong-secret is not known to me')
  await until('the failure is told', () => told.some((text) => text.includes('is not known to me')))
  state.now = { password: 'old-secret', validFor: '2s' }
  await backFrom(forebay)
  await user('<old-secret', '>third-secret')
  await until('a login is refused', () => told.some((text) => text.includes('could not log in again')))
  const error = await forebay
    .cache('books')
    .get('b42')
    .catch((thrown: unknown) => thrown)
  const shown = [told, forebay.stats(), forebay, error].map((one) => inspect(one, { depth: 30, showHidden: true })).join('\n')
  expect(shown).not.toMatch(/old-secret|wrong-secret|third-secret/)
})

it.each([
  ['no function', { credentials: 'secret' }, /redis\.credentials is "secret"/],
  ['a password beside it', { credentials: () => ({ password: 'p' }), password: 'q' }, /redis\.credentials is given, and a password too/],
  [
    'one in the URL',
    { credentials: () => ({ password: 'p' }), host: undefined, url: 'redis://:q@a' },
    /redis\.credentials is given, and a password/,
  ],
])('refuses %s', (_, redis, words) => {
  const service = () => createForebay({ service: 'shop', redis: { host: 'a', ...redis } as Exclude<ForebayOptions['redis'], undefined> })
  expect(service).toThrow(words)
})
