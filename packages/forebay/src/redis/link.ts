import type { Redis } from 'ioredis'
import { ForebayError } from '../core/errors.js'
import type { Ending } from '../core/supervisor/supervisor.js'
import { type Call, type Caller, Calls } from './calls.js'
import type { Argument, Outcome } from './client.js'
import { Connection, type ConnectionOptions, type ConnectionParts } from './connection.js'
import { failureOf, isUnavailable, isUnknownScript } from './failure.js'
import type { Address } from './plan.js'

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

/** What every link is made of. */
export type LinkParts = ConnectionParts

export interface LinkOptions extends Omit<ConnectionOptions, 'askName' | 'greet'> {
  /** What has to be done on each new connection before the link counts as usable; tried again while it rejects. */
  readonly greet?: ((link: Link) => Promise<void>) | undefined
}

/** A bound for what the client itself would queue without end. */
const mostOwed = 10_000

/**
 * Calls to one server over a connection that is made anew whenever it breaks. A call is one attempt: it is answered, or rejected within its
 * deadline with one of our errors, or at once where there is no usable connection. Nothing is queued while it is away, and nothing is sent
 * twice.
 */
export class Link {
  readonly address: Address | undefined
  readonly #options: LinkOptions
  readonly #calls: Calls
  readonly #connection: Connection
  /** Digests of the scripts whose texts are under way. */
  readonly #textsAhead = new Set<string>()

  constructor(options: LinkOptions) {
    const { clock, deadlines, address, supervisor, greet } = options
    this.#options = options
    this.address = address
    this.#calls = new Calls(clock, { afterMs: deadlines.silentMs, onSilent: () => this.#connection.sever(), supervisor })
    this.#connection = new Connection({ ...options, askName: () => this.#runId(), greet: async () => greet?.(this) })
  }

  /** Run id of the server at the other end; `undefined` while the link cannot be used. */
  get node(): string | undefined {
    return this.#connection.node
  }

  /** What went wrong last. */
  get trouble(): string {
    return this.#connection.trouble
  }

  /** Sends one command. */
  call(patience: Patience, name: string, args: readonly Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = this.#usable({ resolve, reject }) && this.#begin(patience, { resolve, reject }, 0)
      if (call) this.#connection.client.send(name, args, this.#outcome(call))
    })
  }

  /**
   * Runs a script by its digest. To a server that does not know it its text is sent, within the same deadline, and once however many run it:
   * who is told meanwhile that it is not known sends its digest again, behind the text. No other error is tried again here.
   */
  script(patience: Patience, { name, sha, text }: Script, args: readonly Argument[]): Promise<unknown> {
    const isLook = patience !== 'act'
    return new Promise((resolve, reject) => {
      const call = this.#usable({ resolve, reject }) && this.#begin(patience, { resolve, reject }, isLook ? 1 : 0)
      if (!call) return
      const outcome = this.#outcome(call, name)
      const byText = () => this.#sendText(sha, [text, ...args], outcome)
      const byDigest = (unknown: () => void) => {
        const failed = (error: unknown) => {
          if (!isUnknownScript(error) || call.over || this.node === undefined) outcome.reject(error)
          else unknown()
        }
        this.#connection.client.send('EVALSHA', [sha, ...args], { resolve: outcome.resolve, reject: failed })
      }
      byDigest(() => (this.#textsAhead.has(sha) ? byDigest(byText) : byText()))
    })
  }

  #sendText(sha: string, args: readonly Argument[], { resolve, reject }: Outcome): void {
    this.#textsAhead.add(sha)
    const arrived =
      <T>(tell: (what: T) => void) =>
      (what: T): void => {
        this.#textsAhead.delete(sha)
        tell(what)
      }
    this.#connection.client.send('EVAL', args, { resolve: arrived(resolve), reject: arrived(reject) })
  }

  /** A read whose caller keeps the promise: on this path each one counts. */
  read(name: string, keys: readonly string[], caller: Caller, patience: Patience = 'read'): void {
    const call = this.#usable(caller) && this.#begin(patience, caller, keys.length)
    if (call) this.#connection.client.read(name, keys, this.#outcome(call))
  }

  /** What is sent meanwhile goes out in one write. */
  inOneWrite(send: () => void): void {
    if (this.node === undefined) return send()
    const { stream } = this.#connection.client.redis
    stream.cork()
    try {
      send()
    } finally {
      stream.uncork()
    }
  }

  /** Sends commands in one write; each has its own answer, or its own error. */
  async callMany(patience: Patience, commands: readonly Command[]): Promise<readonly unknown[]> {
    if (this.node === undefined) throw this.#away()
    const answers = await this.send(patience, (redis) => {
      const pipeline = redis.pipeline()
      for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args)
      return pipeline.exec()
    })
    if (!Array.isArray(answers) || answers.length !== commands.length) throw new ForebayError('E_REDIS_REPLY', 'answers are missing')
    return answers.map(([error, answer]: [unknown, unknown]) => (error ? this.#connection.heed(error) : answer))
  }

  /** Sends on a connection that may not have been greeted yet. */
  send(patience: Patience, write: (redis: Redis) => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = this.#begin(patience, { resolve, reject }, 0)
      if (call === undefined) return
      write(this.#connection.client.redis).then(
        (answer) => {
          if (this.#calls.end(call)) resolve(answer)
        },
        (error: unknown) => this.#fail(call, error),
      )
    })
  }

  #usable(caller: Caller): boolean {
    if (this.node !== undefined) return true
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
    const failure = this.#connection.heed(error, script)
    if (this.#calls.end(call, this.#endingBy(failure))) call.caller.reject(failure)
  }

  #endingBy(failure: ForebayError): Ending {
    if (failure.code === 'E_REDIS_AWAY') this.#connection.lose()
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
    this.#connection.renew()
  }

  close(): void {
    this.#connection.close()
  }

  /** Nobody waits for what is still owed: a silent server would keep callers until the connection is cut off. */
  abandon(): void {
    this.#calls.abandon(this.#away())
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

  #away(): ForebayError {
    return new ForebayError('E_REDIS_AWAY', this.trouble)
  }
}
