/** The servers that the repository's tests use too. */
interface ServerScripts {
  readonly ensureServer: () => string
  readonly startRedis: () => Promise<RedisServer>
}
export interface RedisServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a Redis of its own on a free port of this machine; it ends with this process at the latest. */
export async function startServer(): Promise<RedisServer> {
  const scripts = (await import(new URL('../../scripts/redis-servers.mjs', import.meta.url).href)) as ServerScripts
  scripts.ensureServer()
  return scripts.startRedis()
}
