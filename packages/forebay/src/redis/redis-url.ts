import { ForebayError } from '../core/errors.js'
import type { Address } from './plan.js'

/** What a URL says. */
export interface RedisUrl {
  readonly cluster: boolean
  readonly tls: boolean
  readonly nodes: readonly [Address, ...Address[]]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number | undefined
}

export const defaultPort = 6379
const shape = /^redis(s?)(\+cluster)?:\/\/(?:(.*)@)?([^@/?#]+)(?:\/(\d*))?$/s

/** Reads `redis://user:password@host:port/db`, `rediss://…`, `redis+cluster://host:port,host:port`. Errors never show the password. */
export function parseRedisUrl(option: string, url: string): RedisUrl {
  const match = shape.exec(url)
  if (match === null) throw unusable(option, url)
  const [, tls, cluster, login, hosts = '', db = ''] = match
  const [first, ...others] = hosts.split(',').map((host) => parseHost(host) ?? fail(option, url))
  if (first === undefined || (cluster === undefined && others.length > 0)) throw unusable(option, url)
  return {
    cluster: cluster !== undefined,
    tls: tls === 's',
    nodes: [first, ...others],
    ...parseLogin(login),
    db: db === '' ? undefined : Number(db),
  }
}

/** `host`, `host:port` or `[::1]:port`. */
export function parseHost(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]\s/@]+))(?::(\d{1,5}))?$/i.exec(text)
  if (match === null) return undefined
  const [, v6, name = '', port] = match
  return { host: v6 ?? name, port: port === undefined ? defaultPort : Number(port) }
}

/** What was meant as a URL or a host, without what stands before its last `@`. */
export function withoutLogin(text: string): string {
  return text.replace(/^([a-z+]*:\/\/)?.*@/is, '$1***@')
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

function fail(option: string, url: string): never {
  throw unusable(option, url)
}

function unusable(option: string, url: string): ForebayError {
  const shown = JSON.stringify(withoutLogin(url).slice(0, 80))
  return new ForebayError(
    'E_OPTION',
    `${option} is ${shown}; a URL such as redis://user:password@host:6379/0, rediss://host:6379 or redis+cluster://host:7000,host:7001`,
  )
}
