import type { Timer } from '../core/clock.js'
import type { ShardGroup } from '../core/far-store.js'
import { Bell } from './bell.js'
import { clientOpener } from './client.js'
import { isMisplaced } from './failure.js'
import type { Link } from './link.js'
import { ReplicaLinks } from './replica-links.js'
import type { ReplicaReader } from './replica-reader.js'
import type { Address, SentinelPlan } from './plan.js'
import { SentinelWatch } from './sentinel-watch.js'
import { closeNode, nodeParts, openNode, type RedisNode, type Topology, type TopologyParts } from './topology.js'

/** How often the agreed number of shards is looked after: someone may have emptied the server without breaking our connection. */
const settleEveryMs = 5_000
const groupId = 'single'

/** All shards on one server, found by its address or by Sentinels. */
export class SingleTopology implements Topology {
  readonly #parts: TopologyParts
  readonly #watch: SentinelWatch | undefined
  /** Nothing until a Sentinel has said where. */
  #node: RedisNode | undefined
  readonly #replicas: ReplicaLinks | undefined
  #bell: Bell | undefined
  #timer: Timer | undefined
  #groups: readonly ShardGroup[] = []

  constructor(parts: TopologyParts) {
    const { plan } = parts
    this.#parts = parts
    const { clock, openReplica: open, deadlines, news } = parts
    this.#replicas = plan.replicas && new ReplicaLinks({ clock, open, deadlines, news })
    this.#replicas?.set(plan.replicas?.nodes ?? [])
    if (plan.sentinel === undefined) this.#goTo(plan.nodes[0])
    else this.#watch = this.#watchFor(plan.sentinel)
    this.#settleLater()
  }

  nodeFor(): RedisNode | undefined {
    return this.#node
  }

  nodeOfGroup(): RedisNode | undefined {
    return this.#node
  }

  nodes(): Iterable<RedisNode> {
    return this.#node === undefined ? [] : [this.#node]
  }

  replicaFor(): ReplicaReader | undefined {
    return this.#replicas?.next()
  }

  groups(): readonly ShardGroup[] {
    const { shards } = this.#parts.agreement
    if (this.#groups[0]?.shards.length !== shards) this.#groups = [{ id: groupId, shards: Array.from({ length: shards }, (_, i) => i) }]
    return this.#groups
  }

  trouble(): string {
    return this.#node?.commands.trouble ?? this.#watch?.trouble ?? ''
  }

  failed(_shard: number, error: unknown): void {
    if (isMisplaced(error)) this.#watch?.doubt()
  }

  close(): void {
    this.#timer?.cancel()
    this.#watch?.close()
    this.#replicas?.close()
    this.#leave()
  }

  /** A server elsewhere gets connections of its own, and those to the one before are closed at once, whatever they still wait for. */
  #goTo(address: Address | undefined): void {
    this.#leave()
    this.#node = openNode({
      ...nodeParts(this.#parts),
      address,
      writable: () => this.#parts.layout.config,
      greet: (link) => this.#greet(link, address),
      onUp: () => {
        this.#parts.onUp()
        this.#bell?.follow(this.#node?.questions.node)
      },
      onDown: () => this.#watch?.doubt(),
    })
  }

  #leave(): void {
    if (this.#node !== undefined) closeNode(this.#node)
    this.#bell?.close()
    this.#bell = undefined
  }

  /** Sentinels have a password, and certificates, of their own. */
  #watchFor(sentinel: SentinelPlan): SentinelWatch {
    const { plan } = this.#parts
    const { credentials, tls } = sentinel
    return new SentinelWatch({
      ...this.#parts,
      sentinel,
      open: clientOpener({ ...plan, credentials, tls, db: 0 }, this.#parts),
      isUsable: () => this.#node?.commands.node !== undefined,
      onMaster: (address) => this.#goTo(address),
    })
  }

  async #greet(link: Link, address: Address | undefined): Promise<void> {
    const { agreement, greet } = this.#parts
    await agreement.settle(link)
    await greet(link)
    this.#findReplicas(link)
    if (agreement.settled && link === this.#node?.commands) this.#bell ??= this.#listen(address)
  }

  #listen(address: Address | undefined): Bell {
    const { layout, agreement } = this.#parts
    const channels = new Map(Array.from({ length: agreement.shards }, (_, shard) => [layout.shard(shard).bell, shard] as const))
    return new Bell({ ...this.#parts, address, mode: 'single', channels })
  }

  #findReplicas(primary: Link): void {
    if (this.#parts.plan.replicas?.nodes.length === 0) void this.#replicas?.find(primary)
  }

  #settleLater(): void {
    this.#timer = this.#parts.clock.after(settleEveryMs, () => {
      this.#settleLater()
      const link = this.#node?.commands
      if (link?.node === undefined) return
      this.#parts.agreement.settle(link).catch(() => {}) // tried again on the next turn
      this.#findReplicas(link)
    })
  }
}
