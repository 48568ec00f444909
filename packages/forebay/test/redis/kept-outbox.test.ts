import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { createForebay } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'
import { openOutboxDirectory } from '../../src/system/outbox-directory.js'
import { noHurry } from './no-hurry.js'
import { compilePrograms, type Programs } from './programs.js'

let server: Awaited<ReturnType<typeof startRedis>>
let programs: Programs<'writer' | 'keeper'>
let directory: string
const service = 'kept'

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'forebay-kept-outbox-'))
  // What is in it outlives it.
  server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  programs = await compilePrograms(fileURLToPath(new URL('./kept-outbox/', import.meta.url)), ['writer', 'keeper'])
})
afterAll(async () => {
  programs?.remove()
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
})

function open(outbox?: { readonly directory: string }): Forebay {
  const forebay = createForebay({ service, redis: { url: server.url, ...noHurry }, outbox, defaults: { ttl: '1h' } })
  onTestFinished(async () => void (await forebay.close()))
  return forebay
}

/** What a caller gets whose loader would give this. */
const found = (forebay: Forebay) => forebay.cache<string>('books').getOrSet('b42', () => 'new')

/** A process invalidates while Redis is away, and is killed; Redis comes back with what it had. */
async function invalidatedInVain(): Promise<void> {
  const [before] = [open()]
  await before.ready()
  expect(await before.cache<string>('books').set('b42', 'old')).toMatchObject({ state: 'acknowledged' })
  await before.close()
  await server.kill()
  const writer = fork(programs.program('writer'), [JSON.stringify({ redis: server.url, service, directory })], { execArgv: [] })
  const ended = once(writer, 'exit')
  expect(await Promise.race([once(writer, 'message'), ended])).toEqual(['queued', undefined])
  writer.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
  await server.start()
}

it('an invalidation made in an outage, by a process that was then killed, is sent by the next one before it believes Redis', async () => {
  await invalidatedInVain()
  expect(readdirSync(directory)).toHaveLength(1)
  const reader = open()
  await reader.ready()
  expect(await found(reader)).toBe('old') // what Redis still has

  const heir = open({ directory })
  const answers = new Set<string>()
  await until('the invalidation has been sent', async () => {
    answers.add(await found(heir))
    return heir.stats().outbox === 0 && heir.stats().shards.proven > 0
  })
  answers.add(await found(heir))
  expect([...answers]).toEqual(['new'])
  await until('the other process has heard of it', async () => (await found(reader)) === 'new')
  expect(readdirSync(directory)).toEqual([])
})

it('of processes that start, take over from the living, and are killed at any moment, nothing that was kept is lost', async () => {
  const shared = mkdtempSync(join(tmpdir(), 'forebay-keepers-'))
  onTestFinished(() => rmSync(shared, { recursive: true, force: true }))
  const kept = new Set<string>()
  const living: { readonly keeper: ChildProcess; readonly ended: Promise<unknown> }[] = []
  const end = async () => {
    const oldest = living.shift()
    oldest?.keeper.kill('SIGKILL')
    await oldest?.ended
  }
  for (let i = 0; i < 8; i++) {
    const keeper = fork(programs.program('keeper'), [JSON.stringify({ directory: shared, service, id: `k${i}` })], { execArgv: [] })
    living.push({ keeper, ended: once(keeper, 'exit') })
    let count = 0
    keeper.on('message', (line) => {
      kept.add(String(line))
      count += 1
    })
    await until('it has kept some', () => count >= 15)
    if (living.length > 2) await end()
  }
  while (living.length > 0) await end()

  const found = new Set<string>()
  openOutboxDirectory({ directory: shared, service, id: 'last' }).takeOver((texts) => {
    for (const line of texts.flatMap((text) => text.split('\n'))) found.add(line)
  })
  expect(kept.size).toBeGreaterThan(100)
  expect([...kept].filter((line) => !found.has(line))).toEqual([])
})
