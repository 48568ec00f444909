import type { Redis } from 'ioredis'
import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { Ending, Supervisor } from '../core/supervisor/supervisor.js'
import { type Call, type Caller, Calls } from './calls.js'
import type { Argument, Client, OpenClient, Outcome } from './client.js'
import { failureOf, isConsequence, isForbidden, isUnavailable, isUnknownScript, reactionTo, withHint } from './failure.js'
import type { LinkNews } from './link-news.js'
import type { Address, Deadlines } from './plan.js'

export type Command = readonly [name: string, ...args: readonly Argument[]]
/**
 * How long a caller waits: for a read; for one of many keys, or a script that a reader needs, which are not measured by what a read usually
 * takes: many misses come at once, and a script is more work; for any other script or a question; or so many milliseconds.
 */
export type Patience = 'read' | 'many' | 'look' | 'act' | number
/** A script under the name by which it is spoken of. */
export interface Script {
  readonly name: string
  readonly sha: string
  readonly text: string
}
export interface LinkParts {
  readonly clock: Clock
  readonly open: OpenClient
  readonly deadlines: Deadlines
  readonly news: LinkNews
}

export interface LinkOptions extends LinkParts {
  readonly address: Address | undefined
  /** What has to be done on each new connection before the link counts as usable; tried again while it rejects. */
  readonly greet?: ((link: Link) => Promise<void>) | undefined
  readonly onMessage?: ((channel: Buffer, message: Buffer) => void) | undefined
  readonly onUp?: (() => void) | undefined
  readonly onDown?: (() => void) | undefined
  /** Judges the server by this link. */
  readonly supervisor?: Supervisor | undefined
}

/** A bound for what the client itself would queue without end. */
const mostOwed = 10_000
const greetAgainMs = 250
/** The wait before the next connection, at most: where a silent one was given up, and where a new one was silent from the start. */
const atOnceMs = 10
const afterSilentHandshakeMs = 75
const ignore = (): void => {}

/**
 * One connection to one server, made anew whenever it breaks. A call is one attempt: it is answered, or rejected within its deadline with
 * one of our errors, or at once where there is no usable connection. Nothing is queued while it is away, and nothing is sent twice.
 */
export class Link {
  readonly address: Address | undefined
  readonly #options: LinkOptions
  readonly #client: Client
  readonly #calls: Calls
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

  constructor(options: LinkOptions) {
    const { clock, deadlines, address, supervisor } = options
    this.#options = options
    this.address = address
    this.#calls = new Calls(clock, { afterMs: deadlines.silentMs, onSilent: () => this.#sever(), supervisor })
    this.#client = options.open(address)
    this.#listen()
    this.#connect()
  }

  /** Run id of the server at the other end; `undefined` while the link cannot be used. */
  get node(): string | undefined {
    return this.#node
  }

  /** What went wrong last. */
  get trouble(): string {
    return this.#trouble
  }

  /** Sends one command. */
  call(patience: Patience, name: string, args: readonly Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = this.#usable({ resolve, reject }) && this.#begin(patience, { resolve, reject }, 0)
      if (call) this.#client.send(name, args, this.#outcome(call))
    })
  }

  /**
   * Runs a script by its digest. Its text is sent only to a server that does not know it, once, and within the same deadline. No other
   * error is tried again here.
   */
  script(patience: Patience, { name, sha, text }: Script, args: readonly Argument[]): Promise<unknown> {
    const isLook = patience !== 'act'
    return new Promise((resolve, reject) => {
      const call = this.#usable({ resolve, reject }) && this.#begin(patience, { resolve, reject }, isLook ? 1 : 0)
      if (!call) return
      const outcome = this.#outcome(call, name)
      const failed = (error: unknown): void => {
        if (isUnknownScript(error) && !call.over && this.#node !== undefined) this.#client.send('EVAL', [text, ...args], outcome)
        else outcome.reject(error)
      }
      this.#client.send('EVALSHA', [sha, ...args], { resolve: outcome.resolve, reject: failed })
    })
  }

  /** A read whose caller keeps the promise: on this path each one counts. */
  read(name: string, keys: readonly string[], caller: Caller, patience: Patience = 'read'): void {
    const call = this.#usable(caller) && this.#begin(patience, caller, keys.length)
    if (call) this.#client.read(name, keys, this.#outcome(call))
  }

  /** What is sent meanwhile goes out in one write. */
  inOneWrite(send: () => void): void {
    if (this.#node === undefined) return send()
    const { stream } = this.#client.redis
    stream.cork()
    try {
      send()
    } finally {
      stream.uncork()
    }
  }

  /** Sends commands in one write; each has its own answer, or its own error. */
  async callMany(patience: Patience, commands: readonly Command[]): Promise<readonly unknown[]> {
    if (this.#node === undefined) throw this.#away()
    const answers = await this.send(patience, (redis) => {
      const pipeline = redis.pipeline()
      for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args)
      return pipeline.exec()
    })
    if (!Array.isArray(answers) || answers.length !== commands.length) throw new ForebayError('E_REDIS_REPLY', 'answers are missing')
    return answers.map(([error, answer]: [unknown, unknown]) => (error ? this.#heed(error) : answer))
  }

  /** Sends on a connection that may not have been greeted yet. */
  send(patience: Patience, write: (redis: Redis) => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = this.#begin(patience, { resolve, reject }, 0)
      if (call === undefined) return
      write(this.#client.redis).then(
        (answer) => {
          if (this.#calls.end(call)) resolve(answer)
        },
        (error: unknown) => this.#fail(call, error),
      )
    })
  }

  #usable(caller: Caller): boolean {
    if (this.#node !== undefined) return true
    caller.reject(this.#away())
    return false
  }

  #outcome(call: Call, script?: string): Outcome {
    return {
      resolve: (answer) => {
        if (this.#calls.end(call)) call.caller.resolve(answer)
      },
      reject: (error) => this.#fail(call, error, script),
    }
  }

  #fail(call: Call, error: unknown, script?: string): void {
    const failure = this.#heed(error, script)
    if (this.#calls.end(call, this.#endingBy(failure))) call.caller.reject(failure)
  }

  #endingBy(failure: ForebayError): Ending {
    if (failure.code === 'E_REDIS_AWAY') this.#lost = true
    return failure.code === 'E_REDIS_AWAY' ? 'lost' : isUnavailable(failure) ? 'refused' : 'answered'
  }

  /** Nothing if the bound is reached: the caller has then been told. */
  #begin(patience: Patience, caller: Caller, reads: number): Call | undefined {
    if (this.#calls.owed < mostOwed) return this.#calls.begin(this.patienceMs(patience), caller, reads)
    caller.reject(new ForebayError('E_REDIS_DEADLINE', `${mostOwed} calls are under way already`))
    return undefined
  }

  /** How long one who asks now waits. */
  patienceMs(patience: Patience): number {
    const { deadlines, supervisor } = this.#options
    if (patience === 'read') return supervisor?.deadlineMs ?? deadlines.readMs
    if (patience === 'many') return deadlines.readMs
    if (patience === 'look') return deadlines.lookMs
    return patience === 'act' ? deadlines.actMs : patience
  }

  /** Makes the connection anew: another one may lead to another server. */
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
    this.#client.redis.disconnect()
  }

  /** Nobody waits for what is still owed: a silent server would keep callers until the connection is cut off. */
  abandon(): void {
    this.#calls.abandon(this.#away())
  }

  #listen(): void {
    const { redis } = this.#client
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
      if (this.#client.redis.stream === stream && this.#answered !== stream && !stream.destroyed) this.#sever()
    }
    clock.after(deadlines.handshakeMs, () => clock.afterInput(check))
  }

  /** The link is usable once the server has told its run id and the greeting has been answered, all on this one connection. */
  async #greet(stream: Redis['stream']): Promise<void> {
    const { redis } = this.#client
    const current = () => !this.#closed && redis.stream === stream && redis.status === 'ready' && this.#left !== stream
    if (!current()) return
    this.#told = false
    try {
      const node = await this.#runId()
      this.#answered = stream
      await this.#options.greet?.(this)
      if (!current()) return
      this.#node = node
      this.#told = false
      this.#proved = true
      this.#client.stands()
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

  /** A user who may not ask gets a name that ends with the connection: then nothing proven on another connection counts on this one. */
  async #runId(): Promise<string> {
    const { host, port } = this.address ?? { host: '', port: 0 }
    try {
      const info = String(await this.send('act', (redis) => redis.info('server')))
      const runId = /^run_id:(\w+)/m.exec(info)?.[1]
      if (runId !== undefined) return runId
    } catch (error) {
      if (failureOf(error).code !== 'E_REDIS_REFUSED') throw error
    }
    return `${host}:${port}#${this.#options.clock.now()}`
  }

  /** An error as one of ours, after what it means for the link has been seen to. */
  #heed(error: unknown, script?: string): ForebayError {
    const failure = failureOf(error)
    const reaction = reactionTo(failure)
    if (reaction === 'none' || this.#closed) return failure
    if (reaction === 'leave') {
      this.#failed(failure.message)
      this.#leave()
    } else if (this.#node !== undefined) {
      if (reaction === 'wait') this.#doubt(failure.message)
      else this.#options.news.refused(this.address, wordsOf(failure.message) + inScript(failure, script))
    }
    return failure
  }

  /** The connection is good, but the server serves nobody: the link counts as unusable until it can be greeted again. */
  #doubt(trouble: string): void {
    const { redis } = this.#client
    const { stream } = redis
    this.#told = false
    this.#failed(trouble)
    this.#cannotBeUsed()
    if (redis.mode === 'subscriber') return this.#leave() // it takes no greeting any more
    this.#options.clock.after(greetAgainMs, () => void (redis.stream === stream && this.#greet(stream)))
  }

  /** This connection will not do: the next one may lead to another server, or begin with another login. */
  #leave(): void {
    const { redis } = this.#client
    this.#cannotBeUsed()
    if (this.#closed || this.#left === redis.stream) return
    this.#left = redis.stream
    this.#client.refused()
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
  #sever(): void {
    const { redis } = this.#client
    const { stream, status } = redis
    this.#client.hurry(this.#node === undefined ? afterSilentHandshakeMs : atOnceMs)
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
    this.#trouble = this.#proved ? wordsOf(trouble) : withHint(wordsOf(trouble), this.#client.secure)
    this.#options.news.failed(this, this.address, this.#trouble)
  }

  /** The client hears a socket's first error only. A TLS handshake that is cut short can bring another, which would end the process. */
  #ignoreErrors(): void {
    const { stream } = this.#client.redis
    if (stream !== undefined && !stream.listeners('error').includes(ignore)) stream.on('error', ignore)
  }

  #connect(): void {
    const { redis, prepare } = this.#client
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
    const { redis, pauseMs } = this.#client
    if (this.#closed) return
    this.#options.clock.after(pauseMs(), () => {
      if (!this.#closed && (redis.status === 'end' || redis.status === 'wait')) this.#connect()
    })
  }

  #away(): ForebayError {
    return new ForebayError('E_REDIS_AWAY', this.trouble)
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
