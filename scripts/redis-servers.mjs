// The one door to real Redis servers for tests, benchmarks and the soak run.
export { startCluster } from './redis/cluster.mjs'
export { ensureServer, findServer } from './redis/find-server.mjs'
export { command } from './redis/resp.mjs'
export { startReplicated, startSentinels } from './redis/sentinel.mjs'
export { freePort, RedisServer, startRedis } from './redis/server.mjs'
