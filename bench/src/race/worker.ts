// One process of the race: reads, writes and looks as the parent tells it.
import { setTimeout as pause } from 'node:timers/promises'
import { Calls } from '../calls.js'
import type { Change } from './origin.js'
import { sharedMs } from './shared-clock.js'
import type { Act, Side, SidePlan } from './side.js'
import { sides } from './sides.js'
import { type Shown, Traffic, type TrafficPlan } from './traffic.js'
import { write } from './written.js'

/** Reads of one key: each begins after its delay, and its loader pauses between reading the origin and handing the value on. */
export interface Reads {
  readonly key: string
  readonly reads: readonly { readonly afterMs: number; readonly loadMs: number }[]
}
/** A writer: after its delay it changes the origin, and after another one the cache. */
export interface Write extends Act {
  readonly afterMs: number
  readonly pauseMs: number
}
/** What the writer saw as soon as its write was acknowledged. */
export interface Seen {
  readonly version: number
  readonly token: string | undefined
  /** By this process's own read, and in Redis; groups reach the readers of Redis a little later. */
  readonly own: number
  readonly shared: number | undefined
}
export interface Crowd {
  readonly key: string
  readonly callers: number
  readonly loadMs: number
}

const mostTries = 5_000

let side: Side
let traffic: Traffic
const watched = new Map<string, Promise<number>>()

const parent = new Calls(process, {
  async open(plan: SidePlan) {
    const open = sides[plan.side]
    if (open === undefined) throw new Error(`no side ${plan.side}`)
    side = await open(plan)
    traffic = new Traffic(side, {
      read: (key) => parent.call<number>('read', key),
      change,
      writing: () => void parent.call('writing'),
      shown: (shown) => void parent.call('shown', shown),
    })
  },
  read: async ({ key, reads }: Reads) => {
    await Promise.all(
      reads.map(async ({ afterMs, loadMs }) => {
        await pause(afterMs)
        await side.read(key, loader(key, loadMs))
      }),
    )
  },
  /** The version that one read answers with; with a token, if there is one. */
  readOnce: ({ key, token }: { key: string; token?: string | undefined }) => side.read(key, loader(key, 0), token),
  async write({ afterMs, pauseMs, ...act }: Write): Promise<Seen> {
    const { key, verb } = act
    await pause(afterMs)
    const { written, sent } = await write(side, act, async () => {
      const changed = await change(key)
      await pause(pauseMs)
      return changed
    })
    const own = await side.read(key, loader(key, 0))
    await sent
    const shared = verb === 'keys' || verb === 'set' || verb === 'update' ? await side.shared(key) : undefined
    return { version: written.version, token: written.token, own, shared }
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
    // On a busy machine a caller may have the value before it is kept.
    for (let tries = 0; side.peek(key) !== version; tries++) {
      if (tries === mostTries) throw new Error(`the memory does not hold version ${version}`)
      await side.read(key, loader(key, 0))
      if (tries > 0) await pause(1)
    }
    watched.set(key, gone(key, version))
  },
  goneAt: (key: string) => watched.get(key),
  /** Changes origin and cache, and tells when that began. */
  async invalidate(key: string): Promise<number> {
    let beganMs = 0
    const { sent } = await write(side, { verb: 'keys', key, contested: false }, async () => {
      const changed = await change(key)
      beganMs = sharedMs()
      return changed
    })
    await sent
    return beganMs
  },
  invalidateMany: (keys: readonly string[]) => side.invalidateMany(keys),
  peekMany: (keys: readonly string[]) => keys.map((key) => side.peek(key)),
  readMany: (keys: readonly string[]) => Promise.all(keys.map((key) => side.read(key, loader(key, 0)))),
  startTraffic: (plan: TrafficPlan) => traffic.start(plan),
  stopTraffic: () => traffic.stop(),
  report: () => traffic.report(),
  readWith: (shown: Shown) => traffic.readWith(shown),
  unsent: () => side.unsent(),
  counts: () => side.counts(),
  close: () => side.close(),
})
process.on('disconnect', () => process.exit())

function change(key: string): Promise<Change> {
  return parent.call<Change>('change', key)
}

function loader(key: string, loadMs: number): () => Promise<number> {
  return async () => {
    const version = await parent.call<number>('read', key)
    if (loadMs > 0) await pause(loadMs)
    return version
  }
}

/** When the memory no longer serves this version. */
async function gone(key: string, version: number): Promise<number> {
  for (;;) {
    if (side.peek(key) !== version) return sharedMs()
    await new Promise(setImmediate)
  }
}
