import { describe, expect, it } from 'vitest'
import { ForebayError } from '../core/errors.js'
import { failureOf, isMisplaced, isUnknownScript, movedTo, reactionTo, withHint } from './failure.js'

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'auth', args: ['ann', 'secret'] } })
}

describe('an error of the client', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'E_REDIS_REFUSED'],
    ['ERR Error running script (call to f_1): @user_script:1: -READONLY You can not write', 'E_REDIS_REFUSED'],
    ['NOREPLICAS Not enough good replicas to write.', 'E_REDIS_REFUSED'],
    ['LOADING Redis is loading the dataset in memory', 'E_REDIS_REFUSED'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'E_REDIS_REFUSED'],
    ['MISCONF Redis is configured to save RDB snapshots', 'E_REDIS_REFUSED'],
    ['NOAUTH Authentication required.', 'E_REDIS_REFUSED'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'E_REDIS_REFUSED'],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'E_REDIS_REFUSED'],
    ['CLUSTERDOWN Hash slot not served', 'E_REDIS_REFUSED'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'E_REDIS_REFUSED'],
    ['MOVED 3999 127.0.0.1:6381', 'E_REDIS_REFUSED'],
    ['ASK 3999 127.0.0.1:6381', 'E_REDIS_REFUSED'],
    ['BUSY Redis is busy running a script.', 'E_REDIS_REFUSED'],
    ['MASTERDOWN Link with MASTER is down', 'E_REDIS_REFUSED'],
    ['ERR max number of clients reached', 'E_REDIS_REFUSED'],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'E_REDIS_REPLY'],
    ['ERR unknown command', 'E_REDIS_REPLY'],
  ])('in a reply: %s', (message, code) => {
    expect(failureOf(reply(message))).toMatchObject({ code, message: `${code}: ${message}` })
  })

  it('of its parser says what that means', () => {
    for (const words of [
      'Unknown RESP type 72 "H". Please report this.',
      'Protocol error, got "H" as reply type byte. Please report this.',
    ]) {
      expect(failureOf(new Error(words)).message).toBe(
        'E_REDIS_AWAY: what answers does not speak the protocol of Redis: it begins with "H"',
      )
    }
  })

  it('without a reply says that the link is away', () => {
    expect(failureOf(new Error('Connection is closed.')).code).toBe('E_REDIS_AWAY')
    expect(failureOf(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })).code).toBe('E_REDIS_AWAY')
    expect(failureOf('odd').code).toBe('E_REDIS_AWAY')
  })

  it('that follows from a lost connection says so', () => {
    const error = Object.assign(new Error('Reached the max retries per request limit'), { name: 'MaxRetriesPerRequestError' })
    expect(failureOf(error).message).toBe('E_REDIS_AWAY: the connection was lost')
  })

  it('does not bring the arguments of its command along', () => {
    expect(failureOf(reply('WRONGPASS invalid')).cause).toBeUndefined()
  })

  it('of ours stays what it is', () => {
    const error = new ForebayError('E_REDIS_DEADLINE', 'late')
    expect(failureOf(error)).toBe(error)
  })
})

it('knows what to do about a reply', () => {
  expect(movedTo(failureOf(reply('MOVED 3999 127.0.0.1:6381')))).toEqual({ slot: 3999, host: '127.0.0.1', port: 6381 })
  expect(movedTo(failureOf(reply('MOVED 3999 ::1:6381')))).toEqual({ slot: 3999, host: '::1', port: 6381 })
  expect(movedTo(failureOf(reply('MOVED 3999 :6381')))).toEqual({ slot: 3999, host: '', port: 6381 })
  expect(movedTo(failureOf(reply('ASK 3999 127.0.0.1:6381')))).toBeUndefined()
  expect(movedTo(new Error('MOVED 1 a:1'))).toBeUndefined()
  expect(isMisplaced(failureOf(reply('CLUSTERDOWN The cluster is down')))).toBe(true)
  expect(isMisplaced(failureOf(reply('OOM')))).toBe(false)
  expect(isUnknownScript(reply('NOSCRIPT No matching script.'))).toBe(true)
})

it.each([
  ["READONLY You can't write against a read only replica.", 'leave'],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'leave'],
  ['NOAUTH Authentication required.', 'leave'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'leave'],
  ['ERR max number of clients reached', 'leave'],
  ['LOADING Redis is loading the dataset in memory', 'wait'],
  ['MISCONF Redis is configured to save RDB snapshots', 'wait'],
  ['NOREPLICAS Not enough good replicas to write.', 'wait'],
  ['BUSY Redis is busy running a script.', 'wait'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'tell'],
  ["NOPERM this user has no permissions to run the 'evalsha' command", 'tell'],
  ["ERR The user executing the script can't run this command or subcommand", 'tell'],
  ['CLUSTERDOWN Hash slot not served', 'tell'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'tell'],
  ['EXECABORT Transaction discarded because of previous errors.', 'none'],
  ['UNHEARDOF of in any version', 'tell'],
  ['MOVED 3999 127.0.0.1:6381', 'none'],
  ['ASK 3999 127.0.0.1:6381', 'none'],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'none'],
  ['NOSCRIPT No matching script.', 'none'],
])('a link reacts to %s', (message, reaction) => {
  expect(reactionTo(failureOf(reply(message)))).toBe(reaction)
})

it('trouble that may come of TLS on one side only is told with that', () => {
  expect(withHint('connect ETIMEDOUT', true)).toBe('connect ETIMEDOUT; perhaps this port speaks no TLS')
  expect(withHint('connect ETIMEDOUT', false)).toBe('connect ETIMEDOUT')
  expect(withHint('read ECONNRESET', false)).toBe('read ECONNRESET; perhaps this port speaks TLS')
  expect(withHint(failureOf(new Error('Unknown RESP type 21 "\u0015". Please report this.')).message, false)).toMatch(/speaks TLS$/)
  expect(withHint('write ECONNRESET', true)).toMatch(/perhaps the server wants a certificate/)
  expect(withHint('certificate has expired', true)).toBe('certificate has expired')
})

it('a link reacts to replies only', () => {
  expect(reactionTo(failureOf(new Error('connect READONLY')))).toBe('none')
})
