import type { TestProject } from 'vitest/node'
import { ensureServer, startRedis } from '../../../../scripts/redis-servers.mjs'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The one server that all files of this project share; each test keeps to keys of its own. */
    redisUrl: string
  }
}

/** Starts the server of the whole run and hands its address to the tests: `inject('redisUrl')`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  ensureServer()
  const server = await startRedis()
  project.provide('redisUrl', server.url)
  return () => server.stop()
}
