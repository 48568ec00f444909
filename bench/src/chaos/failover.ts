import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { sharedMs } from '../race/shared-clock.js'
import type { RedisServer } from '../server.js'
import type { Fault, Scene } from './faults.js'

/** What is done to a primary, and how it is taken back when the time is over. */
interface Blow {
  readonly strike: (server: RedisServer) => unknown
  readonly back: (server: RedisServer) => unknown
}

const killing: Blow = { strike: (server) => server.kill(), back: (server) => server.restart() }
const freezing: Blow = { strike: (server) => server.pause(), back: (server) => server.resume() }

const lookEveryMs = 2
/** Between a promotion and the move of the address: connections lead to a replica for so long. */
const movesAfterMs = 500

export const sentinelKilled = failover(killing, announcement)
export const sentinelFrozen = failover(freezing, announcement)
export const clusterKilled = failover(killing, promotion)
export const clusterFrozen = failover(freezing, promotion)

/** As planned: the replica becomes the primary, the primary its replica, and then their address moves; open connections stay. */
export const promoted: Fault = async ({ server, replicas, proxies, forMs }) => {
  const endMs = sharedMs() + forMs
  const [next] = replicas
  if (next === undefined) throw new Error('there is no replica')
  await next.command('REPLICAOF', 'NO', 'ONE')
  await server.command('REPLICAOF', '127.0.0.1', next.port)
  await pause(movesAfterMs)
  for (const proxy of proxies) proxy.leadTo(next)
  const atMs = sharedMs()
  await pause(Math.max(0, endMs - sharedMs()))
  return atMs
}

/** The servers settle it among themselves; `watch` tells when they have. The old primary comes back as if nothing had been. */
function failover({ strike, back }: Blow, watch: (scene: Scene) => Promise<{ readonly settled: Promise<number> }>): Fault {
  return async (scene) => {
    const endMs = sharedMs() + scene.forMs
    const { settled } = await watch(scene)
    await strike(scene.server)
    const atMs = await settled
    await pause(Math.max(0, endMs - sharedMs()))
    await back(scene.server)
    return atMs
  }
}

/** When the first Sentinel has announced it. */
async function announcement({ sentinels }: Scene) {
  const listeners = sentinels.map(({ port }) => new Redis({ port }))
  const settled = new Promise<number>((resolve) => {
    for (const listener of listeners) listener.on('message', () => resolve(sharedMs()))
  }).finally(() => {
    for (const listener of listeners) listener.disconnect()
  })
  await Promise.all(listeners.map((listener) => listener.subscribe('+switch-master')))
  return { settled }
}

/** When the primary's replica takes writes for its slots. */
async function promotion({ server, replicas }: Scene) {
  const [next] = replicas
  if (next === undefined) throw new Error('there is no replica')
  const key = await keyOf(server)
  const settled = async () => {
    while (!(await accepts(next, key))) await pause(lookEveryMs)
    return sharedMs()
  }
  return { settled: settled() }
}

/** A key that this primary of a Cluster serves. */
async function keyOf(server: RedisServer): Promise<string> {
  for (let i = 0; ; i++) if (await accepts(server, `probe${i}`)) return `probe${i}`
}

function accepts(server: RedisServer, key: string): Promise<boolean> {
  return server.command('SET', key, 1).then(
    () => true,
    () => false,
  )
}
