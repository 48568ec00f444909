import type { ConnectionOptions } from 'node:tls'
import type { SupervisorPlan } from '../core/supervisor/supervisor-plan.js'
import type { AskCredentials } from './redis-option.js'
import type { ReplicaPlan } from '../core/far-store.js'

/** A node's place in the network. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** How to get in. Held in the plan only; never part of a message. */
export interface Credentials {
  readonly username: string | undefined
  readonly password: string | undefined
  /** Given in place of a password. */
  readonly ask?: AskCredentials | undefined
}

/** What to find the primary by where Sentinels watch over it. */
export interface SentinelPlan {
  readonly name: string
  readonly nodes: readonly Address[]
  readonly credentials: Credentials
  readonly tls: ConnectionOptions | boolean
}

/** How long to wait for what. After a stall of the event loop, the answers that have arrived are read before anything is judged late. */
export interface Deadlines {
  readonly connectMs: number
  /** A read, or a batch of them, at most: the supervisor may give it less. */
  readonly readMs: number
  /** A script that a reader waits for. */
  readonly lookMs: number
  /** Any other script, or a question. */
  readonly actMs: number
  /** A link that owes answers and has brought none for so long is dead. */
  readonly silentMs: number
  /** The same from the connection to its first answer, which is few round trips. */
  readonly handshakeMs: number
}

/** How far apart attempts to connect are: half of each wait is chance, and none is shorter than the least. */
export interface ReconnectPlan {
  readonly minMs: number
  readonly maxMs: number
  /** The same where a server answers, but will not have us. */
  readonly refusedMs: number
}

/** The most is short of what is promised for the way back: from the server's return to the first hit there are two round trips and a load more. */
export const defaultReconnect: ReconnectPlan = { minMs: 25, maxMs: 250, refusedMs: 800 }

/** How replicas are read, and where they are; no nodes = the primary, or the Cluster's map, is asked for them. */
export interface ReplicaReadPlan extends ReplicaPlan {
  readonly nodes: readonly Address[]
}

export type RedisMode = 'single' | 'cluster'

/** The `redis` option, resolved: everything that the far store on Redis needs to know. */
export interface RedisPlan {
  readonly service: string
  /** `undefined`: adopt what the service uses, or the default. */
  readonly shards: number | undefined
  readonly mode: RedisMode
  /** One for a single server, the nodes to begin with for a Cluster; none where Sentinels or a socket path lead the way. */
  readonly nodes: readonly Address[]
  readonly path: string | undefined
  readonly sentinel: SentinelPlan | undefined
  readonly credentials: Credentials
  readonly db: number
  /** `true` = with the platform's certificates. */
  readonly tls: ConnectionOptions | boolean
  readonly deadlines: Deadlines
  readonly reconnect: ReconnectPlan
  readonly supervision: SupervisorPlan
  /** Whether late reads are tried once more. */
  readonly retryOnTimeout: boolean
  /** `undefined`: replicas are not read. */
  readonly replicas: ReplicaReadPlan | undefined
}

/** A single server has one event loop however many shards; a Cluster needs enough to spread over its nodes. */
export const defaultShards: Readonly<Record<RedisMode, number>> = { single: 16, cluster: 64 }
/** More shards cost every process a longer question and every group invalidation more scripts. */
export const mostShards = 1_024

/** The deadlines that follow from the two of readers, as far as no option says otherwise. */
export function deadlinesFor(readMs = 150, lookMs = readMs + 50): Deadlines {
  return {
    connectMs: 500,
    readMs,
    lookMs,
    actMs: Math.max(500, 2 * readMs),
    silentMs: Math.max(400, lookMs + 200),
    handshakeMs: Math.max(300, lookMs + 100),
  }
}
