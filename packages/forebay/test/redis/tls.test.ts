import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort, startCluster, startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { noHurry } from './no-hurry.js'
import { certify } from './self-signed.js'
import { type Service, startService } from './service.js'

const authority = certify({ name: 'Test authority', authority: true })
const ofServer = certify({ name: 'redis', signedBy: authority })
const ofClient = certify({ name: 'shop', signedBy: authority })
const overdue = certify({ name: 'redis', signedBy: authority, endsInDays: -1 })
const stranger = certify({ name: 'Another authority', authority: true })
const ofStranger = certify({ name: 'shop', signedBy: stranger })
const ca = authority.cert

let folder: string
let server: Awaited<ReturnType<typeof startRedis>>
let old: Awaited<ReturnType<typeof startRedis>>
let port: number
let oldPort: number
let services: Service[] = []

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}

/** A server that wants a certificate of whoever comes. */
async function startSecure(tlsPort: number, { key, cert }: { readonly key: string; readonly cert: string }) {
  const files = ['--tls-key-file', file(`${tlsPort}.key`, key), '--tls-cert-file', file(`${tlsPort}.crt`, cert)]
  return startRedis({ args: ['--tls-port', `${tlsPort}`, ...files, '--tls-ca-cert-file', file('ca.crt', ca), '--tls-auth-clients', 'yes'] })
}

/** The commands that the guide lists for a user. */
function rights(): string[] {
  const guide = readFileSync(new URL('../../../../docs/guide/redis.md', import.meta.url), 'utf8')
  const [, commands = ''] = /needs the keys and channels.*?```\n(.*?)```/s.exec(guide) ?? []
  return commands.trim().split(/\s+/)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forebay-tls-'))
  port = await freePort()
  oldPort = await freePort()
  server = await startSecure(port, ofServer)
  old = await startSecure(oldPort, overdue)
  const allowed = rights().map((command) => `+${command}`)
  await server.command('ACL', 'SETUSER', 'shop', 'on', '>hush-hush', '~fb1:*', 'resetchannels', '&fb1:*', '-@all', ...allowed)
})
afterAll(async () => {
  await Promise.all([server?.stop(), old?.stop()])
  rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()))
  services = []
})

function start(redis: object): Service {
  const service = startService({ host: '127.0.0.1', port, username: 'shop', password: 'hush-hush', ...redis })
  services.push(service)
  return service
}

describe('a server that wants a certificate, and a user with the rights that the guide lists', () => {
  const tls = { ca, key: ofClient.key, cert: ofClient.cert }

  it('values are shared, invalidations heard, and nothing is told', async () => {
    const running = start({ tls, ...noHurry })
    await running.back()
    const heard = running.forebay.cache<string>('heard', { memory: {} })
    await until('memory keeps it', async () => {
      await heard.getOrSet('b1', () => 'Dune')
      return heard.peek('b1') === 'Dune'
    })
    expect(await heard.invalidate('b1')).toMatchObject({ state: 'acknowledged' })
    expect(await running.forebay.invalidateTags(['a'])).toMatchObject({ state: 'acknowledged' })
    expect(running.told).toEqual([])
    expect(running.thrown).toEqual([])
  })

  it('all connections are made anew when they are cut', async () => {
    const running = start({ tls })
    await running.back()
    await server.command('CLIENT', 'KILL', 'USER', 'shop')
    await running.back()
    expect(running.thrown).toEqual([])
  })
})

describe('what is wrong is told in words that help, callers are served from the origin', () => {
  const tls = { ca, key: ofClient.key, cert: ofClient.cert }
  it.each([
    ['no certificate of ours', () => ({ tls: { ca } }), /certificate required|perhaps the server wants a certificate/],
    [
      'a certificate that the server does not know the issuer of',
      () => ({ tls: { ...tls, key: ofStranger.key, cert: ofStranger.cert } }),
      /unknown ca|perhaps the server wants a certificate/,
    ],
    ['an issuer that we do not know', () => ({ tls: { ...tls, ca: stranger.cert } }), /self-signed certificate in certificate chain/],
    ['a certificate that is over', () => ({ tls, port: oldPort }), /certificate has expired/],
    ['no TLS to a port that speaks it', () => ({}), /; perhaps this port speaks TLS$/],
    ['TLS to a port that speaks none', () => ({ tls, port: server.port }), /; perhaps this port speaks no TLS$/],
  ])('%s', async (_, redis, words) => {
    const running = start({ ...redis(), ...noHurry })
    await until('it is told', () => running.told.length > 0)
    expect(running.told[0]).toMatch(words)
    expect(running.forebay.stats().linkErrors[0]?.error).toMatch(words)
    expect(await running.forebay.cache('books').fetch('b100', () => 'Dune')).toMatchObject({ value: 'Dune', tier: 'origin' })
    expect(await running.forebay.cache('books').invalidate('b100')).toMatchObject({ state: 'queued' })
    expect(running.thrown).toEqual([])
    expect(JSON.stringify([running.told, running.forebay.stats()])).not.toContain('hush')
  })
})

describe('by URL, with TLS, certificates and users', () => {
  const tls = { ca, key: ofClient.key, cert: ofClient.cert }
  const stops: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  function filesOf({ key, cert }: { readonly key: string; readonly cert: string }, name: string): string[] {
    const files = ['--tls-key-file', file(`${name}.key`, key), '--tls-cert-file', file(`${name}.crt`, cert)]
    return [...files, '--tls-ca-cert-file', file('ca.crt', ca), '--tls-auth-clients', 'yes']
  }

  it('Sentinels are asked as their user, and the server that they name is used as its own', async () => {
    const tlsPort = await freePort()
    const user =
      'user watch on >sentinels-secret allchannels -@all +sentinel|master +sentinel|get-master-addr-by-name +subscribe +ping +info'
    const config = `sentinel monitor main 127.0.0.1 ${port} 1\n${user}\n`
    const args = ['--sentinel', '--tls-port', `${tlsPort}`, '--tls-replication', 'yes', ...filesOf(ofServer, 'sentinel')]
    const sentinel = await startRedis({ config, args })
    stops.push(() => sentinel.stop())
    let sentinelPassword = 'wrong-secret'
    const url = `rediss+sentinel://shop:hush-hush@127.0.0.1:${tlsPort}/main`
    const sentinelCredentials = () => ({ username: 'watch', password: sentinelPassword })
    const running = startService({ url, tls, sentinelTls: tls, sentinelCredentials })
    services.push(running)
    await until('the refusal is told', () => running.told.some((text) => /WRONGPASS/.test(text)))
    sentinelPassword = 'sentinels-secret'
    await running.back()
    expect(`${await server.command('CLIENT', 'LIST')}`).toMatch(/user=shop/)
    expect(running.thrown).toEqual([])
    expect(JSON.stringify([running.told, running.forebay.stats()])).not.toMatch(/hush|-secret/)
  })

  it('a Cluster is found from one node, whose map then names the ports that speak TLS', async () => {
    const tlsPort = await freePort()
    const args = ['--tls-cluster', 'yes', '--tls-port', `${tlsPort}`, ...filesOf(ofServer, 'cluster')]
    const cluster = await startCluster({ primaries: 1, replicas: 0, args })
    stops.push(() => cluster.stop())
    const allowed = rights().map((command) => `+${command}`)
    await cluster.nodes[0]?.command('ACL', 'SETUSER', 'shop', 'on', '>hush-hush', '~fb1:*', 'resetchannels', '&fb1:*', '-@all', ...allowed)
    const running = startService({ cluster: [`rediss+cluster://shop:hush-hush@127.0.0.1:${tlsPort}`], tls, ...noHurry })
    services.push(running)
    await running.back()
    expect(`${await cluster.nodes[0]?.command('CLIENT', 'LIST')}`).not.toMatch(
      new RegExp(`user=shop.*laddr=127.0.0.1:${cluster.nodes[0]?.port}`),
    )
    expect(running.told).toEqual([])
    expect(running.thrown).toEqual([])
  })
})
