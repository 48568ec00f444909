// A Redis Cluster on this machine in about two seconds (the floor is the server's own delay before a new cluster takes writes).
// By hand instead of `redis-cli --cluster create`, so that only the server is needed and each step can be waited for.
import { until } from '../until.mjs'
import { startRedis } from './server.mjs'

const SLOTS = 16_384
// Short enough that a test of a failover takes seconds, long enough that a busy machine does not cause one.
const NODE_TIMEOUT_MS = 500
const FORM_WITHIN_MS = 20_000

/** @typedef {import('./server.mjs').RedisServer} RedisServer */

const ARGS = [
  ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
  ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', `${NODE_TIMEOUT_MS}`],
  ['--cluster-replica-validity-factor', '0', '--cluster-require-full-coverage', 'no', '--cluster-allow-reads-when-down', 'yes'],
].flat()

/**
 * Starts a cluster and resolves once every node calls it ok; `replicas` is the number for each primary.
 * @param {{ primaries?: number | undefined, replicas?: number | undefined, args?: readonly string[] | undefined }} [shape]
 */
export async function startCluster({ primaries: primaryCount = 3, replicas: replicasEach = 1, args = [] } = {}) {
  const count = primaryCount * (1 + replicasEach)
  const started = await Promise.allSettled(Array.from({ length: count }, () => startRedis({ args: [...ARGS, ...args] })))
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  const primaries = nodes.slice(0, primaryCount)
  const replicas = nodes.slice(primaryCount)
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason
    await form(primaries, replicas)
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, primaries, replicas, urls: nodes.map((node) => node.url), stop }
}

/**
 * @param {RedisServer[]} primaries
 * @param {RedisServer[]} replicas replica i follows primary i modulo their number
 */
async function form(primaries, replicas) {
  const nodes = [...primaries, ...replicas]
  await Promise.all(nodes.map((node, index) => node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)))
  const share = (/** @type {number} */ index) => Math.floor((SLOTS * index) / primaries.length)
  await Promise.all(primaries.map((node, index) => node.command('CLUSTER', 'ADDSLOTSRANGE', share(index), share(index + 1) - 1)))
  // Everybody meets everybody: waiting for gossip to introduce them takes seconds longer.
  for (const one of nodes) await Promise.all(nodes.map((other) => one.command('CLUSTER', 'MEET', '127.0.0.1', other.port)))
  await everywhere('nodes that know each other', nodes, async (node) => {
    const lines = `${await node.command('CLUSTER', 'NODES')}`.trim().split('\n')
    return lines.length === nodes.length && lines.every((line) => / connected( |$)/.test(line) && !line.includes('handshake'))
  })
  const ids = await Promise.all(primaries.map((node) => node.command('CLUSTER', 'MYID')))
  await Promise.all(replicas.map((node, index) => node.command('CLUSTER', 'REPLICATE', `${ids[index % ids.length]}`)))
  await everywhere('replicas in step', replicas, async (node) =>
    `${await node.command('INFO', 'replication')}`.includes('master_link_status:up'),
  )
  await everywhere('a cluster that is ok', nodes, async (node) => {
    const info = `${await node.command('CLUSTER', 'INFO')}`
    return info.includes('cluster_state:ok') && info.includes(`cluster_slots_ok:${SLOTS}`)
  })
}

/**
 * @param {string} what
 * @param {RedisServer[]} nodes
 * @param {(node: RedisServer) => Promise<boolean>} check
 */
async function everywhere(what, nodes, check) {
  await Promise.all(nodes.map((node) => until(`${what} (port ${node.port})`, () => check(node), { withinMs: FORM_WITHIN_MS, everyMs: 20 })))
}
