import { describe, expect, it } from 'vitest'
import { SimClock } from '../testing/sim-clock.js'
import { type LogIn, Logins } from './logins.js'
import type { AskCredentials } from './redis-option.js'

function open(ask: AskCredentials) {
  const clock = new SimClock()
  const warnings: string[] = []
  const secrets: string[] = []
  const news = { warn: (words: string) => warnings.push(words), keepSecret: (secret: string) => secrets.push(secret) }
  return { clock, warnings, secrets, logins: new Logins({ ask, clock, news }) }
}

/** Gives `p1`, `p2`, … and counts. */
function counting(rest: object = {}) {
  let asked = 0
  const ask = () => ({ password: `p${++asked}`, ...rest })
  return { ask, times: () => asked }
}

async function passwordOf({ clock, logins }: Pick<ReturnType<typeof open>, 'clock' | 'logins'>): Promise<string> {
  const next = logins.next()
  next.catch(() => {}) // looked at below
  await clock.run(10_000)
  return (await next).password
}

describe('credentials', () => {
  it('are asked for once for connections that are made together, and anew for later ones', async () => {
    const { ask, times } = counting()
    const { clock, logins } = open(ask)
    const together = await Promise.all([logins.next(), logins.next(), logins.next()])
    expect(together.map(({ password }) => password)).toEqual(['p1', 'p1', 'p1'])
    await clock.run(999)
    expect(await logins.next()).toMatchObject({ password: 'p1' })
    await clock.run(1)
    expect(await logins.next()).toMatchObject({ password: 'p2' })
    expect(times()).toBe(2)
  })

  it('that were refused are asked for at once, but not in a loop', async () => {
    const { ask, times } = counting()
    const { clock, logins } = open(ask)
    const first = await logins.next()
    await clock.run(600)
    logins.refused(first)
    const second = await logins.next()
    expect(second.password).toBe('p2')
    logins.refused(first) // another connection that began with the first
    expect((await logins.next()).password).toBe('p2')
    logins.refused(second)
    const third = logins.next()
    await clock.run(499)
    expect(times()).toBe(2)
    await clock.run(1)
    expect((await third).password).toBe('p3')
  })

  it('that end by time are renewed before, and open connections log in again', async () => {
    const { ask, times } = counting({ username: 'ann', validFor: '20m' })
    const { clock, logins } = open(ask)
    await logins.next()
    const seen: string[] = []
    const logIn: LogIn = async ({ username, password }) => void seen.push(`${username}:${password}`)
    logins.opened(logIn)
    await clock.run(14 * 60_000)
    expect(await logins.next()).toMatchObject({ password: 'p1' })
    await clock.run(60_000)
    expect(seen).toEqual(['ann:p2'])
    await clock.run(15 * 60_000)
    expect(seen).toEqual(['ann:p2', 'ann:p3'])
    logins.closed(logIn)
    await clock.run(60 * 60_000)
    expect(times()).toBe(3)
    expect(await logins.next()).toMatchObject({ password: 'p4' })
  })

  it('that end by time are renewed for a connection too that was being made meanwhile', async () => {
    const { clock, logins } = open(counting({ validFor: '20m' }).ask)
    const seen: string[] = []
    const logIn: LogIn = async ({ password }) => void seen.push(password)
    logins.opened(async () => {}, await logins.next())
    await clock.run(15 * 60_000 - 1)
    const begunWith = await logins.next()
    await clock.run(1)
    logins.opened(logIn, begunWith)
    expect([begunWith.password, seen]).toEqual(['p1', ['p2']])
    await clock.run(15 * 60_000)
    expect(seen).toEqual(['p2', 'p3'])
  })

  it('of before are used on where no new ones can be had, which is told, and tried again', async () => {
    let fails = false
    const { ask, times } = counting({ validFor: '20m' })
    const parts = open(() => {
      if (fails) throw new Error('the vault is sealed')
      return ask()
    })
    const { clock, logins, warnings } = parts
    await logins.next()
    const seen: string[] = []
    logins.opened(async ({ password }) => void seen.push(password))
    fails = true
    await clock.run(15 * 60_000)
    expect(warnings[0]).toBe('the credentials cannot be had: the vault is sealed; those of before are used on')
    expect(await passwordOf(parts)).toBe('p1')
    fails = false
    await clock.run(60_000)
    expect(seen).toEqual(['p2'])
    expect(times()).toBe(2)
  })

  it.each([
    ['hangs', () => new Promise<never>(() => {}), 'no answer within 5000 ms'],
    ['rejects', () => Promise.reject(new Error('no token')), 'no token'],
    ['gives nothing', () => undefined, 'undefined was given; an object { username, password }'],
    ['gives null', () => null, 'null was given; an object { username, password }'],
    ['gives no password', () => ({ username: 'ann' }), 'their password is no text, or empty'],
    ['gives an empty password', () => ({ password: '' }), 'their password is no text, or empty'],
    ['gives a user who is none', () => ({ username: 7, password: 'p' }), 'their username is 7; a text'],
    ['gives what is over already', () => ({ password: 'p', validFor: -1 }), 'validFor is -1'],
  ])('cannot be had from one who %s', async (_, ask, words) => {
    const parts = open(ask as AskCredentials)
    await expect(passwordOf(parts)).rejects.toThrow(`E_REDIS_AWAY: the credentials cannot be had: `)
    await expect(passwordOf(parts)).rejects.toThrow(words)
  })

  it('that an open connection could not log in with are told without their password', async () => {
    const { ask } = counting({ validFor: '4s' })
    const { clock, logins, warnings, secrets } = open(ask)
    await logins.next()
    logins.opened(() => Promise.reject(new Error('E_REDIS_REFUSED: WRONGPASS no')))
    await clock.run(3_000)
    expect(warnings).toEqual(['an open connection could not log in again: E_REDIS_REFUSED: WRONGPASS no'])
    expect(secrets).toEqual(['p1', 'p2'])
  })
})
