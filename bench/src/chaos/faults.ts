import { setTimeout as pause } from 'node:timers/promises'
import type { ChaosProxy } from 'forebay/testing'
import type { Calls } from '../calls.js'
import { sharedMs } from '../race/shared-clock.js'
import type { RedisServer } from '../server.js'

/** What a fault can act on. */
export interface Scene {
  readonly server: RedisServer
  /** Between the process and the server. */
  readonly proxy: ChaosProxy
  readonly worker: Calls
  /** A command to the server, over a connection of its own that does not count. */
  readonly command: (...words: (string | number)[]) => Promise<unknown>
  readonly forMs: number
}

/** A fault, for a while. Resolves, when it is over, with the time from which Redis could be used again. */
export type Fault = (scene: Scene) => Promise<number>

/** A fault that lasts and is then taken back. */
function lasting(begin: (scene: Scene) => unknown, end: (scene: Scene) => unknown): Fault {
  return async (scene) => {
    await begin(scene)
    await pause(scene.forMs)
    await end(scene)
    return sharedMs()
  }
}

/** Blow after blow. */
function repeated(everyMs: number, strike: (scene: Scene) => unknown): Fault {
  return async (scene) => {
    const untilMs = sharedMs() + scene.forMs
    do {
      await strike(scene)
      await pause(everyMs)
    } while (sharedMs() < untilMs)
    return sharedMs()
  }
}

export const nothing = lasting(
  () => {},
  () => {},
)

export const killed: Fault = async ({ server, forMs }) => {
  await server.kill()
  await pause(forMs / 5)
  await server.restart()
  return sharedMs()
}

export const frozen = lasting(
  ({ server }) => server.pause(),
  ({ server }) => server.resume(),
)

export const blackHole = lasting(
  ({ proxy }) => proxy.blackHole(),
  ({ proxy }) => proxy.heal(),
)

/** Redis can be used all the time, over new connections. */
export const deadConnections: Fault = async ({ proxy, forMs }) => {
  proxy.loseConnections()
  const atMs = sharedMs()
  await pause(forMs)
  return atMs
}

export const resets = repeated(200, ({ proxy }) => proxy.reset())

export const slow = lasting(
  ({ proxy }) => proxy.delay({ latencyMs: 150 }),
  ({ proxy }) => proxy.heal(),
)

export const narrow = lasting(
  ({ proxy }) => proxy.delay({ bytesPerSecond: 1_000_000 }),
  ({ proxy }) => proxy.heal(),
)

/** Every command that may need memory is refused. */
export const full = lasting(
  ({ command }) => command('CONFIG', 'SET', 'maxmemory', 1),
  ({ command }) => command('CONFIG', 'SET', 'maxmemory', 0),
)

export const clientKills = repeated(100, ({ command }) =>
  Promise.all(['normal', 'pubsub'].map((type) => command('CLIENT', 'KILL', 'TYPE', type).catch(() => {}))),
)

export const flushes = repeated(1_000, ({ command }) => command('FLUSHALL'))

export const stallMs = 500
/** The server is well; the process's event loop is not. */
export const stalls = repeated(1_000, ({ worker }) => worker.call('stall', stallMs))
