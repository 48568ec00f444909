import type { Timer } from '../core/clock.js'
import type { ShardGroup } from '../core/far-store.js'
import { Bell } from './bell.js'
import { isMisplaced, movedTo } from './failure.js'
import { Link } from './link.js'
import type { Address } from './plan.js'
import { ReplicaLinks } from './replica-links.js'
import type { ReplicaReader } from './replica-reader.js'
import { idOf, primaryOf, replicasOf, type SlotRange, slotRangesOf } from './slot-map.js'
import { slotOf } from './slot.js'
import { closeNode, nodeParts, openNode, type RedisNode, type Topology, type TopologyParts } from './topology.js'

/** A primary, the shards it serves, and the bell on which their news comes. */
interface Member {
  readonly node: RedisNode
  readonly address: Address
  readonly replicas: ReplicaLinks | undefined
  shards: readonly number[]
  bell: Bell | undefined
}

/** The map is read this often when all is well. Pauses are half as long again by chance, so that processes do not ask together. */
const calmMs = 5_000
/**
 * This often while a shard has no usable node, or calls are sent elsewhere, and never more often, however many ask for it. The node that
 * takes over tells all others at once, so this is nearly all that finding it takes: it has to be well within what is promised.
 */
const uneasyMs = 150
/** After so long nobody is about to take over: an election takes seconds, once the node timeout, 15 s by default, is over. */
const uneasyForMs = 60_000
const resignedMs = 1_000
/** Group of the shards whose node is not known. */
const nowhere = 'nowhere'

/**
 * Shards spread over the primaries of a Cluster, by a slot map of our own: each primary gets plain connections, so that it is known which
 * node answered, nothing is sent twice, and the map is not read in a storm when a node dies.
 *
 * The map comes from any node that answers: first from scouts sent to the configured nodes, later from the members; when no member can be
 * reached, scouts go out again. What a node says by `MOVED` counts at once.
 */
export class ClusterTopology implements Topology {
  readonly #parts: TopologyParts
  readonly #members = new Map<string, Member>()
  #ranges: readonly SlotRange[] = []
  /** Shard → id of its member. */
  #owners: (string | undefined)[] = []
  #groups: readonly ShardGroup[] = []
  #scouts: readonly Link[] = []
  #timer: Timer | undefined
  #nextMs = Number.POSITIVE_INFINITY
  #lastMs = Number.NEGATIVE_INFINITY
  #uneasySinceMs: number | undefined
  #closed = false

  constructor(parts: TopologyParts) {
    this.#parts = parts
    this.#regroup()
    this.#refreshAt(parts.clock.now())
  }

  nodeFor(shard: number): RedisNode | undefined {
    return this.#members.get(this.#owners[shard] ?? nowhere)?.node
  }

  nodeOfGroup(id: string): RedisNode | undefined {
    return this.#members.get(id)?.node
  }

  nodes(): Iterable<RedisNode> {
    return Array.from(this.#members.values(), ({ node }) => node)
  }

  replicaFor(shard: number): ReplicaReader | undefined {
    return this.#members.get(this.#owners[shard] ?? nowhere)?.replicas?.next()
  }

  groups(): readonly ShardGroup[] {
    return this.#groups
  }

  trouble(shard: number): string {
    if (this.#closed) return 'closed'
    return (this.nodeFor(shard)?.commands ?? this.#scouts[0])?.trouble ?? 'no node is known for it'
  }

  failed(shard: number, error: unknown): void {
    const moved = movedTo(error)
    const asked = this.#members.get(this.#owners[shard] ?? nowhere)?.address
    if (moved !== undefined) this.#move(shard, { host: moved.host || (asked?.host ?? ''), port: moved.port })
    if (isMisplaced(error) || this.nodeFor(shard)?.commands.node === undefined) this.#refreshSoon()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#dismiss()
    for (const id of this.#members.keys()) this.#part(id)
  }

  /** Also called when the number of shards has just become known. */
  #learn(ranges: readonly SlotRange[]): void {
    const { agreement, layout } = this.#parts
    this.#ranges = ranges
    const ownerOf = (tag: string) => {
      const primary = primaryOf(ranges, slotOf(tag))
      return primary && this.#join(primary)
    }
    const config = ownerOf(layout.configTag)
    this.#owners = agreement.settled ? Array.from({ length: agreement.shards }, (_, shard) => ownerOf(layout.shard(shard).tag)) : []
    for (const id of this.#members.keys()) if (id !== config && !this.#owners.includes(id)) this.#part(id)
    for (const [id, { replicas }] of this.#members) replicas?.set(replicasOf(ranges, id))
    this.#regroup()
  }

  #move(shard: number, to: Address): void {
    const id = this.#join(to)
    if (this.#owners[shard] === id) return
    this.#owners[shard] = id
    this.#regroup()
  }

  #join(address: Address): string {
    const id = idOf(address)
    if (this.#members.has(id)) return id
    const { layout } = this.#parts
    const greet = (link: Link) => this.#greet(link, id)
    const writable = () => {
      const shard = this.#members.get(id)?.shards[0]
      return shard === undefined ? undefined : layout.shard(shard).meta
    }
    const node = openNode({ ...nodeParts(this.#parts), address, writable, greet, onDown: () => this.#refreshSoon() })
    this.#members.set(id, { node, address, replicas: this.#openReplicas(), shards: [], bell: undefined })
    return id
  }

  #openReplicas(): ReplicaLinks | undefined {
    const { clock, openReplica: open, deadlines, news, plan } = this.#parts
    // Without this a replica sends every reader away to its primary.
    const greet = async (link: Link) => void (await link.send('act', (redis) => redis.readonly()))
    return plan.replicas && new ReplicaLinks({ clock, open, deadlines, news, greet })
  }

  #part(id: string): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.delete(id)
    closeNode(member.node)
    member.replicas?.close()
    member.bell?.close()
  }

  /** The node with the config key is where the number of shards is agreed on. */
  async #greet(link: Link, id: string): Promise<void> {
    const { agreement, layout, greet } = this.#parts
    const config = primaryOf(this.#ranges, slotOf(layout.configTag))
    if (config !== undefined && idOf(config) === id) {
      try {
        await agreement.settle(link)
      } catch (error) {
        this.#refreshSoon()
        throw error
      }
      if (this.#owners.length === 0) this.#learn(this.#ranges)
    }
    await greet(link)
  }

  #regroup(): void {
    const { shards } = this.#parts.agreement
    const served = new Map<string, number[]>()
    for (let shard = 0; shard < shards; shard++) {
      const id = this.#owners[shard] ?? nowhere
      served.set(id, [...(served.get(id) ?? []), shard])
    }
    this.#groups = [...served].map(([id, own]) => ({ id, shards: own }))
    for (const [id, member] of this.#members) this.#listen(member, served.get(id) ?? [])
  }

  /** A bell's channels never change: a server ends the subscription of a slot that leaves it, and a new connection is the plainest answer. */
  #listen(member: Member, shards: readonly number[]): void {
    if (member.shards.length === shards.length && member.shards.every((shard, i) => shard === shards[i])) return
    const { layout } = this.#parts
    member.shards = shards
    member.bell?.close()
    const channels = new Map(shards.map((shard) => [layout.shard(shard).bell, shard] as const))
    member.bell = channels.size === 0 ? undefined : new Bell({ ...this.#parts, address: member.address, mode: 'cluster', channels })
  }

  #refreshSoon(): void {
    this.#refreshAt(Math.max(this.#parts.clock.now(), this.#lastMs + this.#pauseMs()))
  }

  #pauseMs(): number {
    const { clock, random } = this.#parts
    const sinceMs = this.#uneasySinceMs ?? clock.now()
    return (clock.now() - sinceMs < uneasyForMs ? uneasyMs : resignedMs) * (1 + random.unit() / 2)
  }

  #refreshAt(atMs: number): void {
    if (this.#closed || atMs >= this.#nextMs) return
    const { clock } = this.#parts
    this.#nextMs = atMs
    this.#timer?.cancel()
    this.#timer = clock.after(Math.max(0, atMs - clock.now()), () => void this.#refresh())
  }

  async #refresh(): Promise<void> {
    const { clock, random, agreement, layout } = this.#parts
    this.#lastMs = clock.now()
    this.#nextMs = Number.POSITIVE_INFINITY
    const links = [...this.#members.values()].map(({ node }) => node.commands).filter(({ node }) => node !== undefined)
    const link = links[Math.floor(random.unit() * links.length)]
    if (link === undefined) this.#scout()
    else {
      await this.#read(link).catch(() => {}) // another member is asked next time
      this.#dismiss()
      const config = this.#members.get(idOf(primaryOf(this.#ranges, slotOf(layout.configTag)) ?? { host: '', port: 0 }))?.node.commands
      if (config?.node !== undefined) await agreement.settle(config).catch(() => {}) // so is this
    }
    const calm = this.#owners.length > 0 && this.#owners.every((_, shard) => this.nodeFor(shard)?.commands.node !== undefined)
    this.#uneasySinceMs = calm ? undefined : (this.#uneasySinceMs ?? clock.now())
    this.#refreshAt(clock.now() + (calm ? calmMs * (1 + random.unit() / 2) : this.#pauseMs()))
  }

  async #read(link: Link): Promise<void> {
    const reply = await link.send('act', (redis) => redis.call('CLUSTER', 'SLOTS'))
    const ranges = slotRangesOf(reply, link.address?.host ?? '')
    if (!this.#closed && ranges.length > 0) this.#learn(ranges)
  }

  /** No member can be reached; they go on trying by themselves, but all may have moved. */
  #scout(): void {
    if (this.#closed || this.#scouts.length > 0) return
    const { clock, open, deadlines, news, plan } = this.#parts
    const greet = async (link: Link) => {
      await this.#read(link)
      this.#dismiss()
    }
    this.#scouts = plan.nodes.map((address) => new Link({ clock, open, deadlines, news, address, greet }))
  }

  #dismiss(): void {
    for (const scout of this.#scouts) scout.close()
    this.#scouts = []
  }
}
