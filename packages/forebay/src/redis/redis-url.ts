import { ForebayError } from '../core/errors.js'
import type { Address } from './plan.js'

/** What a URL leads to: a server, a Cluster by some of its nodes, Sentinels that know a server by its name, or the socket of a server on this machine. */
export type RedisUrlKind = 'server' | 'cluster' | 'sentinel' | 'socket'

/** What a URL says. */
export interface RedisUrl {
  readonly kind: RedisUrlKind
  readonly tls: boolean
  /** Nodes, or Sentinels; none for a socket. */
  readonly nodes: readonly Address[]
  /** The name by which Sentinels know the server. */
  readonly name: string | undefined
  /** Of a socket. */
  readonly path: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number | undefined
}

export const defaultPort = 6379
export const defaultSentinelPort = 26_379

const shape = /^redis(s?)(\+cluster)?:\/\/(?:(.*)@)?([^@/?#]+)(?:\/(\d*))?$/s
const sentinelShape = /^redis(s?)\+sentinel:\/\/(?:(.*)@)?([^@/?#]+)\/([^@/?#]+)(?:\/(\d*))?$/s
const socketShape = /^unix:\/\/(?:(.*)@)?(\/[^@?#]+)$/s

/**
 * Reads `redis://user:password@host:port/db`, `redis+cluster://host:port,host:port`, `redis+sentinel://host:port,host:port/name/db` and
 * `unix:///path`; `rediss` for TLS. The login is the server's, not the Sentinels'. Errors never show it.
 */
export function parseRedisUrl(option: string, url: string): RedisUrl {
  if (/\?[^@]*$/.test(url)) throw unusable(option, url, 'a URL without a query; what it says is said by options')
  if (url.startsWith('unix:')) return parseSocket(option, url)
  if (/^rediss?\+sentinel:/.test(url)) return parseSentinels(option, url)
  const [, tls, cluster, login, hosts = '', db] = shape.exec(url) ?? fail(option, url)
  const nodes = hosts.split(',').map((host) => parseHost(host) ?? fail(option, url))
  if (cluster === undefined && nodes.length > 1) throw unusable(option, url)
  const kind = cluster === undefined ? 'server' : 'cluster'
  return { kind, tls: tls === 's', nodes, name: undefined, path: undefined, ...parseLogin(login), db: numberOf(db) }
}

function parseSentinels(option: string, url: string): RedisUrl {
  const expected = 'a URL such as redis+sentinel://user:password@host:26379,host:26379/name-of-the-server/0'
  const [, tls, login, hosts = '', name = '', db] = sentinelShape.exec(url) ?? fail(option, url, expected)
  const nodes = hosts.split(',').map((host) => parseHost(host, defaultSentinelPort) ?? fail(option, url, expected))
  return { kind: 'sentinel', tls: tls === 's', nodes, name: decode(name), path: undefined, ...parseLogin(login), db: numberOf(db) }
}

function parseSocket(option: string, url: string): RedisUrl {
  const [, login, path = ''] = socketShape.exec(url) ?? fail(option, url, 'a URL such as unix:///run/redis/redis.sock')
  return { kind: 'socket', tls: false, nodes: [], name: undefined, path: decode(path), ...parseLogin(login), db: undefined }
}

/** `host`, `host:port` or `[::1]:port`. */
export function parseHost(text: string, otherwisePort = defaultPort): Address | undefined {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]\s/@]+))(?::(\d{1,5}))?$/i.exec(text)
  if (match === null) return undefined
  const [, v6, name = '', port] = match
  return { host: v6 ?? name, port: port === undefined ? otherwisePort : Number(port) }
}

/** What was meant as a URL or a host, without what stands before its last `@`, and without a query, where some put passwords too. */
export function withoutLogin(text: string): string {
  return text.replace(/^([a-z+]*:\/\/)?.*@/is, '$1***@').replace(/\?.*$/s, '?***')
}

function parseLogin(login: string | undefined): { readonly username: string | undefined; readonly password: string | undefined } {
  if (login === undefined) return { username: undefined, password: undefined }
  const colon = login.indexOf(':')
  const [username, password] = colon < 0 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)]
  return { username: decode(username), password: decode(password) }
}

/** A percent sign that encodes nothing stands for itself: passwords are often pasted as they are. */
function decode(text: string): string | undefined {
  if (text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function numberOf(db: string | undefined): number | undefined {
  return db === undefined || db === '' ? undefined : Number(db)
}

function fail(option: string, url: string, expected?: string): never {
  throw unusable(option, url, expected)
}

function unusable(option: string, url: string, expected = anyUrl): ForebayError {
  return new ForebayError('E_OPTION', `${option} is ${JSON.stringify(withoutLogin(url).slice(0, 80))}; ${expected}`)
}

const anyUrl =
  'a URL such as redis://user:password@host:6379/0, rediss://host:6379, redis+cluster://host:7000,host:7001 or redis+sentinel://host:26379/name'
