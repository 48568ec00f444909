import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { Agreement } from './agreement.js'
import type { Link } from './link.js'
import type { RedisNode, Topology } from './topology.js'

export interface ShardNodesParts {
  readonly agreement: Agreement
  readonly topology: Topology
  readonly clock: Clock
}

/** Where the acts on a shard go. Nowhere before the number of shards is agreed on; and what fails there is told to the topology. */
export class ShardNodes {
  readonly #parts: ShardNodesParts

  constructor(parts: ShardNodesParts) {
    this.#parts = parts
  }

  /** The shard's node, whether or not it can be used; none while it is not known. */
  of(shard: number): RedisNode | undefined {
    const { agreement, topology } = this.#parts
    return agreement.settled ? topology.nodeFor(shard) : undefined
  }

  /** The node of a group of shards, of which one is told for the error's text. */
  ofGroup(id: string, shard: number): RedisNode {
    return this.#usable(this.#parts.topology.nodeOfGroup(id), shard)
  }

  async act<T>(shard: number, act: (link: Link) => Promise<T>): Promise<T> {
    const { topology } = this.#parts
    const { commands } = this.#usable(topology.nodeFor(shard), shard)
    try {
      return await act(commands)
    } catch (error) {
      topology.failed(shard, error)
      throw error
    }
  }

  /** An act that a reader waits for: turned away while its server has too much to do. */
  async look<T>(shard: number, act: (link: Link) => Promise<T>): Promise<T> {
    const { topology, clock } = this.#parts
    const { supervisor } = this.#usable(topology.nodeFor(shard), shard)
    if (supervisor.room() <= 0) throw supervisor.shed(1, clock.now())
    return this.act(shard, act)
  }

  /** Why the shard cannot be asked. */
  away(shard: number): ForebayError {
    const { agreement, topology } = this.#parts
    return agreement.problem ?? new ForebayError('E_REDIS_AWAY', topology.trouble(shard))
  }

  #usable(node: RedisNode | undefined, shard: number): RedisNode {
    if (node === undefined || !this.#parts.agreement.settled) throw this.away(shard)
    return node
  }
}
