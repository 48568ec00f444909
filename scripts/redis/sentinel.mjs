// A primary with replicas, and Sentinels that watch it, on this machine in about two seconds.
import { until } from '../until.mjs'
import { startRedis } from './server.mjs'

export const SENTINEL_NAME = 'main'
// Short enough that a test of a failover takes seconds, long enough that a busy machine does not cause one.
const DOWN_AFTER_MS = 500
const FAILOVER_TIMEOUT_MS = 2_000
const FORM_WITHIN_MS = 20_000

/** @typedef {import('./server.mjs').RedisServer} RedisServer */

const ARGS = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']

/**
 * Starts a primary with replicas and resolves once all are in step.
 * @param {{ replicas?: number | undefined, args?: readonly string[] | undefined }} [shape]
 */
export async function startReplicated({ replicas: count = 1, args = [] } = {}) {
  /** @type {RedisServer[]} */
  const nodes = []
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    const primary = await startRedis({ args: [...ARGS, ...args] })
    nodes.push(primary)
    for (let i = 0; i < count; i++)
      nodes.push(await startRedis({ args: [...ARGS, ...args, '--replicaof', '127.0.0.1', `${primary.port}`] }))
    await until('replicas in step', async () => `${await primary.command('INFO', 'replication')}`.split('state=online').length > count, {
      withinMs: FORM_WITHIN_MS,
    })
    return { nodes, primary, replicas: nodes.slice(1), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * The same with Sentinels; resolves once each knows the replicas and the other Sentinels. They find replicas by asking the primary, which
 * they do seldom: had they started first, forming would take ten seconds.
 * @param {{ replicas?: number | undefined, sentinels?: number | undefined, args?: readonly string[] | undefined, sentinelLines?: readonly string[] | undefined }} [shape]
 */
export async function startSentinels({ replicas = 2, sentinels: count = 3, args = [], sentinelLines = [] } = {}) {
  const servers = await startReplicated({ replicas, args })
  const quorum = Math.floor(count / 2) + 1
  const config = [
    `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${servers.primary.port} ${quorum}`,
    `sentinel down-after-milliseconds ${SENTINEL_NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${SENTINEL_NAME} ${FAILOVER_TIMEOUT_MS}`,
    `sentinel parallel-syncs ${SENTINEL_NAME} ${replicas}`,
    ...sentinelLines,
    '',
  ].join('\n')
  const started = await Promise.allSettled(Array.from({ length: count }, () => startRedis({ config, args: ['--sentinel'] })))
  const sentinels = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const stop = async () => {
    await Promise.all(sentinels.map((sentinel) => sentinel.stop()))
    await servers.stop()
  }
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason
    for (const sentinel of sentinels) {
      await until('a Sentinel that knows all', () => knowsAll(sentinel, { replicas, others: count - 1 }), { withinMs: FORM_WITHIN_MS })
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { ...servers, name: SENTINEL_NAME, sentinels, stop }
}

/**
 * @param {RedisServer} sentinel
 * @param {{ replicas: number, others: number }} wanted
 */
async function knowsAll(sentinel, { replicas, others }) {
  const fields = /** @type {string[]} */ (await sentinel.command('SENTINEL', 'MASTER', SENTINEL_NAME))
  const value = (/** @type {string} */ name) => Number(fields[fields.indexOf(name) + 1])
  return value('num-slaves') === replicas && value('num-other-sentinels') === others
}
