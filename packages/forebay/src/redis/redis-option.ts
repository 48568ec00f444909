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
  /** How long a new connection may take to bring its first answer, which is few round trips. Default 300 ms, or `deadline.miss` and 100 ms, the longer. */
  readonly handshakeTimeout?: Duration | undefined
  /**
   * A connection that owes answers and has brought none for so long is dead, and made anew. Longer than `deadline.miss`. Default 400 ms, or
   * `deadline.miss` and 200 ms, the longer.
   */
  readonly silenceTimeout?: Duration | undefined
  /** How far apart attempts to connect are while they fail. */
  readonly reconnect?: ReconnectOption | undefined
  /** How long answers are waited for, by what is asked; a time alone is `max`, from which the others follow. */
  readonly deadline?: Duration | DeadlineOption | undefined
  /** Most reads under way at once to one server; what is beyond is served without it. Default 10,000. Falls by itself where answers are slow. */
  readonly maxInFlight?: number | undefined
  /** When a server that answers late, or with errors, is left alone for a while. */
  readonly circuit?: CircuitOption | undefined
  /** How a server is looked after that nobody asks. */
  readonly health?: HealthOption | undefined
  /** Whether a read that was not answered in time is tried once more before its caller is served without Redis. Default `false`. */
  readonly retryOnTimeout?: boolean | undefined
  /** Whether reads may be answered by replicas too, and how. Default: they are not. */
  readonly replicas?: RedisReplicasOption | undefined
}

/** How replicas are read. What they answer counts only if it is not older than what this process knows. */
export interface RedisReplicasOption {
  /** `hedge`: a replica is asked too where the primary is late. `prefer`: a replica is asked first, and the primary where that is of no use. */
  readonly reads: 'hedge' | 'prefer'
  /** Where they are, as `host:port` or with fields. Default: the primary is asked, and in a Cluster its map, the only way there. */
  readonly nodes?: readonly (string | { readonly host: string; readonly port?: number | undefined })[] | undefined
  /** After how long the other one is asked too. Default: as long as 19 of 20 answers have taken lately, between 2 and 50 ms. */
  readonly hedgeAfter?: Duration | undefined
  /** The share of the reads for which that may be done, above 0 and at most 1; a hundred more may come at once. Default 0.05. */
  readonly budget?: number | undefined
}

export interface DeadlineOption {
  /** The least that a read waits: where answers usually come sooner than `max`, it waits less than that. Default 40 ms. */
  readonly min?: Duration | undefined
  /** The most that a read, or a health check, waits. Default 150 ms. */
  readonly max?: Duration | undefined
  /** What a read and the script behind it, which a miss needs, wait together; no shorter than `max`. Default `max` and 50 ms. */
  readonly miss?: Duration | undefined
  /** Writes, and all else that no reader waits for, such as proofs and greetings. Default 500 ms, or twice `max`, the longer. */
  readonly write?: Duration | undefined
}

/** The wait doubles with each attempt, and half of it is chance: processes that were cut off together do not come back together. */
export interface ReconnectOption {
  /** The shortest wait, at most half of `max`. Default 25 ms. A connection that stood and falls silent is made anew without it. */
  readonly min?: Duration | undefined
  /** The longest. Default 250 ms. */
  readonly max?: Duration | undefined
  /** The longest where a server answers but will not have us, as with a wrong password; no shorter than `max`. Default 800 ms. */
  readonly refused?: Duration | undefined
}

export interface CircuitOption {
  /** Answers older than this do not count. Default 10 s. */
  readonly window?: Duration | undefined
  /** Fewer answers than this prove nothing. Default 20. */
  readonly minimum?: number | undefined
  /** The share of failures from which on the server is left alone. Default 0.5. */
  readonly share?: number | undefined
  /** For how long at first; doubled each time that a try fails. Default 250 ms. */
  readonly openFor?: Duration | undefined
  /** The most that it is doubled to. Default 10 s. */
  readonly longestOpen?: Duration | undefined
  /** So many reads try the server at once, and so many good answers are enough. Default 3. */
  readonly probes?: number | undefined
}

export interface HealthOption {
  /** Time between two checks. Default 10 s. */
  readonly every?: Duration | undefined
  /** The same while something is wrong. Default 1 s. */
  readonly uneasyEvery?: Duration | undefined
  /** So many checks in a row without an answer, and the server is left alone. Default 3. */
  readonly failures?: number | undefined
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
