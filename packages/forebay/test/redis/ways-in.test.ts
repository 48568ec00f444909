import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort, startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay, type ForebayOptions } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'
import { selfSigned } from './self-signed.js'

let server: Awaited<ReturnType<typeof startRedis>>
let folder: string
let socket: string
let tlsPort: number
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
})
afterAll(async () => {
  await server?.stop()
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
    const [one, two] = [openForebay(redis()), openForebay(redis())]
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
