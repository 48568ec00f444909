import { setTimeout as pause } from 'node:timers/promises'
import type { ChaosProxy } from 'forebay/testing'
import type { Calls } from '../calls.js'
import { moveSlots } from '../race/moving-slots.js'
import { sharedMs } from '../race/shared-clock.js'
import type { RedisServer } from '../server.js'
import type { Place } from './place.js'

/** What a fault can act on. */
export interface Scene extends Omit<Place, 'ways' | 'stop'> {
  /** The primary that is struck. */
  readonly server: RedisServer
  readonly worker: Calls
  /** A key that lies where some of the process's keys do. */
  readonly someKey: () => string
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

/** What happens between the process and its server. */
function onWay(act: (proxy: ChaosProxy) => void): (scene: Scene) => void {
  return ({ proxies }) => {
    for (const proxy of proxies) act(proxy)
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

/** As by the fork for a snapshot, or a large command of somebody else. */
export const hiccups = repeated(250, async ({ server }) => {
  server.pause()
  await pause(30)
  server.resume()
})

export const blackHole = lasting(
  onWay((proxy) => proxy.blackHole()),
  onWay((proxy) => proxy.heal()),
)

/** Redis can be used all the time, over new connections. */
export const deadConnections: Fault = async (scene) => {
  onWay((proxy) => proxy.loseConnections())(scene)
  const atMs = sharedMs()
  await pause(scene.forMs)
  return atMs
}

export const resets = repeated(
  200,
  onWay((proxy) => proxy.reset()),
)

export const slow = lasting(
  onWay((proxy) => proxy.delay({ latencyMs: 150 })),
  onWay((proxy) => proxy.heal()),
)

export const narrow = lasting(
  onWay((proxy) => proxy.delay({ bytesPerSecond: 1_000_000 })),
  onWay((proxy) => proxy.heal()),
)

/** Every command that may need memory is refused. */
export const full = lasting(
  ({ command }) => command('CONFIG', 'SET', 'maxmemory', 1),
  ({ command }) => command('CONFIG', 'SET', 'maxmemory', 0),
)

export const clientKills = repeated(100, async ({ command }) => {
  for (const type of ['normal', 'pubsub']) await command('CLIENT', 'KILL', 'TYPE', type)
})

export const flushes = repeated(1_000, ({ command }) => command('FLUSHALL'))

export const stallMs = 500
/** The server is well; the process's event loop is not. */
export const stalls = repeated(1_000, ({ worker }) => worker.call('stall', stallMs))

/** Redis can be used all the time. */
export const movingSlots: Fault = async ({ primaries, forMs, someKey }) => {
  const atMs = sharedMs()
  const moved = await moveSlots(primaries, { forMs, someKey })
  if (moved === 0) throw new Error('no slot has moved')
  return atMs
}
