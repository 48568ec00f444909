import { fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Calls } from '../calls.js'
import { sharedMs } from '../race/shared-clock.js'
import type { RedisServer } from '../server.js'
import { type Place, places } from './place.js'
import type { CallReport } from './samples.js'
import type { Scenario } from './scenarios.js'
import { someKeyOf } from './side.js'

export interface Seen extends CallReport {
  readonly failedWrites: number
  readonly longestWriteMs: number
  /** Calls that began while the fault lasted. */
  readonly callsMeanwhile: number
  /** From the time at which Redis could be used again; `undefined`: not within the patience. */
  readonly firstHitMs: number | undefined
  readonly grownBytes: number
  readonly outdated: number
  /** Means nothing where the server was restarted. */
  readonly reconnects: number
}

const workerFile = fileURLToPath(new URL('./worker.js', import.meta.url))
const warmUpMs = 1_500
/** What counts as under the fault: until so long after it. */
const aftermathMs = 1_000
/** From the beginning of a fault: what was under way is answered still. */
const underWayMs = 100
const patienceMs = 10_000
/** The longest default staleness, and some: then what is still old stays old. */
const settleMs = 2_500

/** Runs one side under one fault, on servers of its own. */
export async function run(side: string, scenario: Scenario, forMs: number): Promise<Seen> {
  const place = await places[scenario.place]()
  const child = fork(workerFile, { execArgv: ['--expose-gc'] })
  try {
    return await watch(side, scenario, { place, worker: new Calls(child), forMs })
  } finally {
    child.kill('SIGKILL')
    for (const server of place.primaries) server.resume()
    await place.stop()
  }
}

interface Stage {
  readonly place: Place
  readonly worker: Calls
  readonly forMs: number
}

async function watch(side: string, { fault, valueBytes, restMs, memory, keepsLinks }: Scenario, { place, worker, forMs }: Stage) {
  const [server] = place.primaries
  if (server === undefined) throw new Error('there is no server')
  await worker.call('open', { side, valueBytes, restMs, memory, ...place.ways })
  await pause(warmUpMs)
  const [memoryBefore, linksBefore] = [await worker.call<number>('memory'), await connectionsOf(server)]
  let commands = 0
  const command = (...words: (string | number)[]): Promise<unknown> => {
    commands++
    return server.command(...words)
  }
  const fromMs = sharedMs()
  let memoryAfter = 0
  const [usableMs] = await Promise.all([
    fault({ ...place, server, worker, forMs, command, someKey: () => someKeyOf(side) }),
    pause(0.8 * forMs).then(async () => {
      memoryAfter = await worker.call<number>('memory')
    }),
  ])
  const overMs = sharedMs()
  await pause(aftermathMs)
  const { calls: callsMeanwhile } = await worker.call<CallReport>('report', { fromMs, toMs: overMs })
  const reported = await worker.call<CallReport & { failedWrites: number; longestWriteMs: number }>('report', { fromMs, toMs: sharedMs() })
  const ownForInfo = 1
  const reconnects = keepsLinks ? (await connectionsOf(server)) - ownForInfo - linksBefore - commands : 0
  await worker.call('stopWriting')
  const firstHitMs = await first(worker, { fromMs: fromMs + underWayMs, usableMs })
  await eventually(async () => (await worker.call<number>('unsent')) === 0)
  await pause(settleMs)
  return {
    ...reported,
    callsMeanwhile,
    firstHitMs: firstHitMs === undefined ? undefined : firstHitMs - usableMs,
    grownBytes: memoryAfter - memoryBefore,
    outdated: await Promise.race([worker.call<number>('outdated'), pause(patienceMs, Number.NaN)]),
    reconnects,
  }
}

async function first(worker: Calls, away: { readonly fromMs: number; readonly usableMs: number }): Promise<number | undefined> {
  let hitMs: number | undefined
  await eventually(async () => {
    hitMs = await worker.call<number | undefined>('firstHitMs', away)
    return hitMs !== undefined
  })
  return hitMs
}

/** Waits until it is so, or for no longer than the patience. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = sharedMs() + patienceMs
  while (!(await isSo()) && sharedMs() < untilMs) await pause(20)
}

/** Connections that the server has taken since it started. */
async function connectionsOf(server: RedisServer): Promise<number> {
  const info = String(await server.command('INFO', 'stats'))
  return Number(/^total_connections_received:(\d+)/m.exec(info)?.[1] ?? 0)
}
