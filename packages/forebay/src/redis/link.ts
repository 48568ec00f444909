import type { Redis } from 'ioredis'
import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import { Calls } from './calls.js'
import type { OpenClient } from './client.js'
import { failureOf } from './failure.js'
import type { Address, Deadlines } from './plan.js'

/** What a command takes. */
export type Argument = string | number | Buffer
export type Command = readonly [name: string, ...args: readonly Argument[]]
/** How long a caller waits: a read, or a script or question. */
export type Patience = 'read' | 'act'

export interface LinkParts {
  readonly clock: Clock
  readonly open: OpenClient
  readonly deadlines: Deadlines
}

export interface LinkOptions extends LinkParts {
  readonly address: Address | undefined
  /** What has to be done on each new connection before the link counts as usable; tried again while it rejects. */
  readonly greet?: ((link: Link) => Promise<void>) | undefined
  readonly onMessage?: ((channel: Buffer, message: Buffer) => void) | undefined
  readonly onDown?: (() => void) | undefined
}

/** A bound for what the client itself would queue without end. */
const mostOwed = 10_000
const greetAgainMs = 250

/**
 * One connection to one server, made anew whenever it breaks. A call is one attempt: it is answered, or rejected within its deadline with
 * one of our errors, or at once where there is no usable connection. Nothing is queued while it is away, and nothing is sent twice.
 */
export class Link {
  readonly address: Address | undefined
  readonly #options: LinkOptions
  readonly #client: Redis
  readonly #calls: Calls
  #node: string | undefined
  #closed = false
  #lastError = 'not connected yet'

  constructor(options: LinkOptions) {
    const { clock, deadlines, address } = options
    this.#options = options
    this.address = address
    this.#calls = new Calls(clock, { afterMs: deadlines.silentMs, onSilent: () => this.#sever() })
    this.#client = options.open(address)
    this.#listen()
    this.#connect()
  }

  /** Run id of the server at the other end; `undefined` while the link cannot be used. */
  get node(): string | undefined {
    return this.#node
  }

  /** Sends one command. */
  call(patience: Patience, name: string, args: readonly Argument[]): Promise<unknown> {
    if (this.#node === undefined) return Promise.reject(this.#away())
    return this.send(patience, (client) => client.callBuffer(name, ...args))
  }

  /** Sends commands in one write; each has its own answer, or its own error. */
  async callMany(patience: Patience, commands: readonly Command[]): Promise<readonly unknown[]> {
    if (this.#node === undefined) throw this.#away()
    const answers = await this.send(patience, (client) => {
      const pipeline = client.pipeline()
      for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args)
      return pipeline.exec()
    })
    if (!Array.isArray(answers) || answers.length !== commands.length) throw new ForebayError('E_REDIS_REPLY', 'answers are missing')
    return answers.map(([error, answer]: [unknown, unknown]) => (error ? failureOf(error) : answer))
  }

  /** Sends on a connection that may not have been greeted yet. */
  send(patience: Patience, write: (client: Redis) => Promise<unknown>): Promise<unknown> {
    if (this.#calls.owed >= mostOwed) return Promise.reject(new ForebayError('E_REDIS_DEADLINE', `${mostOwed} calls are under way already`))
    return new Promise((resolve, reject) => {
      const waitMs = patience === 'read' ? this.#options.deadlines.readMs : this.#options.deadlines.actMs
      const call = this.#calls.begin(waitMs, () => reject(new ForebayError('E_REDIS_DEADLINE', `no answer within ${waitMs} ms`)))
      write(this.#client).then(
        (answer) => {
          if (this.#calls.end(call)) resolve(answer)
        },
        (error: unknown) => {
          if (this.#calls.end(call)) reject(failureOf(error))
        },
      )
    })
  }

  close(): void {
    this.#closed = true
    this.#node = undefined
    this.#lastError = 'closed'
    this.#client.disconnect()
  }

  #listen(): void {
    const client = this.#client
    const { onMessage } = this.#options
    client.on('ready', () => void this.#greet(client.stream))
    client.on('close', () => this.#down())
    client.on('end', () => this.#connectLater())
    client.on('error', (error: unknown) => {
      this.#lastError = failureOf(error).message
    })
    if (onMessage === undefined) return
    client.on('messageBuffer', onMessage)
    client.on('smessageBuffer', onMessage)
  }

  /** The link is usable once the server has told its run id and the greeting has been answered, all on this one connection. */
  async #greet(stream: Redis['stream']): Promise<void> {
    const current = () => !this.#closed && this.#client.stream === stream && this.#client.status === 'ready'
    try {
      const node = await this.#runId()
      await this.#options.greet?.(this)
      if (current()) this.#node = node
    } catch (error) {
      this.#lastError = failureOf(error).message
      if (current()) this.#options.clock.after(greetAgainMs, () => void (current() && this.#greet(stream)))
    }
  }

  /** A user who may not ask gets a name that ends with the connection: then nothing proven on another connection counts on this one. */
  async #runId(): Promise<string> {
    const { host, port } = this.address ?? { host: '', port: 0 }
    try {
      const info = String(await this.send('act', (client) => client.info('server')))
      const runId = /^run_id:(\w+)/m.exec(info)?.[1]
      if (runId !== undefined) return runId
    } catch (error) {
      if (failureOf(error).code !== 'E_REDIS_REFUSED') throw error
    }
    return `${host}:${port}#${this.#options.clock.now()}`
  }

  #down(): void {
    this.#node = undefined
    this.#options.onDown?.()
  }

  /** Nothing has come for too long: the connection is given up with a reset, so that the server does not wait for us either. */
  #sever(): void {
    const { stream, status } = this.#client
    this.#lastError = 'the server is silent'
    this.#node = undefined
    if (this.#closed || status !== 'ready' || stream.destroyed) return
    try {
      stream.resetAndDestroy()
    } catch {
      stream.destroy() // not a plain TCP socket: it cannot be reset
    }
    this.#client.disconnect(true)
  }

  #connect(): void {
    this.#client.connect().catch(() => {}) // told by the events too
  }

  /** The client gives up by itself where a connection cannot even be begun; we do not. */
  #connectLater(): void {
    if (this.#closed) return
    this.#options.clock.after(greetAgainMs, () => {
      if (!this.#closed && this.#client.status === 'end') this.#connect()
    })
  }

  #away(): ForebayError {
    return new ForebayError('E_REDIS_AWAY', this.#lastError.replace(/^E_\w+: /, ''))
  }
}
