import type { ConnectionOptions } from 'node:tls'

/** A span of time: milliseconds, or a number with its unit. */
type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** What `credentials` gives. */
export interface RedisCredentials {
  /** Default: the option `username`, else none. */
  readonly username?: string | undefined
  readonly password: string
  /**
   * For how long they are good. When three quarters of it are over they are asked for anew, and open connections log in again. Default:
   * until the server refuses them to a new connection.
   */
  readonly validFor?: Duration | undefined
}

/** Asked when connections are made, and again when the server refuses what was given. Has 5 s to answer. */
export type AskCredentials = () => RedisCredentials | PromiseLike<RedisCredentials>

/** What a single server and a Cluster have in common. */
interface ConnectionOption {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Asked for the password, and perhaps the user, where they change while the process runs; in place of `password`. */
  readonly credentials?: AskCredentials | undefined
  /** `true` = with the platform's certificates; otherwise Node's TLS options. */
  readonly tls?: boolean | ConnectionOptions | undefined
  /** How long a connection may take to be made. Default 500 ms. */
  readonly connectTimeout?: Duration | undefined
  /** How long a read may take before it counts as failed. Default 150 ms; the other deadlines follow from it. */
  readonly deadline?: Duration | undefined
  /** Whether a read that was not answered in time is tried once more before its caller is served without Redis. Default `false`. */
  readonly retryOnTimeout?: boolean | undefined
}

/** One server. */
export interface RedisServerOption extends ConnectionOption {
  /** `redis://user:password@host:6379/0`, `rediss://…`, `redis+sentinel://host:26379,host:26379/name/0`, `unix:///path`. */
  readonly url?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** Path of a Unix socket, in place of host and port. */
  readonly path?: string | undefined
  readonly db?: number | undefined
  /** Sentinels that know the server called `name`. */
  readonly sentinels?: readonly { readonly host: string; readonly port?: number | undefined }[] | undefined
  readonly name?: string | undefined
  readonly sentinelUsername?: string | undefined
  readonly sentinelPassword?: string | undefined
  /** As `credentials`, for the Sentinels. */
  readonly sentinelCredentials?: AskCredentials | undefined
  readonly sentinelTls?: boolean | ConnectionOptions | undefined
}

/** A Cluster, by some of its nodes. */
export interface RedisClusterOption extends ConnectionOption {
  readonly cluster: readonly (string | { readonly host: string; readonly port?: number | undefined })[]
}

/** A client of ioredis, `Redis` or `Cluster`, as far as its settings are read. */
export interface RedisClient {
  readonly status: string
  readonly options: object
  readonly isCluster?: boolean | undefined
}

/** Where Redis is: a URL, options, or a client of ioredis whose settings are used (the client itself is not, and is never closed). */
export type RedisOption = string | RedisServerOption | RedisClusterOption | RedisClient
