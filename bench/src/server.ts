/** The servers that the repository's tests use too. */
interface ServerScripts {
  readonly ensureServer: () => string
  readonly startRedis: () => Promise<RedisServer>
  readonly startCluster: (shape: { primaries: number; replicas: number }) => Promise<RedisCluster>
  readonly startReplicated: (shape: { replicas: number }) => Promise<ReplicatedRedis>
  readonly startSentinels: (shape: { replicas: number; sentinels: number }) => Promise<WatchedRedis>
}
export interface RedisServer {
  readonly url: string
  readonly port: number
  command(...words: (string | number)[]): Promise<unknown>
  pause(): void
  resume(): void
  kill(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  readonly primaries: readonly RedisServer[]
  /** Replica i follows primary i. */
  readonly replicas: readonly RedisServer[]
  readonly urls: readonly string[]
  stop(): Promise<void>
}
export interface ReplicatedRedis {
  readonly primary: RedisServer
  readonly replicas: readonly RedisServer[]
  stop(): Promise<void>
}
export interface WatchedRedis extends ReplicatedRedis {
  /** What the Sentinels call the primary. */
  readonly name: string
  readonly sentinels: readonly RedisServer[]
}

async function loadScripts(): Promise<ServerScripts> {
  const scripts = (await import(new URL('../../scripts/redis-servers.mjs', import.meta.url).href)) as ServerScripts
  scripts.ensureServer()
  return scripts
}

/** Starts a Redis of its own on a free port of this machine; it ends with this process at the latest. */
export async function startServer(): Promise<RedisServer> {
  return (await loadScripts()).startRedis()
}

/** The same with a Cluster of three primaries, each with a replica. */
export async function startSixNodes(): Promise<RedisCluster> {
  return (await loadScripts()).startCluster({ primaries: 3, replicas: 1 })
}

/** A primary with a replica. */
export async function startPair(): Promise<ReplicatedRedis> {
  return (await loadScripts()).startReplicated({ replicas: 1 })
}

/** A primary with two replicas, watched by three Sentinels. */
export async function startWatched(): Promise<WatchedRedis> {
  return (await loadScripts()).startSentinels({ replicas: 2, sentinels: 3 })
}
