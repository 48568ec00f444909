import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort, startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay, type ForebayOptions } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'
import { noHurry } from './no-hurry.js'
import { selfSigned } from './self-signed.js'

let server: Awaited<ReturnType<typeof startRedis>>
let folder: string
let socket: string
let tlsPort: number
let locked: Awaited<ReturnType<typeof startRedis>>
let nobody: number
const { key, cert: ca } = selfSigned()
const open: Forebay[] = []
let services = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forebay-ways-in-'))
  socket = join(folder, 'redis.sock')
  tlsPort = await freePort()
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(keyFile, key, { mode: 0o600 })
  writeFileSync(certFile, ca)
  const tls = ['--tls-port', `${tlsPort}`, '--tls-key-file', keyFile, '--tls-cert-file', certFile, '--tls-auth-clients', 'no']
  server = await startRedis({ args: ['--unixsocket', socket, ...tls] })
  await server.command('ACL', 'SETUSER', 'ann', 'on', '>p:s/s@', '~fb1:*', '&fb1:*', '+@all')
  await server.command('ACL', 'SETUSER', 'bob', 'on', '>p:s/s@', '~fb1:*', '&fb1:*', '+info', '+ping')
  locked = await startRedis()
  await locked.command('CONFIG', 'SET', 'requirepass', 'p:s/s@')
  nobody = await freePort()
})
afterAll(async () => {
  await Promise.all([server?.stop(), locked?.stop()])
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  services += 1
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((forebay) => forebay.close()))
})

function openForebay(redis: ForebayOptions['redis']): Forebay {
  const forebay = createForebay({ service: `ways${services}`, redis, defaults: { ttl: '1h' } })
  open.push(forebay)
  return forebay
}

/** Where the server says that its clients came in, except the one who asks. */
async function waysIn(): Promise<string[]> {
  const clients = `${await server.command('CLIENT', 'LIST')}`.split('\n').filter((line) => line !== '' && !line.includes('cmd=client'))
  return [...new Set(clients.map((line) => /laddr=(\S+)/.exec(line)?.[1] ?? ''))]
}

describe.each([
  ['a Unix socket', () => ({ path: socket }), () => `${socket}:0`],
  ['TLS, by host and port', () => ({ host: '127.0.0.1', port: tlsPort, tls: { ca } }), () => `127.0.0.1:${tlsPort}`],
  ['TLS, by URL', () => ({ url: `rediss://localhost:${tlsPort}`, tls: { ca } }), () => `127.0.0.1:${tlsPort}`],
  [
    'TLS, as a user whose password is escaped in the URL',
    () => ({ url: `rediss://ann:${encodeURIComponent('p:s/s@')}@localhost:${tlsPort}`, tls: { ca } }),
    () => `127.0.0.1:${tlsPort}`,
  ],
])('by %s', (_, redis, wayIn) => {
  it('values are shared, and invalidations heard', async () => {
    const [one, two] = [openForebay({ ...redis(), ...noHurry }), openForebay({ ...redis(), ...noHurry })]
    await Promise.all([one.ready(), two.ready()])
    expect(await waysIn()).toEqual([wayIn()])
    expect(await one.cache('books').fetch('b42', () => 'Dune')).toMatchObject({ tier: 'origin' })
    expect(await two.cache('books').fetch('b42', () => 'nothing')).toMatchObject({ value: 'Dune', tier: 'redis' })
    expect(two.cache('books').peek('b42')).toBe('Dune')
    expect(await one.cache('books').invalidate('b42')).toMatchObject({ state: 'acknowledged' })
    await until('the other has heard it', () => two.cache('books').peek('b42') === undefined)
  })
})

it.each([
  ['a certificate that nobody vouches for', () => ({ url: `rediss://localhost:${tlsPort}` })],
  ['a certificate for another name', () => ({ host: '127.0.0.1', port: tlsPort, tls: { ca, servername: 'redis.example' } })],
  ['a port that speaks no TLS', () => ({ host: '127.0.0.1', port: server.port, tls: { ca } })],
  ['a socket that is not there', () => ({ path: join(folder, 'none.sock') })],
])('by %s nothing comes in, and the cache serves from the origin', async (_, redis) => {
  const forebay = openForebay(redis())
  expect(await forebay.cache('books').fetch('b42', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
  expect(await forebay.cache('books').invalidate('b42')).toMatchObject({ state: 'queued' })
  expect(forebay.stats().shards.proven).toBe(0)
})

describe('why Redis cannot be used is told at once, and stands in the statistics', () => {
  const password = 'p:s/s@'
  it.each([
    ['a wrong password', () => ({ port: server.port, username: 'ann', password: 'p:s/t@' }), /WRONGPASS/],
    ['no password', () => ({ port: locked.port }), /NOAUTH/],
    ['a user who may do nothing', () => ({ port: server.port, username: 'bob', password }), /NOPERM/],
    ['an unknown host', () => ({ host: 'nowhere.invalid', password }), /ENOTFOUND|EAI_AGAIN/],
    ['a port where nobody listens', () => ({ port: nobody, password }), /ECONNREFUSED/],
    ['no socket', () => ({ path: join(folder, 'none.sock') }), /ENOENT/],
    ['a certificate that nobody vouches for', () => ({ host: 'localhost', port: tlsPort, tls: true, password }), /self.signed/],
    ['a certificate for another name', () => ({ port: tlsPort, tls: { ca, servername: 'redis.example' } }), /altnames/],
    ['TLS where none is spoken', () => ({ port: server.port, tls: { ca } }), /ETIMEDOUT|closed|SSL|disconnected/],
    ['no TLS where it is spoken', () => ({ port: tlsPort }), /closed|ECONNRESET/],
    [
      'a Cluster that none of its nodes answers for',
      () => ({ cluster: [`redis://:${encodeURIComponent(password)}@127.0.0.1:${nobody}`] }),
      /ECONNREFUSED/,
    ],
  ])('%s', async (_, redis, words) => {
    const asked: { host?: string; port?: number; path?: string; cluster?: string[] } = redis()
    const forebay = openForebay({ ...((asked.cluster ?? asked.path) ? redis() : { host: '127.0.0.1', ...redis() }), ...noHurry })
    const told: string[] = []
    forebay.on('warning', ({ text }) => told.push(text))
    await until('it is told', () => told.length > 0)
    expect(told[0]).toMatch(words)
    expect(told[0]).toContain(asked.path ?? `:${asked.port ?? (asked.host === undefined ? nobody : 6379)}`)
    expect(forebay.stats().linkErrors).toContainEqual({
      node: expect.any(String),
      error: expect.stringMatching(words),
      forMs: expect.any(Number),
    })
    expect(JSON.stringify([told, forebay.stats()])).not.toMatch(/p:s\/|p%3As/)
  })
})

it('a connection that is closed while it is being made harms nobody', async () => {
  const ways = [{ tls: true }, { tls: { ca, servername: 'redis.example' } }, { tls: { ca, servername: 'localhost' } }]
  for (let turns = 0; turns < 90; turns += 1) {
    const forebay = openForebay({ host: '127.0.0.1', port: tlsPort, ...ways[turns % ways.length] })
    for (let turn = 0; turn < turns; turn += 1) await new Promise((next) => setImmediate(next))
    await forebay.close()
  }
  await expect(server.command('PING')).resolves.toBe('PONG') // an error without a listener would have ended the process by now
})
