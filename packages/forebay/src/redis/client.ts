import { createRequire } from 'node:module'
import type { ConnectionOptions } from 'node:tls'
import type { RedisOptions as AllOptions, Command, Redis } from 'ioredis'
import type { Clock, Random } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import { failureOf, isRefusedLogin } from './failure.js'
import type { LinkNews } from './link-news.js'
import { type LogIn, type Login, Logins } from './logins.js'
import type { Address, RedisPlan } from './plan.js'

/** What a command takes. */
export type Argument = string | number | Buffer

/** What becomes of a command. */
export interface Outcome {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A client of ioredis that has not been told to connect yet. */
export interface Client {
  readonly redis: Redis
  /** Whether it speaks TLS. */
  readonly secure: boolean
  /** What has to be done before each attempt to connect, where there is something. */
  readonly prepare: (() => Promise<void>) | undefined
  /** How long to wait before the next attempt, where it is not the client that begins it. */
  readonly pauseMs: () => number
  /** The next attempt to connect comes at once. */
  atOnce(): void
  /** The next attempt comes soon, however many there were. */
  soon(): void
  /** Writes one command; strings in its answer come as buffers. */
  send(name: string, args: readonly Argument[], outcome: Outcome): void
  /** As `send`, for a read of keys: the path on which each microsecond counts. */
  read(name: string, keys: readonly string[], outcome: Outcome): void
  /** The connection is good: when it breaks, the next attempts begin quickly. */
  stands(): void
  /** The server will not have us: the next attempts are further apart, so that it is not stormed. */
  refused(): void
}

export type OpenClient = (address: Address | undefined) => Client

/**
 * The client's own timeouts are left off but for the connection's. After a stall of the event loop Node runs timers before it reads
 * sockets, so they would drop every healthy link at once; and they cost a timer for each command. The link keeps the deadlines.
 */
const disconnectMs = 50
const keepAliveMs = 1_000
/** The wait at most where a connection that stood has fallen silent. */
const atOnceMs = 10
/** The same in least waits, where a new one was silent from the start: the time of its handshake has been waited already. */
const soon = 3

interface Library {
  readonly Redis: typeof Redis
  readonly Command: typeof Command
}

export interface OpenerParts {
  readonly random: Random
  readonly clock: Clock
  readonly news: LinkNews
}

/** Loads ioredis, which is an optional peer, and returns what opens clients by this plan. */
export function clientOpener(plan: RedisPlan, { random, clock, news }: OpenerParts): OpenClient {
  const library = load()
  const { ask } = plan.credentials
  const logins = ask && new Logins({ ask, clock, news })
  const { minMs, maxMs, refusedMs } = plan.reconnect
  const delay = (attempt: number, longestMs: number) => Math.min(minMs * 2 ** Math.min(attempt, 30), longestMs) * (0.5 + random.unit() / 2)
  const common = settings(plan)
  return (address) => {
    let attempts = 0
    let longestMs = maxMs
    let nextMs = maxMs
    const pauseMs = () => {
      const ms = delay(++attempts, Math.min(longestMs, nextMs))
      nextMs = longestMs
      return ms
    }
    // Whoever has to ask for credentials before each attempt begins them all himself.
    const redis = new library.Redis({ ...common, ...address, retryStrategy: logins === undefined ? pauseMs : () => null })
    const reads = new ReadCommands(library)
    return {
      redis,
      secure: plan.tls !== false,
      prepare: logins && loggingIn(redis, logins, plan.credentials.username),
      pauseMs,
      stands: () => {
        attempts = 0
        longestMs = maxMs
      },
      refused: () => {
        longestMs = refusedMs
        nextMs = longestMs
      },
      atOnce: () => {
        nextMs = atOnceMs
      },
      soon: () => {
        nextMs = soon * minMs
      },
      read: (name, keys, outcome) => redis.sendCommand(reads.take(name, keys, outcome)),
      send: (name, args, outcome) => send(redis, new library.Command(name, args as Argument[], { replyEncoding: null }), outcome),
    }
  }
}

/** Each attempt to connect begins with the newest credentials. */
function loggingIn(redis: Redis, logins: Logins, otherwise: string | undefined): () => Promise<void> {
  let used: Login | undefined
  const logIn: LogIn = async (login) => {
    if (redis.mode === 'subscriber') return // it takes no command any more; when the server ends it, it comes back with the new login
    used = login
    const user = login.username ?? otherwise
    try {
      await (user === undefined ? redis.auth(login.password) : redis.auth(user, login.password))
    } catch (error) {
      throw failureOf(error) // the client's own error carries the password
    }
  }
  redis.on('ready', () => logins.opened(logIn, used))
  redis.on('close', () => logins.closed(logIn))
  redis.on('error', (error: unknown) => {
    if (isRefusedLogin(failureOf(error))) logins.refused(used)
  })
  return async () => {
    const login = await logins.next()
    used = login
    Object.assign(redis.options, { username: login.username ?? otherwise, password: login.password })
  }
}

/** Takes the answer where it is read: a read would otherwise pass through a second promise and one more turn of the microtasks. */
function send(redis: Redis, command: Command, { resolve, reject }: Outcome): void {
  command.resolve = resolve
  command.reject = reject
  redis.sendCommand(command)
}

/** As many as are under way at once in a busy process. */
const mostSpare = 64

/** Commands whose answer has come are used again: for ioredis to make one takes longer than to write it. */
class ReadCommands {
  readonly #library: Library
  readonly #spare: ReadCommand[] = []

  constructor(library: Library) {
    this.#library = library
  }

  take(name: string, keys: readonly string[], outcome: Outcome): Command {
    const read = this.#spare.pop() ?? new ReadCommand(this.#library, this.#spare)
    read.outcome = outcome
    read.command.name = name
    read.command.args = keys as string[]
    return read.command
  }
}

class ReadCommand {
  readonly command: Command
  outcome: Outcome | undefined

  constructor(library: Library, spare: ReadCommand[]) {
    this.command = new library.Command('get', [], { replyEncoding: null })
    this.command.resolve = (answer) => {
      const { outcome } = this
      if (outcome === undefined) return
      this.outcome = undefined
      if (spare.length < mostSpare) spare.push(this)
      outcome.resolve(answer)
    }
    // One that has failed may still be known to the client, so it is not used again.
    this.command.reject = (error) => this.outcome?.reject(error)
  }
}

type RedisOptions = Omit<AllOptions, 'replyMapping'>

function load(): Library {
  const require = createRequire(import.meta.url)
  try {
    const library = require('ioredis') as Library
    const { version } = require('ioredis/package.json') as { readonly version: string }
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major > 5 || (major === 5 && minor >= 4)) return library
    throw new Error(`ioredis ${version} is too old`)
  } catch (cause) {
    throw new ForebayError('E_REDIS_CLIENT_MISSING', 'ioredis (5.4 or newer, or 6) cannot be loaded', { cause })
  }
}

function settings(plan: RedisPlan): RedisOptions {
  return {
    lazyConnect: true,
    protocol: 2, // the same on ioredis 5 and 6
    connectTimeout: plan.deadlines.connectMs,
    disconnectTimeout: disconnectMs,
    keepAlive: keepAliveMs,
    noDelay: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false, // a call is one attempt: its token was made for it
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false, // the link greets each connection itself, and says what is wrong
    disableClientInfo: true,
    db: plan.db,
    family: 0, // whatever the name resolves to
    ...(plan.credentials.username === undefined ? {} : { username: plan.credentials.username }),
    ...(plan.credentials.password === undefined ? {} : { password: plan.credentials.password }),
    ...(plan.tls === false ? {} : { tls: certificates(plan.tls) }),
    ...(plan.path === undefined ? {} : { path: plan.path }),
  }
}

function certificates(tls: ConnectionOptions | true): ConnectionOptions {
  return tls === true ? {} : tls
}
