// One process of a deploy: it runs the build of the library that it is started with.
import type * as Library from '../../../src/index.js'
import type { Acts, Answer, Book, Fence, Question, Setting, Shape } from './messages.js'

const setting = JSON.parse(process.argv[2] ?? '') as Setting

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

interface Side {
  readonly pattern: typeof Library.pattern
  readonly forebay: Library.Forebay
  readonly books: Library.Cache<unknown>
}

async function openSide(file: string): Promise<Side> {
  const { createForebay, pattern } = (await import(file)) as typeof Library
  const { service, redis, version } = setting
  const forebay = createForebay({ service, redis, defaults: { ttl: '1h' } })
  const tags = (_: unknown, key: unknown): string[] => [`author:${authorOf(key)}`]
  // Memory for a few, so that a storm reads Redis too.
  const books = forebay.cache<unknown>('books', { version, tags, memory: { maxEntries: 8 } })
  await forebay.ready()
  return { pattern, forebay, books }
}

const own = await openSide(setting.library)
const other = setting.fencesToo === undefined ? undefined : await openSide(setting.fencesToo)
const { books } = own

function keyOf(id: number): string {
  return `author:${id % 3}:b${id}`
}
function authorOf(key: unknown): string {
  return String(key).split(':')[1] ?? ''
}

/** In the other layout too before it is acknowledged, but after the origin has changed: there a new value is an invalidation. */
async function write(fence: Fence, book: Book): Promise<Library.WriteResult> {
  const result = await (fence === 'set' || fence === 'update' ? store(fence, book) : invalidate(own, fence, book))
  if (other !== undefined) await invalidate(other, fence, book)
  return result
}

function store(fence: 'set' | 'update', { id, edition: next }: Book): Promise<Library.WriteResult> {
  return fence === 'set' ? books.set(keyOf(id), make(next)) : books.update(keyOf(id), () => make(next))
}

function invalidate({ forebay, books: cache, pattern }: Side, fence: Fence, { id }: Book): Promise<Library.WriteResult> {
  const key = keyOf(id)
  const author = authorOf(key)
  switch (fence) {
    case 'invalidate':
    case 'set':
    case 'update':
      return cache.invalidate(key)
    case 'markStale':
      return cache.markStale(key)
    case 'deleteMany':
      return cache.deleteMany([key])
    case 'invalidateTags':
      return cache.invalidateTags([`author:${author}`])
    case "the service's invalidateTags":
      return forebay.invalidateTags([`author:${author}`])
    case 'invalidatePattern':
      return cache.invalidatePattern(pattern`author:${author}:*`)
    case 'clear':
      return cache.clear()
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
    await own.forebay.settled()
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
    await Promise.all([own.forebay.close(), other?.forebay.close()])
  },
}

process.on('message', async ({ id, act, argument }: Question) => {
  const answer = await (acts[act] as (argument: unknown) => Promise<unknown>)(argument).then(
    (value): Answer => ({ id, value }),
    (error: unknown): Answer => ({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
  process.send?.(answer)
})
process.send?.({ id: 0 } satisfies Answer)
