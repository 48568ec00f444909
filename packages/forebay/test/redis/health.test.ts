import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { freePort, startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay, type ForebayOptions } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'
import { healthResponse } from '../../src/telemetry/health-response.js'
import { noHurry } from './no-hurry.js'

let server: Awaited<ReturnType<typeof startRedis>>
const password = 'not-to-be-shown'
const open: Forebay[] = []
let services = 0

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server?.stop())
beforeEach(() => command('ACL', 'SETUSER', 'ann', 'on', `>${password}`, '~*', '&*', '+@all'))
afterEach(async () => {
  await Promise.all(open.splice(0).map((forebay) => forebay.close({ timeout: 100 })))
})

function openForebay(options: Partial<ForebayOptions> = {}): Forebay {
  services += 1
  const redis = { url: `redis://ann:${password}@127.0.0.1:${server.port}`, ...noHurry }
  const forebay = createForebay({ service: `health${services}`, redis, health: { interval: '50ms' }, defaults: { ttl: '1h' }, ...options })
  open.push(forebay)
  return forebay
}

const command = (...words: [string, ...(string | number)[]]) => server.command(...words)
const says = (forebay: Forebay, status: string) => until(`readiness says ${status}`, () => forebay.health().ready.status === status)

it('a process that starts without Redis serves, says so, and joins when Redis comes', async () => {
  const port = await freePort()
  const forebay = openForebay({ redis: { host: '127.0.0.1', port, ...noHurry } })
  const books = forebay.cache<string>('books', { memory: false })
  const found = () => books.fetch('b42', () => 'Dune')
  expect(await found()).toMatchObject({ value: 'Dune', tier: 'origin' })
  await until('it has come up', () => forebay.health().started.status === 'pass')
  await until('why', () => forebay.health().ready.output?.includes('ECONNREFUSED'))
  expect(forebay.health().ready.status).toBe('warn')
  expect(healthResponse(forebay, 'ready').status).toBe(200)
  const late = await startRedis({ port })
  try {
    await until('a hit in Redis', async () => (await found()).tier === 'redis')
    await says(forebay, 'pass')
    expect(forebay.health().checks['redis:state']).toMatchObject([{ componentId: `127.0.0.1:${port}`, observedValue: 'healthy' }])
  } finally {
    await forebay.close()
    await late.stop()
  }
})

it.each([
  ['is a replica', () => command('REPLICAOF', '127.0.0.1', '1'), () => command('REPLICAOF', 'NO', 'ONE'), /READONLY/, 'fail'],
  ['is full', () => command('CONFIG', 'SET', 'maxmemory', 1), () => command('CONFIG', 'SET', 'maxmemory', 0), /OOM/, 'warn'],
])('a server that %s shows, though it answers', async (_, makeSo, undo, words, whereCritical) => {
  const [optional, critical] = [openForebay(), openForebay({ health: { interval: '50ms', redis: 'critical' } })]
  await Promise.all([optional, critical].map((forebay) => says(forebay, 'pass')))
  const told: unknown[] = []
  try {
    await makeSo()
    await Promise.all([says(optional, 'warn'), says(critical, whereCritical)])
    await until('why', () => {
      const { output } = optional.health().checks['redis:writable']?.[0] ?? {}
      told.push(healthResponse(optional, 'ready', { details: true }).body)
      return words.test(output ?? '')
    })
    expect([healthResponse(optional, 'live'), healthResponse(optional, 'ready'), healthResponse(critical, 'ready')]).toMatchObject([
      { status: 200, body: '{"status":"pass"}' },
      { status: 200, body: '{"status":"warn"}' },
      { status: whereCritical === 'fail' ? 503 : 200, body: `{"status":"${whereCritical}"}` },
    ])
  } finally {
    await undo()
  }
  await Promise.all([optional, critical].map((forebay) => says(forebay, 'pass')))
  expect(JSON.stringify(told)).not.toContain(password)
})

it.each([
  ['killed', () => server.kill('SIGKILL'), () => server.start()],
  ['frozen', () => server.pause(), () => server.resume()],
])('close ends within its deadline where Redis is %s, and tells what was not sent', async (_, breakIt, mend) => {
  const forebay = openForebay()
  await forebay.ready()
  await breakIt()
  try {
    expect(await forebay.cache('books').invalidate('b42')).toMatchObject({ state: 'queued' })
    let closed: unknown
    const closing = forebay.close({ timeout: '200ms' }).then((told) => {
      closed = told
    })
    expect(forebay.health().ready).toMatchObject({ status: 'fail', output: expect.stringContaining('draining') })
    await until('it is closed', () => closed !== undefined, { withinMs: 5_000 })
    await closing
    expect(closed).toEqual({ unsent: 1 })
  } finally {
    await mend()
  }
})
