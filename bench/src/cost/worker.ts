// One process of the service whose cost is measured.
import { type Cache, createForebay, type Forebay, type ForebayOptions, pattern } from 'forebay'
import { Calls } from '../calls.js'
import { keyOf, small } from '../values.js'
import { heapBytes } from './heap.js'

export interface WorkerPlan {
  readonly redis: ForebayOptions['redis']
  readonly maxStalenessMs: number
  /** So many processes in one. */
  readonly instances: number
  readonly shards?: number | undefined
}

export interface Work {
  readonly act: keyof typeof acts
  readonly count: number
}

interface Instance {
  readonly forebay: Forebay
  /** Without memory: each read is one of Redis. */
  readonly far: Cache<unknown>
  readonly near: Cache<unknown>
}

const instances: Instance[] = []
const cached = 100
let fresh = 0
let loaded = 0
let endLoad = (): void => {}

const acts = {
  'memory hit': ({ near }: Instance) => near.getOrSet(keyOf(1), () => small(1)),
  'redis hit': ({ far }: Instance, i: number) => far.getOrSet(keyOf(i % cached), () => small(i)),
  'miss and fill': ({ far }: Instance) => far.getOrSet(keyOf(1_000_000 + fresh++), () => small(1)),
  set: ({ far }: Instance, i: number) => far.set(keyOf(1_000 + (i % cached)), small(i)),
  update: ({ far }: Instance, i: number) => far.update(keyOf(2_000 + (i % cached)), () => small(i)),
  invalidate: ({ far }: Instance, i: number) => far.invalidate(keyOf(3_000 + i)),
  invalidateTags: ({ far }: Instance, i: number) => far.invalidateTags([`author:${10_000 + (i % 1_000)}`]),
  'invalidateTags, 8': ({ far }: Instance, i: number) =>
    far.invalidateTags(Array.from({ length: 8 }, (_, n) => `author:${10_000 + ((8 * i + n) % 1_000)}`)),
  invalidatePattern: ({ far }: Instance) => far.invalidatePattern(pattern`review:*`),
  clear: ({ far }: Instance) => far.clear(),
}

async function open({ redis, maxStalenessMs, instances: count, shards }: WorkerPlan): Promise<void> {
  for (let i = 0; i < count; i++) {
    const forebay = createForebay({ service: 'shop', redis, shards, defaults: { ttl: '1h', maxStaleness: maxStalenessMs } })
    const far = forebay.cache('books', { memory: false })
    const near = forebay.cache('near', { memory: { maxEntries: 1_000_000, maxBytes: 2 ** 30 } })
    instances.push({ forebay, far, near })
    await forebay.ready()
  }
}

function first(): Instance {
  const [instance] = instances
  if (instance === undefined) throw new Error('nothing is open')
  return instance
}

new Calls(process, {
  open,
  async run({ act, count }: Work) {
    const instance = first()
    for (let i = 0; i < count; i++) await acts[act](instance, i)
    const { queuedWrites, loads } = instance.far.stats()
    if (queuedWrites > 0) throw new Error(`${queuedWrites} writes found Redis away: the machine is too busy to measure`)
    if (act === 'redis hit' && loads > loaded) throw new Error('a hit was a load')
    loaded = loads
    await instance.forebay.settled()
  },
  async warm() {
    const { far, near } = first()
    for (let i = 0; i < cached; i++) await far.getOrSet(keyOf(i), () => small(i))
    await near.getOrSet(keyOf(1), () => small(1))
    loaded = far.stats().loads
  },
  /** Loads a value of 200 bytes with so many tags. */
  async store({ name, tags }: { name: string; tags: number }) {
    const names = Array.from({ length: tags }, (_, i) => `author:${10_000 + i}`)
    await first()
      .forebay.cache(name, { memory: false, tags: names })
      .getOrSet(keyOf(0), () => small(0))
    await first().forebay.settled()
  },
  stamp: async ({ from, count }: { from: number; count: number }) => {
    for (let i = 0; i < count; i += 64) {
      const names = Array.from({ length: Math.min(64, count - i) }, (_, n) => `author:${10_000 + from + i + n}`)
      await first().far.invalidateTags(names)
    }
  },
  /** Begins a load that lasts until `endLoad`. */
  beginLoad: () =>
    new Promise<void>((begun) => {
      void first().far.getOrSet('held', async () => {
        begun()
        await new Promise<void>((resolve) => {
          endLoad = resolve
        })
      })
    }),
  endLoad: () => endLoad(),
  /** Heap that one entry of 200 bytes takes in memory, and in a `Map` that holds the same values. */
  async heap(count: number) {
    const { near } = first()
    const keys = Array.from({ length: count }, (_, i) => `${keyOf(i)}`)
    const map = new Map<string, unknown>()
    const emptyBytes = heapBytes()
    for (const [i, key] of keys.entries()) map.set(key, JSON.parse(JSON.stringify(small(i))))
    const mapBytes = heapBytes() - emptyBytes
    map.clear()
    const clearedBytes = heapBytes()
    for (let i = 0; i < count; i += 100) {
      await Promise.all(keys.slice(i, i + 100).map((key, n) => near.getOrSet(key, () => small(i + n))))
    }
    await first().forebay.settled()
    const nearBytes = heapBytes() - clearedBytes
    const held = near.stats().memory.entries
    return { map: mapBytes / count, near: nearBytes / held, held }
  },
  cpuMs: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
  async close() {
    await Promise.all(instances.map(({ forebay }) => forebay.close()))
  },
})
process.on('disconnect', () => process.exit())
