import { type Notice, parseNotice } from '../core/notice.js'
import { Link, type LinkParts } from './link.js'
import type { Address, RedisMode } from './plan.js'
import { Pulse } from './pulse.js'

export interface BellOptions extends LinkParts {
  readonly address: Address | undefined
  readonly mode: RedisMode
  /** Channel → shard. */
  readonly channels: ReadonlyMap<string, number>
  readonly hear: (shard: number, notice: Notice) => void
}

/**
 * The connection that listens to the shards' bells. It has one of its own, because a subscribed connection takes no other commands on
 * RESP2, and is cut by the server when large replies pile up on it. A push that is lost costs a replay, nothing more.
 */
export class Bell {
  readonly #link: Link
  readonly #options: BellOptions
  readonly #pulse: Pulse

  constructor(options: BellOptions) {
    this.#options = options
    this.#link = new Link({
      ...options,
      greet: (link) => this.#subscribe(link),
      onMessage: (channel, message) => this.#heard(channel, message),
    })
    this.#pulse = new Pulse(options.clock, this.#link)
  }

  /** The primary is this server now. One that has become its replica would go on ringing, but only for as long as it is in step. */
  follow(node: string | undefined): void {
    if (this.#link.node !== undefined && node !== undefined && this.#link.node !== node) this.#link.renew()
  }

  close(): void {
    this.#pulse.stop()
    this.#link.close()
  }

  /** In a Cluster the channels lie in different slots, so each is a command of its own. */
  async #subscribe(link: Link): Promise<void> {
    const channels = [...this.#options.channels.keys()]
    if (channels.length === 0) return
    if (this.#options.mode === 'single') await link.send('act', (client) => client.subscribe(...channels))
    else await Promise.all(channels.map((channel) => link.send('act', (client) => client.ssubscribe(channel))))
  }

  #heard(channel: Buffer, message: Buffer): void {
    const shard = this.#options.channels.get(channel.toString())
    const notice = parseNotice(message.toString())
    if (shard !== undefined && notice !== undefined) this.#options.hear(shard, notice)
  }
}
