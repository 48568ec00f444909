import type { Timer } from '../core/clock.js'
import type { ShardGroup } from '../core/far-store.js'
import { Bell } from './bell.js'
import type { Link } from './link.js'
import { closeNode, openNode, type RedisNode, type Topology, type TopologyParts } from './topology.js'

/** How often the agreed number of shards is looked after: someone may have emptied the server without breaking our connection. */
const settleEveryMs = 5_000
const groupId = 'single'

/** All shards on one server, found by its address or by Sentinels. */
export class SingleTopology implements Topology {
  readonly #parts: TopologyParts
  readonly #node: RedisNode
  #bell: Bell | undefined
  #timer: Timer | undefined
  #groups: readonly ShardGroup[] = []

  constructor(parts: TopologyParts) {
    const { clock, open, deadlines, news, plan, layout } = parts
    this.#parts = parts
    this.#node = openNode({
      clock,
      open,
      deadlines,
      news,
      address: plan.nodes[0],
      writable: () => layout.config,
      greet: (link) => this.#greet(link),
    })
    this.#settleLater()
  }

  nodeFor(): RedisNode {
    return this.#node
  }

  nodeOfGroup(): RedisNode {
    return this.#node
  }

  groups(): readonly ShardGroup[] {
    const { shards } = this.#parts.agreement
    if (this.#groups[0]?.shards.length !== shards) this.#groups = [{ id: groupId, shards: Array.from({ length: shards }, (_, i) => i) }]
    return this.#groups
  }

  trouble(): string {
    return this.#node.commands.trouble
  }

  failed(): void {
    // There is nowhere else to look.
  }

  close(): void {
    this.#timer?.cancel()
    closeNode(this.#node)
    this.#bell?.close()
  }

  async #greet(link: Link): Promise<void> {
    const { agreement, greet } = this.#parts
    await agreement.settle(link)
    await greet(link)
    if (agreement.settled) this.#bell ??= this.#listen()
  }

  #listen(): Bell {
    const { plan, layout, agreement } = this.#parts
    const channels = new Map(Array.from({ length: agreement.shards }, (_, shard) => [layout.shard(shard).bell, shard] as const))
    return new Bell({ ...this.#parts, address: plan.nodes[0], mode: 'single', channels })
  }

  #settleLater(): void {
    this.#timer = this.#parts.clock.after(settleEveryMs, () => {
      this.#settleLater()
      const { commands } = this.#node
      if (commands.node !== undefined) this.#parts.agreement.settle(commands).catch(() => {}) // tried again on the next turn
    })
  }
}
