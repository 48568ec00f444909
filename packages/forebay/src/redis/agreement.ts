import { ForebayError } from '../core/errors.js'
import type { Layout } from './layout.js'
import type { Link } from './link.js'
import { defaultShards, mostShards, type RedisPlan } from './plan.js'
import { textOf } from './replies.js'

/** Version of the log's notices, kept beside the number of shards. */
const logFormat = 1

/**
 * The number of shards that all processes of a service share. The first one writes it; who asks for none adopts it; who asks for another
 * does not take part. Settled on each new connection, so that a server that came back empty gets it again before anything else.
 */
export class Agreement {
  readonly #plan: RedisPlan
  readonly #layout: Layout
  readonly #onShards: (shards: number) => void
  #shards: number | undefined
  #problem: ForebayError | undefined
  #waiting: { readonly resolve: () => void; readonly reject: (error: ForebayError) => void }[] = []

  constructor(plan: RedisPlan, layout: Layout, onShards: (shards: number) => void) {
    this.#plan = plan
    this.#layout = layout
    this.#onShards = onShards
  }

  /** The number to reckon with: agreed, or what it would be if this process were the first. */
  get shards(): number {
    return this.#shards ?? this.#plan.shards ?? defaultShards[this.#plan.mode]
  }

  /** Why this process must stay away; `undefined` while nothing is wrong. */
  get problem(): ForebayError | undefined {
    return this.#problem
  }

  get settled(): boolean {
    return this.#shards !== undefined && this.#problem === undefined
  }

  /** Resolves when the number is agreed on; rejects when this process asks for another one. */
  reached(): Promise<void> {
    if (this.#problem !== undefined) return Promise.reject(this.#problem)
    if (this.settled) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Writes the number if there is none, and compares. Only then is anything written: a full server must not refuse what it knows. */
  async settle(link: Link): Promise<void> {
    const { config } = this.#layout
    const read = () => link.send('act', (client) => client.getBuffer(config))
    let stored = await read()
    if (stored === null) {
      await link.send('act', (client) => client.set(config, `${logFormat} ${this.shards}`, 'NX'))
      stored = await read()
    }
    this.#compare(stored === null ? '' : textOf(stored))
  }

  #compare(stored: string): void {
    const match = /^(\d+) (\d+)$/.exec(stored)
    const shards = Number(match?.[2])
    if (Number(match?.[1]) !== logFormat || !(shards >= 1 && shards <= mostShards)) {
      return this.#refuse(new ForebayError('E_REDIS_REPLY', `${this.#layout.config} holds ${JSON.stringify(stored.slice(0, 40))}`))
    }
    const own = this.#shards ?? this.#plan.shards
    if (own !== undefined && own !== shards) {
      return this.#refuse(new ForebayError('E_REDIS_SHARDS', `the service uses ${shards} shards, this process ${own}`))
    }
    this.#accept(shards)
  }

  #refuse(problem: ForebayError): void {
    this.#problem = problem
    for (const { reject } of this.#waiting.splice(0)) reject(problem)
  }

  #accept(shards: number): void {
    this.#problem = undefined
    if (this.#shards === undefined) {
      this.#shards = shards
      this.#onShards(shards)
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }
}
