import { ForebayError } from '../core/errors.js'
import type { Variables } from '../core/variables.js'
import type { RedisClusterOption, RedisServerOption } from './redis-option.js'
import { defaultPort, parseRedisUrl } from './redis-url.js'

/** The variables that say where Redis is. Others of that prefix belong to others. */
export const redisVariables = [
  'REDIS_URL',
  'REDIS_HOST',
  'REDIS_PORT',
  'REDIS_DB',
  'REDIS_USERNAME',
  'REDIS_PASSWORD',
  'REDIS_PASSWORD_FILE',
  'REDIS_SENTINEL_USERNAME',
  'REDIS_SENTINEL_PASSWORD',
  'REDIS_TLS',
  'REDIS_SOCKET_TIMEOUT',
  'REDIS_SOCKET_CONNECT_TIMEOUT',
  'REDIS_RETRY_ON_TIMEOUT',
  'REDIS_MAX_CONNECTIONS',
]

/** Connections of a process to one node: for commands, for questions, and the one that listens. */
export const linksPerNode = 3
/** A timeout as small as this is a number of seconds. */
const leastBareMs = 10

type Found = RedisServerOption | RedisClusterOption
/** Reads the secret that stands in a file. */
type ReadSecret = (path: string) => Promise<string>

/** Where Redis is, as the variables say; `undefined` where they name no place. Throws `E_OPTION` naming the variable. */
export function redisFrom(variables: Variables, readSecret: ReadSecret): Found | undefined {
  const url = variables.secret('REDIS_URL')?.trim()
  const host = variables.text('REDIS_HOST')
  const common = commonOf(variables, readSecret)
  checkConnections(variables)
  if (url !== undefined) return byUrl(variables, url, common)
  if (host !== undefined) {
    forSentinelsOnly(variables)
    const port = portOf(variables) ?? defaultPort
    return { host, port, ...present({ db: dbOf(variables), tls: variables.flag('REDIS_TLS') }), ...common }
  }
  const alone = redisVariables.find((name) => variables.has(name) && !(name === 'REDIS_PORT' && isLinked(variables)))
  if (alone !== undefined) throw new ForebayError('E_OPTION', `${alone} is set, and neither REDIS_URL nor REDIS_HOST says where Redis is`)
  return undefined
}

function byUrl(variables: Variables, url: string, common: Partial<RedisServerOption>): Found {
  const said = parseRedisUrl('REDIS_URL', url)
  for (const name of ['REDIS_HOST', 'REDIS_PORT']) {
    if (variables.has(name) && !(name === 'REDIS_PORT' && isLinked(variables))) throw conflict(name, 'REDIS_URL names the place')
  }
  if (said.username !== undefined && common.username !== undefined) throw conflict('REDIS_USERNAME', 'REDIS_URL has a user')
  if (said.password !== undefined && common.password !== undefined) throw conflict('REDIS_PASSWORD', 'REDIS_URL has a password')
  if (said.password !== undefined && common.credentials !== undefined) throw conflict('REDIS_PASSWORD_FILE', 'REDIS_URL has a password')
  const db = dbOf(variables)
  if (db !== undefined && said.db !== undefined) throw conflict('REDIS_DB', 'REDIS_URL has a database')
  const tls = variables.flag('REDIS_TLS')
  if (tls === false && said.tls) throw conflict('REDIS_TLS', 'REDIS_URL begins with rediss')
  const secure = present({ tls: tls === true ? true : undefined })
  if (said.kind === 'sentinel')
    return { url, ...present({ db, sentinelTls: secure.tls }), ...secure, ...common, ...sentinelLogin(variables) }
  forSentinelsOnly(variables)
  if (said.kind !== 'cluster') return { url, ...present({ db }), ...secure, ...common }
  if ((db ?? said.db ?? 0) !== 0)
    throw new ForebayError('E_OPTION', `${db === undefined ? 'REDIS_URL' : 'REDIS_DB'} names a database; a Cluster has only 0`)
  return { cluster: [url], ...secure, ...common }
}

function commonOf(variables: Variables, readSecret: ReadSecret): Partial<RedisServerOption> {
  const file = variables.text('REDIS_PASSWORD_FILE')
  if (file !== undefined && variables.has('REDIS_PASSWORD')) throw conflict('REDIS_PASSWORD_FILE', 'REDIS_PASSWORD is a password')
  return present({
    credentials: file === undefined ? undefined : async () => ({ password: await readSecret(file) }),
    username: variables.text('REDIS_USERNAME'),
    password: variables.secret('REDIS_PASSWORD'),
    deadline: variables.durationMs('REDIS_SOCKET_TIMEOUT', leastBareMs),
    connectTimeout: variables.durationMs('REDIS_SOCKET_CONNECT_TIMEOUT', leastBareMs),
    retryOnTimeout: variables.flag('REDIS_RETRY_ON_TIMEOUT'),
  })
}

function sentinelLogin(variables: Variables): Partial<RedisServerOption> {
  return present({
    sentinelUsername: variables.text('REDIS_SENTINEL_USERNAME'),
    sentinelPassword: variables.secret('REDIS_SENTINEL_PASSWORD'),
  })
}

function forSentinelsOnly(variables: Variables): void {
  for (const name of ['REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD']) {
    if (variables.has(name)) throw new ForebayError('E_OPTION', `${name} is set, and REDIS_URL does not begin with redis+sentinel://`)
  }
}

function dbOf(variables: Variables): number | undefined {
  return variables.whole('REDIS_DB', 0, 2 ** 31 - 1)
}

function portOf(variables: Variables): number | undefined {
  return isLinked(variables) ? undefined : variables.whole('REDIS_PORT', 1, 65_535)
}

/** Kubernetes and Docker put `REDIS_PORT=tcp://10.0.0.1:6379` where there is a service called redis; that is not meant for us. */
function isLinked(variables: Variables): boolean {
  return /^tcp:\/\//.test(variables.text('REDIS_PORT') ?? '')
}

/** More would not make anything faster, so there is no pool to bound; a bound that cannot be kept is refused. */
function checkConnections(variables: Variables): void {
  const most = variables.whole('REDIS_MAX_CONNECTIONS', 1, Number.MAX_SAFE_INTEGER)
  if (most !== undefined && most < linksPerNode) {
    const uses = 'one for commands, one for questions, one that listens'
    throw new ForebayError(
      'E_OPTION',
      `REDIS_MAX_CONNECTIONS is "${most}"; each process has ${linksPerNode} connections to each node: ${uses}`,
    )
  }
}

function conflict(name: string, why: string): ForebayError {
  return new ForebayError('E_OPTION', `${name} is set, and ${why} already; unset one of them`)
}

/** Without the options that are not given: spread over others, they would hide them. */
function present<T extends object>(options: { readonly [P in keyof T]: T[P] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
