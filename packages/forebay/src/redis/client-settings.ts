import type { ConnectionOptions } from 'node:tls'
import { ForebayError } from '../core/errors.js'
import type { RedisClient, RedisClusterOption, RedisServerOption } from './redis-option.js'

/** The settings that are taken over; all else about a connection is ours. */
interface ClientOptions {
  readonly host?: string
  readonly port?: number
  readonly path?: string
  readonly db?: number
  readonly username?: string | null
  readonly password?: string | null
  readonly tls?: ConnectionOptions | true
  readonly keyPrefix?: string
  readonly sentinels?: readonly { readonly host: string; readonly port?: number }[] | null
  readonly name?: string | null
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
  readonly sentinelTLS?: ConnectionOptions
  readonly redisOptions?: ClientOptions
}

type StartupNode = string | number | { readonly host?: string; readonly port?: number | string }

export function isClient(option: object): option is RedisClient {
  return 'options' in option && typeof option.options === 'object' && 'status' in option && 'duplicate' in option
}

/** A user's client as options: where it leads and how it gets in. The client is not touched. */
export function settingsOf(client: RedisClient): RedisServerOption | RedisClusterOption {
  const options: ClientOptions = client.options
  const { redisOptions = {} } = options
  if (options.keyPrefix || redisOptions.keyPrefix) {
    throw new ForebayError('E_OPTION', 'redis is a client with a keyPrefix; give one without: the service name keeps the keys apart')
  }
  return client.isCluster ? clusterSettings(client, redisOptions) : serverSettings(options)
}

function serverSettings(options: ClientOptions): RedisServerOption {
  const { host, port, path, db, sentinels, name, sentinelUsername, sentinelPassword, sentinelTLS } = options
  const watched = sentinels && { sentinels, name: name ?? undefined, sentinelUsername, sentinelPassword, sentinelTls: sentinelTLS ?? false }
  return { ...(watched ?? (path ? { path } : { host, port })), db, ...access(options) }
}

function clusterSettings(client: RedisClient, redisOptions: ClientOptions): RedisClusterOption {
  const startup: unknown = Reflect.get(client, 'startupNodes')
  const nodes = Array.isArray(startup) ? startup.map((node: StartupNode) => startupNode(node)) : []
  return { cluster: nodes, ...access(redisOptions) }
}

/** ioredis takes a port, a URL, `host:port` or an object for a node. */
function startupNode(node: StartupNode): RedisClusterOption['cluster'][number] {
  if (typeof node === 'number') return { host: 'localhost', port: node }
  if (typeof node === 'string') return /^\d+$/.test(node) ? { host: 'localhost', port: Number(node) } : node
  return { host: node.host ?? 'localhost', port: Number(node.port ?? 6379) }
}

function access({ username, password, tls }: ClientOptions) {
  return { username: username ?? undefined, password: password ?? undefined, ...(tls === undefined ? {} : { tls }) }
}
