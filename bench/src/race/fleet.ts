import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type ChaosProxy, chaosProxy } from 'forebay/testing'
import { Calls } from '../calls.js'
import { type RedisServer, startServer, startSixNodes } from '../server.js'
import { Origin } from './origin.js'

/** One process of a fleet, as its parent has it. */
export interface Worker {
  call<T>(name: string, argument?: unknown): Promise<T>
  /** Sends a signal; resolves when the process is gone, if it kills. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void>
  /** Its way to the server, where the plan says so. */
  readonly link: ChaosProxy | undefined
}

/** Several real processes with the same kind of cache, a Redis or a Cluster of their own, and the origin. */
export interface Fleet {
  readonly workers: readonly Worker[]
  readonly origin: Origin
  /** The primaries. */
  readonly servers: readonly RedisServer[]
  /** What workers set off while they run. */
  readonly hooks: Hooks
}

export interface Hooks {
  /** A worker is about to write. */
  writing: () => void
  /** A worker has written, and its token is shown to another one. */
  shown: (shown: unknown) => void
  /** A worker's loader has begun. */
  loading: (key: string) => void
}

export interface FleetPlan {
  readonly side: string
  readonly processes: number
  readonly maxStalenessMs: number
  readonly peers?: string | undefined
  readonly on?: 'server' | 'cluster' | undefined
  /** Each process reaches the server through a proxy of its own. */
  readonly proxied?: boolean | undefined
  readonly probe?: boolean | undefined
  /** Patience with the server, where a busy machine should not pass for one that is away. */
  readonly deadlineMs?: number | undefined
  readonly shards?: number | undefined
}

const workerFile = fileURLToPath(new URL('./worker.js', import.meta.url))

/** Opens a fleet for the time of `work`, and ends it whatever happens. */
export async function withFleet<T>(plan: FleetPlan, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const place = plan.on === 'cluster' ? await startSixNodes() : undefined
  const servers = place?.primaries ?? [await startServer()]
  const origin = new Origin()
  const hooks: Hooks = { writing: () => {}, shown: () => {}, loading: () => {} }
  const open: OpenWorker[] = []
  try {
    const workers: Worker[] = []
    for (let i = 0; i < plan.processes; i++) {
      const link = plan.proxied === true ? await chaosProxy({ target: { port: servers[0]?.port ?? 0 } }) : undefined
      const child = fork(workerFile)
      open.push({ child, link })
      workers.push(workerOf({ child, link }, origin, hooks))
    }
    const { side, maxStalenessMs, peers, probe = false, shards } = plan
    await Promise.all(
      workers.map((worker) => {
        const where =
          place === undefined
            ? { url: worker.link === undefined ? servers[0]?.url : `redis://${worker.link.host}:${worker.link.port}` }
            : { cluster: place.urls }
        return worker.call('open', { side, maxStalenessMs, peers, redis: { ...where, deadline: plan.deadlineMs }, probe, shards })
      }),
    )
    const result = await work({ workers, origin, servers, hooks })
    await Promise.all(workers.map((worker, i) => (hasEnded(open[i]?.child) ? undefined : worker.call('close'))))
    return result
  } finally {
    for (const { child, link } of open) {
      child.kill('SIGKILL')
      await link?.close()
    }
    for (const server of servers) server.resume()
    await (place ?? servers[0])?.stop()
  }
}

interface OpenWorker {
  readonly child: ChildProcess
  readonly link: ChaosProxy | undefined
}

function workerOf({ child, link }: OpenWorker, origin: Origin, hooks: Hooks): Worker {
  const calls = new Calls(child, {
    read: (key: string) => {
      hooks.loading(key)
      return origin.read(key)
    },
    change: (key: string) => origin.change(key),
    writing: () => hooks.writing(),
    shown: (shown: unknown) => hooks.shown(shown),
  })
  return {
    call: (name, argument) => calls.call(name, argument),
    async signal(name) {
      child.kill(name)
      if (name === 'SIGKILL') await once(child, 'exit')
    },
    link,
  }
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null
}
