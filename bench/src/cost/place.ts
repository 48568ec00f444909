import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Calls } from '../calls.js'
import { startServer, startSixNodes } from '../server.js'
import { Meter } from './meter.js'
import type { WorkerPlan } from './worker.js'

/** Servers that do nothing else, a meter on all of them, and processes of a service. */
export interface Place {
  readonly kind: Kind
  readonly meter: Meter
  start(plan: Omit<WorkerPlan, 'redis'>): Promise<Worker>
}
export type Kind = 'one server' | 'six nodes'

export interface Worker {
  call<T>(name: string, argument?: unknown): Promise<T>
  close(): Promise<void>
}

/** On a busy machine no call should fail that is to be counted. */
const patience = '1s'

const workerFile = fileURLToPath(new URL('./worker.js', import.meta.url))

/** Opens a place for the time of `work`, and ends all of it whatever happens. */
export async function withPlace<T>(kind: Kind, work: (place: Place) => Promise<T>): Promise<T> {
  const servers = kind === 'one server' ? await single() : await sixNodes()
  const meter = new Meter(servers.urls, servers.primaries)
  const children = new Set<ChildProcess>()
  try {
    return await work({
      kind,
      meter,
      async start(plan) {
        const child = fork(workerFile, { execArgv: ['--expose-gc'] })
        children.add(child)
        const calls = new Calls(child)
        await calls.call('open', { ...plan, redis: servers.redis })
        return {
          call: (name, argument) => calls.call(name, argument),
          async close() {
            await calls.call('close')
            child.kill()
            children.delete(child)
          },
        }
      },
    })
  } finally {
    for (const child of children) child.kill()
    meter.close()
    await servers.stop()
  }
}

async function single() {
  const server = await startServer()
  return { urls: [server.url], primaries: 1, redis: { url: server.url, deadline: patience }, stop: () => server.stop() }
}

async function sixNodes() {
  const cluster = await startSixNodes()
  return { urls: cluster.urls, primaries: 3, redis: { cluster: cluster.urls, deadline: patience }, stop: () => cluster.stop() }
}
