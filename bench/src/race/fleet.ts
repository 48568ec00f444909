import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Calls } from '../calls.js'
import { startServer } from '../server.js'
import { Origin } from './origin.js'

/** Several real processes with the same kind of cache, a Redis of their own, and the origin. */
export interface Fleet {
  readonly workers: readonly Calls[]
  readonly origin: Origin
}

export interface FleetPlan {
  readonly side: string
  readonly processes: number
  readonly maxStalenessMs: number
  readonly peers?: string | undefined
}

const workerFile = fileURLToPath(new URL('./worker.js', import.meta.url))

/** Opens a fleet for the time of `work`, and ends it whatever happens. */
export async function withFleet<T>(plan: FleetPlan, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const server = await startServer()
  const origin = new Origin()
  const children: ChildProcess[] = []
  try {
    const workers = Array.from({ length: plan.processes }, () => {
      const child = fork(workerFile)
      children.push(child)
      return new Calls(child, { read: (key: string) => origin.read(key), write: (key: string) => origin.write(key) })
    })
    const { side, maxStalenessMs, peers } = plan
    await Promise.all(workers.map((worker) => worker.call('open', { side, maxStalenessMs, peers, redisUrl: server.url })))
    const result = await work({ workers, origin })
    await Promise.all(workers.map((worker) => worker.call('close')))
    return result
  } finally {
    for (const child of children) child.kill()
    await server.stop()
  }
}
