import type { ConnectionOptions } from 'node:tls'
import { parseDuration } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { isClient, settingsOf } from './client-settings.js'
import { parseDeadlines, parseReconnect } from './link-options.js'
import { checkNames, wrong } from './option-parts.js'
import type { Address, Credentials, RedisPlan, ReplicaReadPlan } from './plan.js'
import type { AskCredentials, RedisClusterOption, RedisOption, RedisReplicasOption, RedisServerOption } from './redis-option.js'
import { parseSupervision } from './supervision-options.js'
import { defaultPort, defaultSentinelPort, parseHost, parseRedisUrl, type RedisUrl, withoutLogin } from './redis-url.js'

export type { RedisClusterOption, RedisCredentials, RedisOption, RedisReplicasOption, RedisServerOption } from './redis-option.js'

const common = [
  ...['username', 'password', 'credentials', 'tls', 'connectTimeout', 'handshakeTimeout', 'silenceTimeout', 'reconnect', 'deadline'],
  'retryOnTimeout',
  ...['maxInFlight', 'circuit', 'health', 'replicas'],
]
export const serverOptions = [
  ...[
    'url',
    'host',
    'port',
    'path',
    'db',
    'sentinels',
    'name',
    'sentinelUsername',
    'sentinelPassword',
    'sentinelCredentials',
    'sentinelTls',
  ],
  ...common,
]
export const clusterOptions = ['cluster', ...common]
const forSentinels = ['name', 'sentinelUsername', 'sentinelPassword', 'sentinelCredentials', 'sentinelTls'] as const
const addressOptions = ['host', 'port']
const replicaOptions = ['reads', 'nodes', 'hedgeAfter', 'budget']
const defaultBudget = 0.05

/** Turns the `redis` option into a plan; throws `E_OPTION` naming what cannot be used, and never the password. */
export function parseRedisOption(
  option: RedisOption,
  service: { readonly service: string; readonly shards?: number | undefined },
): RedisPlan {
  const asked = { service: service.service, shards: service.shards }
  if (typeof option === 'string')
    return { ...(option.includes('+cluster:') ? clusterPlan({ cluster: [option] }) : serverPlan({ url: option })), ...asked }
  if (typeof option !== 'object' || option === null) throw wrong('redis', option, 'a URL, options or a client of ioredis')
  const given = isClient(option) ? settingsOf(option) : option
  return { ...('cluster' in given ? clusterPlan(given) : serverPlan(given)), ...asked }
}

type Place = Omit<RedisPlan, 'service' | 'shards'>

function serverPlan(option: RedisServerOption): Place {
  checkNames('redis', option, serverOptions)
  const { url, db } = option
  const from = url === undefined ? undefined : parseRedisUrl('redis', checkText('redis.url', url))
  if (from?.kind === 'cluster') throw wrong('redis.url', 'redis+cluster:', 'one server here; say { cluster: [url] } for a Cluster')
  return {
    mode: 'single',
    ...placeOf(option, from),
    credentials: credentialsOf(option, from),
    db: checkDb(db ?? from?.db ?? 0),
    ...connection(option, from?.tls),
  }
}

/** Where the server is: by Sentinels, by a socket, or by host and port. */
function placeOf(option: RedisServerOption, from: RedisUrl | undefined): Pick<Place, 'nodes' | 'path' | 'sentinel'> {
  const { host, port, sentinels, path } = option
  if (from?.kind === 'sentinel' || from?.kind === 'socket') {
    alone(option, 'url', ['host', 'port', 'path', 'sentinels', 'name'])
    if (from.kind === 'socket') alone(option, 'url', forSentinels)
    if (from.kind === 'socket') return { nodes: [], path: from.path, sentinel: undefined }
    const sentinelTls = option.sentinelTls ?? from.tls
    return { nodes: [], path: undefined, sentinel: sentinelPlan({ ...option, sentinels: from.nodes, name: from.name, sentinelTls }) }
  }
  if (sentinels !== undefined) {
    alone(option, 'sentinels', ['host', 'port', 'path'])
    return { nodes: [], path: undefined, sentinel: sentinelPlan(option) }
  }
  const idle = forSentinels.find((name) => option[name] !== undefined)
  if (idle !== undefined) throw new ForebayError('E_OPTION', `redis.${idle} is given, and redis names no Sentinels`)
  if (path !== undefined) alone(option, 'path', ['host', 'port'])
  if (path !== undefined) return { nodes: [], path: checkText('redis.path', path), sentinel: undefined }
  if (host === undefined && from === undefined)
    throw new ForebayError('E_OPTION', 'redis names no server; give url, host, path, sentinels or cluster')
  const node = { host: host ?? from?.nodes[0]?.host ?? 'localhost', port: port ?? from?.nodes[0]?.port ?? defaultPort }
  return { nodes: [checkAddress('redis', node)], path: undefined, sentinel: undefined }
}

/** A place is named once: what stands beside it would be ignored. */
function alone(option: RedisServerOption, place: 'url' | 'sentinels' | 'path', others: readonly (keyof RedisServerOption)[]): void {
  const twice = others.find((name) => option[name] !== undefined)
  if (twice !== undefined) throw new ForebayError('E_OPTION', `redis.${twice} is given, and redis.${place} names the place already`)
}

function clusterPlan(option: RedisClusterOption): Place {
  checkNames('redis', option, clusterOptions)
  const { cluster } = option
  if (!Array.isArray(cluster) || cluster.length === 0) throw wrong('redis.cluster', cluster, 'a list of at least one node')
  const urls = cluster.flatMap((node) => (typeof node === 'string' && node.includes('://') ? [parseRedisUrl('redis.cluster', node)] : []))
  const nodes = cluster.flatMap((node: RedisClusterOption['cluster'][number]): readonly Address[] => {
    if (typeof node !== 'string') return [checkNode('redis.cluster', node, defaultPort)]
    if (node.includes('://')) return parseRedisUrl('redis.cluster', node).nodes.map((each) => checkAddress('redis.cluster', each))
    return [checkHost('redis.cluster', node)]
  })
  if (urls.some(({ kind }) => kind === 'sentinel' || kind === 'socket'))
    throw wrong('redis.cluster', 'a URL of something else', 'nodes of a Cluster')
  if (urls.some(({ db }) => (db ?? 0) !== 0)) throw wrong('redis.cluster', 'a URL with a database', 'a URL without; a Cluster has only 0')
  const [login] = urls.filter((url) => url.password !== undefined)
  if (option.replicas?.nodes !== undefined)
    throw new ForebayError('E_OPTION', 'redis.replicas.nodes is given; a Cluster names its replicas')
  return {
    mode: 'cluster',
    nodes,
    path: undefined,
    sentinel: undefined,
    credentials: credentialsOf(option, login),
    db: 0,
    ...connection(
      option,
      urls.some((url) => url.tls),
    ),
  }
}

function credentialsOf(
  { username, password, credentials }: RedisServerOption | RedisClusterOption,
  from: Pick<RedisUrl, 'username' | 'password'> | undefined,
): Credentials {
  checkLogin('redis.username', username)
  checkLogin('redis.password', password)
  return loginOf('redis.credentials', credentials, { username: username ?? from?.username, password: password ?? from?.password })
}

/** A number loses its leading zeros and an object is none; the value is never shown. */
function checkLogin(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw new ForebayError('E_OPTION', `${option} is no text`)
}

function loginOf(option: string, ask: AskCredentials | undefined, login: Credentials): Credentials {
  if (ask === undefined) return login
  if (typeof ask !== 'function') throw wrong(option, ask, 'a function that returns { username, password }, or a promise of it')
  if (login.password !== undefined) throw new ForebayError('E_OPTION', `${option} is given, and a password too; one of them`)
  return { ...login, ask }
}

function connection(
  option: RedisServerOption | RedisClusterOption,
  byUrl = false,
): Pick<Place, 'tls' | 'deadlines' | 'reconnect' | 'supervision' | 'retryOnTimeout' | 'replicas'> {
  const { tls, reconnect, retryOnTimeout = false, replicas } = option
  const supervision = parseSupervision(option)
  if (typeof retryOnTimeout !== 'boolean') throw wrong('redis.retryOnTimeout', retryOnTimeout, 'true or false')
  return {
    retryOnTimeout,
    replicas: replicas === undefined ? undefined : replicaPlan(replicas),
    tls: tls === undefined ? byUrl : checkTls('redis.tls', tls),
    supervision,
    deadlines: parseDeadlines(option, supervision.deadline.maxMs),
    reconnect: parseReconnect(reconnect),
  }
}

function replicaPlan(option: RedisReplicasOption): ReplicaReadPlan {
  if (typeof option !== 'object' || option === null) throw wrong('redis.replicas', option, 'an object that says how they are read')
  checkNames('redis.replicas', option, replicaOptions)
  const { reads, nodes = [], hedgeAfter, budget = defaultBudget } = option
  if (reads !== 'hedge' && reads !== 'prefer') throw wrong('redis.replicas.reads', reads, "'hedge' or 'prefer'")
  if (!Array.isArray(nodes)) throw wrong('redis.replicas.nodes', nodes, 'a list of addresses')
  if (typeof budget !== 'number' || !(budget > 0 && budget <= 1))
    throw wrong('redis.replicas.budget', budget, 'a share above 0 and at most 1')
  return {
    reads,
    nodes: nodes.map((node: NonNullable<RedisReplicasOption['nodes']>[number]) =>
      typeof node === 'string' ? checkHost('redis.replicas.nodes', node) : checkNode('redis.replicas.nodes', node, defaultPort),
    ),
    hedgeAfterMs: hedgeAfter === undefined ? undefined : parseDuration('redis.replicas.hedgeAfter', hedgeAfter),
    budget,
  }
}

function sentinelPlan(option: RedisServerOption): RedisPlan['sentinel'] {
  const { sentinels, name, sentinelUsername, sentinelPassword, sentinelCredentials, sentinelTls = false } = option
  if (sentinels === undefined) return undefined
  checkLogin('redis.sentinelUsername', sentinelUsername)
  checkLogin('redis.sentinelPassword', sentinelPassword)
  if (!Array.isArray(sentinels) || sentinels.length === 0) throw wrong('redis.sentinels', sentinels, 'a list of at least one Sentinel')
  return {
    name: checkText('redis.name', name),
    nodes: sentinels.map((node: { readonly host: string; readonly port?: number | undefined }) =>
      checkNode('redis.sentinels', node, defaultSentinelPort),
    ),
    credentials: loginOf('redis.sentinelCredentials', sentinelCredentials, { username: sentinelUsername, password: sentinelPassword }),
    tls: checkTls('redis.sentinelTls', sentinelTls),
  }
}

function checkText(option: string, value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : refuse(option, value, 'a text')
}

/** A node as an object; what else stands there would be ignored. */
function checkNode(option: string, node: { readonly host: string; readonly port?: number | undefined }, otherwisePort: number): Address {
  if (typeof node !== 'object' || node === null)
    throw wrong(option, typeof node === 'string' ? withoutLogin(node) : node, '{ host, port } of each')
  checkNames(option, node, addressOptions)
  return checkAddress(option, { host: node.host, port: node.port ?? otherwisePort })
}

function checkAddress(
  option: string,
  { host, port = defaultPort }: { readonly host: string; readonly port?: number | undefined },
): Address {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrong(`${option}.port`, port, 'a port')
  // A URL in the place of a host would be shown, with its password, by all that is told of the link.
  if (/[/@\s]/.test(checkText(`${option}.host`, host)))
    throw wrong(`${option}.host`, withoutLogin(host), 'a host alone; a URL is given as url')
  return { host, port }
}

function checkHost(option: string, text: string): Address {
  return checkAddress(option, parseHost(text) ?? refuse(option, withoutLogin(text), 'a host with its port'))
}

function checkDb(db: number): number {
  return Number.isInteger(db) && db >= 0 ? db : refuse('redis.db', db, 'the number of a database')
}

function checkTls(option: string, tls: boolean | ConnectionOptions): boolean | ConnectionOptions {
  return typeof tls === 'boolean' || (typeof tls === 'object' && tls !== null) ? tls : refuse(option, tls, 'true, or options of node:tls')
}

function refuse(option: string, value: unknown, expected: string): never {
  throw wrong(option, value, expected)
}
