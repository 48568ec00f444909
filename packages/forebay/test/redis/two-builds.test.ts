import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import { until } from '../../../../scripts/until.mjs'
import { noHurry } from './no-hurry.js'
import { type Builds, makeBuilds, type Running } from './two-builds/builds.js'
import { type Book, fences, type Shape } from './two-builds/messages.js'

// A rolling deploy: processes of two builds at work on one Redis, each with the library and the options of its own build.

let builds: Builds
let server: Awaited<ReturnType<typeof startRedis>>
let redis: Redis
let old: Running
let next: Running
let services = 0
let service = ''

beforeAll(async () => {
  ;[builds, server] = await Promise.all([makeBuilds(), startRedis()])
  redis = new Redis(server.url)
})
afterAll(async () => {
  redis?.disconnect()
  await server?.stop()
  builds?.remove()
})

interface Side {
  readonly layout: 'fb1' | 'fb2'
  readonly version?: string | undefined
  readonly shape: Shape
  readonly fencesBoth?: boolean | undefined
}

/** A process of one build, whose user may touch the keys and channels of its layout and nothing else. */
function startSide({ layout, version, shape, fencesBoth = false }: Side): Promise<Running> {
  const [library, fencesToo] = layout === 'fb1' ? [builds.today, builds.future] : [builds.future, builds.today]
  const shared = { library, service, version, shape }
  if (fencesBoth) return builds.start({ ...shared, fencesToo, redis: { url: server.url, ...noHurry } })
  return builds.start({ ...shared, redis: { url: server.url, username: layout, password: 'secret', ...noHurry } })
}

async function startBoth(oldSide: Side, nextSide: Side): Promise<void> {
  services += 1
  service = `deploy${services}`
  await redis.call('ACL', 'LOG', 'RESET')
  ;[old, next] = await Promise.all([startSide(oldSide), startSide(nextSide)])
}

beforeAll(async () => {
  const page = readFileSync(new URL('../../../../docs/guide/redis.md', import.meta.url), 'utf8')
  const [, commands = ''] = /```\n(get mget [^`]*)```/.exec(page) ?? []
  const rights = commands.trim().split(/\s+/)
  for (const layout of ['fb1', 'fb2']) {
    const may = [`~${layout}:*`, 'resetchannels', `&${layout}:*`, ...rights.map((name) => `+${name}`)]
    await redis.call('ACL', 'SETUSER', layout, 'on', '>secret', ...may)
  }
})

/** What the server has refused to either. */
async function refusals(): Promise<string[]> {
  return ((await redis.call('ACL', 'LOG')) as unknown[][]).map(String)
}

describe.each([
  ['1', '2'],
  [undefined, '2'],
])('one layout, version %s of a cache beside version %s', (oldVersion, nextVersion) => {
  beforeAll(() =>
    startBoth({ layout: 'fb1', version: oldVersion, shape: 'flat' }, { layout: 'fb1', version: nextVersion, shape: 'nested' }),
  )
  afterAll(() => Promise.all([old.close(), next.close()]))

  it('each loads for itself, and never reads the shape of the other', async () => {
    expect(await old.read({ id: 1, edition: 1 })).toEqual({ edition: 1, tier: 'origin' })
    expect(await next.read({ id: 1, edition: 2 })).toEqual({ edition: 2, tier: 'origin' })
    await until('the old has it in memory', () => isInMemory(old, { id: 1, edition: 1 }))
    await until('the new has it in memory', () => isInMemory(next, { id: 1, edition: 2 }))
    expect(await old.read({ id: 1, edition: 3 })).toEqual({ edition: 1, tier: 'memory' })
    expect(await next.read({ id: 1, edition: 3 })).toEqual({ edition: 2, tier: 'memory' })
  })

  it('nor while both read, write and fence the same keys at random', async () => {
    for (const tiers of await Promise.all([old.storm(600), next.storm(600)])) {
      expect(Math.min(tiers.memory ?? 0, tiers.redis ?? 0, tiers.origin ?? 0), JSON.stringify(tiers)).toBeGreaterThan(20)
    }
    expect(await refusals()).toEqual([])
  })

  everyFenceReachesBoth()
})

/** Whoever fences, and however: memory and Redis of both builds drop what they had, and a load that began before is not kept. */
function everyFenceReachesBoth(): void {
  const cases = fences.flatMap((fence, i) => [
    { by: 'old', fence, id: 10 + i },
    { by: 'new', fence, id: 10 + i },
  ])
  const sidesOf = (by: string) => (by === 'old' ? ([old, next] as const) : ([next, old] as const))

  it.each(cases)('$fence by the $by build reaches both', async ({ by, fence, id }) => {
    const [writer, other] = sidesOf(by)
    await writer.fence({ id, edition: 0, fence: 'invalidate' })
    for (const side of [writer, other]) await until('it is in memory', () => isInMemory(side, { id, edition: 1 }))
    await writer.fence({ id, edition: 2, fence })
    expect((await writer.read({ id, edition: 2 })).edition).toBe(2)
    await until('the memory of the other drops it', async () => (await other.peek(id)) === undefined)
    expect(await other.read({ id, edition: 2 })).toEqual({ edition: 2, tier: 'origin' })
  })

  it.each(cases)('$fence by the $by build refuses a load that began before in the other', async ({ by, fence, id }) => {
    const [writer, other] = sidesOf(by)
    await writer.fence({ id, edition: 0, fence: 'invalidate' })
    await until('a load has begun', async () => (await other.beginLoad({ id, edition: 1 })) === undefined)
    const token = await writer.fence({ id, edition: 2, fence })
    expect(await other.endLoad()).toBe(1)
    expect((await other.read({ id, edition: 2, token })).edition).toBe(2)
  })
}

describe('layout fb1 beside fb2, where each process fences in both', () => {
  beforeAll(() => startBoth({ layout: 'fb1', shape: 'flat', fencesBoth: true }, { layout: 'fb2', shape: 'nested', fencesBoth: true }))
  afterAll(() => Promise.all([old.close(), next.close()]))

  everyFenceReachesBoth()
})

describe('layout fb1 beside fb2', () => {
  beforeEach(() => startBoth({ layout: 'fb1', shape: 'flat' }, { layout: 'fb2', shape: 'nested' }))
  afterEach(() => Promise.all([old.close(), next.close()]))

  it.each([
    ['fb1', 'fb2'],
    ['fb2', 'fb1'],
  ])('whatever a process of %s does, keys and memory of %s stay as they are', async (layout, otherLayout) => {
    const [writer, other] = layout === 'fb1' ? [old, next] : [next, old]
    expect(await other.read({ id: 1, edition: 1 })).toEqual({ edition: 1, tier: 'origin' })
    expect(await writer.read({ id: 1, edition: 2 })).toEqual({ edition: 2, tier: 'origin' })
    await until('each has its own in memory', async () => (await other.peek(1)) === 1 && (await writer.peek(1)) === 2)
    const before = await dump(otherLayout)
    for (const fence of fences) {
      const own = await dump(layout)
      await writer.fence({ id: 1, edition: 3, fence })
      expect(await dump(layout), fence).not.toEqual(own)
      expect(await dump(otherLayout), fence).toEqual(before)
      expect(await other.peek(1), fence).toBe(1)
      await until('it is in memory', () => isInMemory(writer, { id: 1, edition: 3 }))
    }
    await writer.storm(500)
    expect(await dump(otherLayout)).toEqual(before)
    expect(await other.read({ id: 1, edition: 4 })).toEqual({ edition: 1, tier: 'memory' })
    expect(await refusals()).toEqual([])
  })

  it('neither hears the bell of the other', async () => {
    const bells = ['fb1', 'fb2'].flatMap((layout) => Array.from({ length: 16 }, (_, shard) => `${layout}:{${service}.${shard}}:#bell`))
    const listenedTo = async () => (await redis.pubsub('CHANNELS', `*{${service}.*`)) as string[]
    await until('both listen', async () => (await listenedTo()).length >= bells.length)
    const channels = await listenedTo()
    expect(channels.toSorted()).toEqual(bells.toSorted())
    const heard = (await redis.pubsub('NUMSUB', ...channels)) as unknown[]
    expect(heard.filter((_, i) => i % 2 === 1)).toEqual(channels.map(() => 1))
  })

  it('both storm at once, and the server sees neither touch what is not its own', async () => {
    await Promise.all([old.storm(600), next.storm(600)])
    expect(await refusals()).toEqual([])
    const outsider = new Redis(server.url, { username: 'fb2', password: 'secret' })
    await expect(outsider.get(`fb1:{${service}}:#config`).finally(() => outsider.disconnect())).rejects.toThrow(/NOPERM/)
    expect(await refusals()).toHaveLength(1)
  })

  it("a token of either makes the other load anew, since it names a write that is not in the other's history", async () => {
    for (const [writer, other] of [
      [old, next],
      [next, old],
    ] as const) {
      await other.read({ id: 2, edition: 1 })
      const token = await writer.fence({ id: 2, edition: 2, fence: 'invalidate' })
      expect(await other.read({ id: 2, edition: 2, token })).toEqual({ edition: 2, tier: 'origin' })
    }
  })
})

async function isInMemory(side: Running, book: Book): Promise<boolean> {
  const { edition, tier } = await side.read(book)
  return edition === book.edition && tier === 'memory'
}

/** Every key of a layout in this service, with its content. */
async function dump(layout: string): Promise<Record<string, string>> {
  const names = (await redis.keys(`${layout}:{${service}[.}]*`)).toSorted()
  const contents = await Promise.all(names.map(async (name) => (await redis.dumpBuffer(name)).toString('hex')))
  return Object.fromEntries(names.map((name, i) => [name, contents[i] ?? '']))
}
