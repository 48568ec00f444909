// One process of the race: reads, writes and looks as the parent tells it.
import { setTimeout as pause } from 'node:timers/promises'
import { Calls } from '../calls.js'
import type { Side, SidePlan } from './side.js'
import { sides } from './sides.js'

/** Reads of one key: each begins after its delay, and its loader pauses between reading the origin and handing the value on. */
export interface Reads {
  readonly key: string
  readonly reads: readonly { readonly afterMs: number; readonly loadMs: number }[]
}
/** A writer: after its delay it changes the origin, and then invalidates. */
export interface Write {
  readonly key: string
  readonly afterMs: number
  readonly by: 'key' | 'tag'
}
/** What the writer saw as soon as its invalidation was acknowledged. */
export interface Written {
  readonly version: number
  /** By this process's own read, and in Redis. */
  readonly own: number
  readonly shared: number | undefined
}
export interface Crowd {
  readonly key: string
  readonly callers: number
  readonly loadMs: number
}

let side: Side
const watched = new Map<string, Promise<bigint>>()

const parent = new Calls(process, {
  async open(plan: SidePlan) {
    const open = sides[plan.side]
    if (open === undefined) throw new Error(`no side ${plan.side}`)
    side = await open(plan)
  },
  read: async ({ key, reads }: Reads) => {
    await Promise.all(
      reads.map(async ({ afterMs, loadMs }) => {
        await pause(afterMs)
        await side.read(key, loader(key, loadMs))
      }),
    )
  },
  async write({ key, afterMs, by }: Write): Promise<Written> {
    await pause(afterMs)
    const version = await parent.call<number>('write', key)
    await (by === 'key' ? side.invalidate(key) : side.invalidateTag(key))
    const shared = by === 'key' ? await side.shared(key) : undefined
    return { version, own: await side.read(key, loader(key, 0)), shared }
  },
  /** The versions that this process's reads and Redis answer with; no loader runs late any more. */
  async look(key: string): Promise<readonly (number | undefined)[]> {
    return [await side.shared(key), await side.read(key, loader(key, 0)), await side.shared(key)]
  },
  crowd: async ({ key, callers, loadMs }: Crowd) => {
    const values = await Promise.all(Array.from({ length: callers }, () => side.read(key, loader(key, loadMs))))
    return values.length
  },
  /** Begins to watch when memory stops serving this version. */
  async watch({ key, version }: { key: string; version: number }) {
    await side.read(key, loader(key, 0))
    if (side.peek(key) !== version) throw new Error(`the memory does not hold version ${version}`)
    watched.set(key, gone(key, version))
  },
  goneAt: async (key: string) => String(await watched.get(key)),
  async invalidate(key: string) {
    const at = String(process.hrtime.bigint())
    await side.invalidate(key)
    return at
  },
  refused: () => side.refused(),
  close: () => side.close(),
})
process.on('disconnect', () => process.exit())

function loader(key: string, loadMs: number): () => Promise<number> {
  return async () => {
    const version = await parent.call<number>('read', key)
    if (loadMs > 0) await pause(loadMs)
    return version
  }
}

/** When the memory no longer serves this version, by the clock that the processes of a machine share. */
async function gone(key: string, version: number): Promise<bigint> {
  for (;;) {
    if (side.peek(key) !== version) return process.hrtime.bigint()
    await new Promise(setImmediate)
  }
}
