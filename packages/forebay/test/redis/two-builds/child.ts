// One process of a deploy: it runs the build of the library that it is started with.
import type * as Library from '../../../src/index.js'
import type { Acts, Answer, Book, Fence, Question, Setting, Shape } from './messages.js'

const setting = JSON.parse(process.argv[2] ?? '') as Setting
const { createForebay, pattern } = (await import(setting.library)) as typeof Library

// Nobody outlives the test.
process.on('disconnect', () => process.exit())

interface ShapeOf {
  readonly make: (edition: number) => unknown
  readonly edition: (value: unknown) => number
}

const shapes: Readonly<Record<Shape, ShapeOf>> = {
  flat: { make: (edition) => ({ title: 'Dune', edition }), edition: (value) => (value as { edition: number }).edition },
  nested: { make: (edition) => ({ book: { title: 'Dune' }, of: [edition] }), edition: (value) => (value as { of: number[] }).of[0] ?? NaN },
}
const { make, edition } = shapes[setting.shape]

function editionOf(value: unknown): number {
  if (JSON.stringify(value) !== JSON.stringify(make(edition(value)))) {
    throw new Error(`the build with ${setting.shape} books has read ${JSON.stringify(value)}`)
  }
  return edition(value)
}

const { service, redis, version } = setting
const forebay = createForebay({ service, redis, defaults: { ttl: '1h' } })
// Memory for a few, so that a storm reads Redis too.
const books = forebay.cache<unknown>('books', {
  version,
  tags: (_, key) => [`author:${authorOf(key)}`],
  memory: { maxEntries: 8 },
})
const keyOf = (id: number): string => `author:${id % 3}:b${id}`
function authorOf(key: unknown): string {
  return String(key).split(':')[1] ?? ''
}

function write(fence: Fence, { id, edition: next }: Book) {
  const key = keyOf(id)
  const author = authorOf(key)
  switch (fence) {
    case 'invalidate':
    case 'markStale':
      return books[fence](key)
    case 'deleteMany':
      return books.deleteMany([key])
    case 'set':
      return books.set(key, make(next))
    case 'update':
      return books.update(key, () => make(next))
    case 'invalidateTags':
      return books.invalidateTags([`author:${author}`])
    case "the service's invalidateTags":
      return forebay.invalidateTags([`author:${author}`])
    case 'invalidatePattern':
      return books.invalidatePattern(pattern`author:${author}:*`)
    case 'clear':
      return books.clear()
    case "the service's clear":
      return forebay.clear()
  }
}

let endLoad = (): void => {}
let load: Promise<unknown> = Promise.resolve()
/** Rare enough that a read often finds something. */
const stormFences: readonly Fence[] = ['invalidate', 'set', 'update', 'invalidateTags', 'invalidatePattern', 'clear']

const acts: Acts = {
  async read({ id, edition: current, token }) {
    const found = await books.fetch(keyOf(id), () => make(current), { token })
    return { edition: editionOf(found.value), tier: found.state === 'fresh' ? found.tier : found.state }
  },
  async peek(id) {
    const value = books.peek(keyOf(id))
    return value === undefined ? undefined : editionOf(value)
  },
  async fence({ fence, ...book }) {
    const { state, token } = await write(fence, book)
    if (state !== 'acknowledged') throw new Error(`${fence} is ${state}`)
    await forebay.settled()
    return token
  },
  async beginLoad({ id, edition: current }) {
    const begun = new Promise<void>((resolve) => {
      load = books.getOrSet(keyOf(id), async () => {
        resolve()
        await new Promise<void>((end) => {
          endLoad = end
        })
        return make(current)
      })
    })
    const cached = load.then((value) => {
      throw new Error(`no load: edition ${editionOf(value)} is cached`)
    })
    await Promise.race([begun, cached])
    cached.catch(() => {}) // by now the load has ended
  },
  async endLoad() {
    endLoad()
    return editionOf(await load)
  },
  async storm(count) {
    const tiers: Record<string, number> = {}
    for (let i = 0; i < count; i++) {
      const id = 100 + Math.floor(24 * Math.random())
      const fence = stormFences[Math.floor(40 * Math.random())]
      if (fence !== undefined) await write(fence, { id, edition: i })
      const { tier } = await acts.read({ id, edition: i })
      tiers[tier] = (tiers[tier] ?? 0) + 1
    }
    return tiers
  },
  async close() {
    await forebay.close()
  },
}

process.on('message', async ({ id, act, argument }: Question) => {
  const answer = await (acts[act] as (argument: unknown) => Promise<unknown>)(argument).then(
    (value): Answer => ({ id, value }),
    (error: unknown): Answer => ({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
  process.send?.(answer)
})
await forebay.ready()
process.send?.({ id: 0 } satisfies Answer)
