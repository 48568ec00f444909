import { fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chaosProxy } from 'forebay/testing'
import { Calls } from '../calls.js'
import { sharedMs } from '../race/shared-clock.js'
import { type RedisServer, startServer } from '../server.js'
import type { CallReport } from './samples.js'
import type { Scenario } from './scenarios.js'

export interface Seen extends CallReport {
  readonly failedWrites: number
  readonly longestWriteMs: number
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
const patienceMs = 10_000
/** The longest default staleness, and some: then what is still old stays old. */
const settleMs = 2_000

/** Runs one side under one fault, on a server of its own. */
export async function run(side: string, { fault, valueBytes }: Scenario, forMs: number): Promise<Seen> {
  const server = await startServer()
  await using proxy = await chaosProxy({ target: { port: server.port } })
  const child = fork(workerFile, { execArgv: ['--expose-gc'] })
  try {
    const worker = new Calls(child)
    await worker.call('open', { side, valueBytes, url: `redis://${proxy.host}:${proxy.port}`, directUrl: server.url })
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
      fault({ server, proxy, worker, forMs, command }),
      pause(0.8 * forMs).then(async () => {
        memoryAfter = await worker.call<number>('memory')
      }),
    ])
    await pause(aftermathMs)
    const reported = await worker.call<CallReport & { failedWrites: number; longestWriteMs: number }>('report', {
      fromMs,
      toMs: sharedMs(),
    })
    const ownForInfo = 1
    const linksAfter = (await connectionsOf(server)) - ownForInfo
    await worker.call('stopWriting')
    const firstHitMs = await first(worker, usableMs)
    await eventually(async () => (await worker.call<number>('unsent')) === 0)
    await pause(settleMs)
    return {
      ...reported,
      firstHitMs: firstHitMs === undefined ? undefined : firstHitMs - usableMs,
      grownBytes: memoryAfter - memoryBefore,
      outdated: await Promise.race([worker.call<number>('outdated'), pause(patienceMs, Number.NaN)]),
      reconnects: linksAfter - linksBefore - commands,
    }
  } finally {
    child.kill('SIGKILL')
    server.resume()
    await server.stop()
  }
}

async function first(worker: Calls, afterMs: number): Promise<number | undefined> {
  let hitMs: number | undefined
  await eventually(async () => {
    hitMs = await worker.call<number | undefined>('firstHitMs', afterMs)
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
