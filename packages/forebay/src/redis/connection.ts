import type { Redis } from 'ioredis'
import type { Clock } from '../core/clock.js'
import type { ForebayError } from '../core/errors.js'
import type { Supervisor } from '../core/supervisor/supervisor.js'
import type { Client, OpenClient } from './client.js'
import { failureOf, isConsequence, isForbidden, reactionTo, withHint } from './failure.js'
import type { LinkNews } from './link-news.js'
import type { Address, Deadlines } from './plan.js'

export interface ConnectionParts {
  readonly clock: Clock
  readonly open: OpenClient
  readonly deadlines: Deadlines
  readonly news: LinkNews
}

export interface ConnectionOptions extends ConnectionParts {
  readonly address: Address | undefined
  /** Asks the server for its run id. */
  readonly askName: () => Promise<string>
  /** What has to be done next; tried again while it rejects. */
  readonly greet: () => Promise<void>
  readonly onMessage?: ((channel: Buffer, message: Buffer) => void) | undefined
  readonly onUp?: (() => void) | undefined
  readonly onDown?: (() => void) | undefined
  /** Judges the server by this link. */
  readonly supervisor?: Supervisor | undefined
}

const greetAgainMs = 250
const ignore = (): void => {}

/**
 * The connection under a link: made, greeted, left or given up, and made anew for as long as the link is open; and why it cannot be used, told
 * once for each attempt.
 */
export class Connection {
  readonly client: Client
  readonly #options: ConnectionOptions
  #node: string | undefined
  #closed = false
  #trouble = 'not connected yet'
  /** Whether this attempt's trouble has been told: what follows from it is not. */
  #told = false
  /** Whether it has ever been usable. */
  #proved = false
  /** A connection that has been given up, though it may not be closed yet. */
  #left: Redis['stream'] | undefined
  /** A connection on which the server has answered. */
  #answered: Redis['stream'] | undefined
  /** Whether calls were lost with the connection. */
  #lost = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.client = options.open(options.address)
    this.#listen()
    this.#connect()
  }

  /** Run id of the server at the other end; `undefined` while it cannot be used. */
  get node(): string | undefined {
    return this.#node
  }

  /** What went wrong last. */
  get trouble(): string {
    return this.#trouble
  }

  /** A call was under way when it broke. */
  lose(): void {
    this.#lost = true
  }

  /** Makes it anew: another one may lead to another server. */
  renew(): void {
    this.#told = true // that it is closed is no trouble
    this.#leave()
  }

  close(): void {
    this.#closed = true
    this.#node = undefined
    this.#trouble = 'closed'
    this.#options.news.over(this)
    this.#ignoreErrors()
    this.client.redis.disconnect()
  }

  #listen(): void {
    const { redis } = this.client
    const { onMessage } = this.#options
    redis.on('connect', () => this.#expectReady(redis.stream))
    redis.on('ready', () => void this.#greet(redis.stream))
    redis.on('close', () => this.#down())
    redis.on('end', () => this.#connectLater())
    redis.on('error', (error: unknown) => {
      this.#ignoreErrors()
      if (isConsequence(error)) return
      const failure = failureOf(error)
      this.#failed(failure.message)
      // In its handshake: the client would go on where the server has refused the database, and use another one.
      if (this.#node === undefined && reactionTo(failure) !== 'none') this.#leave()
    })
    if (onMessage === undefined) return
    redis.on('messageBuffer', onMessage)
    redis.on('smessageBuffer', onMessage)
  }

  /**
   * A server that accepts connections and then says nothing: from the connection to the first answer (to AUTH and SELECT, then to INFO)
   * there are few round trips. What comes after is watched by the calls.
   */
  #expectReady(stream: Redis['stream']): void {
    const { clock, deadlines } = this.#options
    const check = () => {
      // One that has ended meanwhile was not silent; the next one may wait for its credentials.
      if (this.client.redis.stream === stream && this.#answered !== stream && !stream.destroyed) this.sever()
    }
    clock.after(deadlines.handshakeMs, () => clock.afterInput(check))
  }

  /** The link is usable once the server has told its run id and the greeting has been answered, all on this one connection. */
  async #greet(stream: Redis['stream']): Promise<void> {
    const { redis } = this.client
    const current = () => !this.#closed && redis.stream === stream && redis.status === 'ready' && this.#left !== stream
    if (!current()) return
    this.#told = false
    try {
      const node = await this.#options.askName()
      this.#answered = stream
      await this.#options.greet()
      if (!current()) return
      this.#node = node
      this.#told = false
      this.#proved = true
      this.client.stands()
      this.#options.news.over(this)
      this.#options.supervisor?.linkUp(this.#options.clock.now())
      this.#options.onUp?.()
    } catch (error) {
      this.#answered = stream
      if (!current()) return
      this.#failed(failureOf(error).message)
      this.#options.clock.after(greetAgainMs, () => void (current() && this.#greet(stream)))
    }
  }

  /** An error as one of ours, after what it means for the link has been seen to. */
  heed(error: unknown, script?: string): ForebayError {
    const failure = failureOf(error)
    const reaction = reactionTo(failure)
    if (reaction === 'none' || this.#closed) return failure
    if (reaction === 'leave') {
      this.#failed(failure.message)
      this.#leave()
    } else if (this.#node !== undefined) {
      if (reaction === 'wait') this.#doubt(failure.message)
      else this.#options.news.refused(this.#options.address, wordsOf(failure.message) + inScript(failure, script))
    }
    return failure
  }

  /** The connection is good, but the server serves nobody: the link counts as unusable until it can be greeted again. */
  #doubt(trouble: string): void {
    const { redis } = this.client
    const { stream } = redis
    this.#told = false
    this.#failed(trouble)
    this.#cannotBeUsed()
    if (redis.mode === 'subscriber') return this.#leave() // it takes no greeting any more
    this.#options.clock.after(greetAgainMs, () => void (redis.stream === stream && this.#greet(stream)))
  }

  /** This connection will not do: the next one may lead to another server, or begin with another login. */
  #leave(): void {
    const { redis } = this.client
    this.#cannotBeUsed()
    if (this.#closed || this.#left === redis.stream) return
    this.#left = redis.stream
    this.client.refused()
    redis.disconnect(true)
  }

  #down(): void {
    if (this.#node === undefined) this.#failed('the connection was closed before it could be used')
    this.#cannotBeUsed()
    this.#told = false
    this.#options.onDown?.()
  }

  #cannotBeUsed(): void {
    this.#node = undefined
    const why = this.#told ? this.trouble : 'the connection was lost'
    this.#options.supervisor?.linkDown(this.#options.clock.now(), why, this.#lost)
    this.#lost = false
  }

  /** Nothing has come for too long: the connection is given up with a reset, so that the server does not wait for us either. */
  sever(): void {
    const { redis } = this.client
    const { stream, status } = redis
    if (this.#node === undefined) this.client.soon()
    else this.client.atOnce()
    this.#failed('the server is silent')
    this.#cannotBeUsed()
    if (this.#closed || (status !== 'ready' && status !== 'connect') || stream.destroyed) return
    this.#ignoreErrors()
    try {
      stream.resetAndDestroy()
    } catch {
      stream.destroy() // not a plain TCP socket: it cannot be reset
    }
    redis.disconnect(true)
  }

  /** The first trouble of an attempt is its cause. */
  #failed(trouble: string): void {
    if (this.#closed || this.#told) return
    this.#told = true
    this.#trouble = this.#proved ? wordsOf(trouble) : withHint(wordsOf(trouble), this.client.secure)
    this.#options.news.failed(this, this.#options.address, this.#trouble)
  }

  /** The client hears a socket's first error only. A TLS handshake that is cut short can bring another, which would end the process. */
  #ignoreErrors(): void {
    const { stream } = this.client.redis
    if (stream !== undefined && !stream.listeners('error').includes(ignore)) stream.on('error', ignore)
  }

  #connect(): void {
    const { redis, prepare } = this.client
    const begin = () => {
      if (!this.#closed) redis.connect().catch(() => {}) // told by the events too
    }
    if (prepare === undefined) return begin()
    this.#told = false
    prepare().then(begin, (error: unknown) => {
      this.#failed(failureOf(error).message)
      this.#connectLater()
    })
  }

  /** The client gives up by itself where a connection cannot even be begun; we do not. */
  #connectLater(): void {
    const { redis, pauseMs } = this.client
    if (this.#closed) return
    this.#options.clock.after(pauseMs(), () => {
      if (!this.#closed && (redis.status === 'end' || redis.status === 'wait')) this.#connect()
    })
  }
}

/** Some servers do not say which command a script may not run. */
function inScript(failure: ForebayError, script: string | undefined): string {
  return script !== undefined && isForbidden(failure) ? ` (in the script '${script}'; the server's ACL LOG names the command)` : ''
}

/** What the server said, without our code and without the place in a script. */
function wordsOf(message: string): string {
  return message.replace(/^E_\w+: /, '').replace(/ script: [0-9a-f]{40}.*$/s, '')
}
