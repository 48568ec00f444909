import type { Bytes } from '../core/bytes.js'
import { ForebayError } from '../core/errors.js'
import type { EntryAddress, ReplicaAnswer } from '../core/far-store.js'
import { orError } from '../core/settled.js'
import type { Agreement } from './agreement.js'
import { movedTo } from './failure.js'
import type { Layout } from './layout.js'
import { lateOnesOnceMore, onceMore } from './once-more.js'
import type { ShardNodes } from './shard-nodes.js'
import type { RedisNode, Topology } from './topology.js'

export interface PlainReadsParts {
  readonly layout: Layout
  readonly agreement: Agreement
  readonly topology: Topology
  readonly nodes: ShardNodes
  /** Whether shards lie in slots: then they share no command. */
  readonly slotted: boolean
  /** Whether late reads are tried once more. */
  readonly retries: boolean
}

type Brought = Bytes | undefined | ForebayError

/** The reads that are one command and prove nothing: each goes to the node of its shard, and in a Cluster once more to where that has moved. */
export class PlainReads {
  readonly #parts: PlainReadsParts

  constructor(parts: PlainReadsParts) {
    this.#parts = parts
  }

  get(at: EntryAddress): Promise<Bytes | undefined> {
    return this.#parts.retries ? onceMore(() => this.#get(at)) : this.#get(at)
  }

  getMany(ats: readonly EntryAddress[]): Promise<readonly Brought[]> {
    return this.#parts.retries ? lateOnesOnceMore(ats, (some) => this.#getMany(some)) : this.#getMany(ats)
  }

  /** Nothing where no replica can be asked. */
  getAtReplica(at: EntryAddress): Promise<ReplicaAnswer> | undefined {
    const { layout, agreement, topology, slotted } = this.#parts
    const { meta, entry } = layout.shard(at.shard)
    const reader = agreement.settled ? topology.replicaFor(at.shard) : undefined
    return reader?.get(slotted ? at.shard : 0, { meta, key: entry(at) })
  }

  #get(at: EntryAddress): Promise<Bytes | undefined> {
    const { layout, slotted, nodes } = this.#parts
    const node = nodes.of(at.shard)
    if (node === undefined) return Promise.reject(nodes.away(at.shard))
    const key = layout.shard(at.shard).entry(at)
    return slotted ? this.#readInSlot(node, at.shard, key) : node.reader.get(0, key)
  }

  async #getMany(ats: readonly EntryAddress[]): Promise<readonly Brought[]> {
    if (!this.#parts.slotted) return this.#readTogether(0, ats)
    const inSlots = new Map<number, number[]>()
    ats.forEach(({ shard }, i) => {
      const places = inSlots.get(shard)
      if (places === undefined) inSlots.set(shard, [i])
      else places.push(i)
    })
    const found: Brought[] = new Array(ats.length)
    const reads = Array.from(inSlots, async ([shard, places]) => {
      const some = places.map((i) => ats[i] as EntryAddress)
      const read = await this.#readTogether(shard, some)
      places.forEach((i, n) => {
        found[i] = read[n]
      })
    })
    await Promise.all(reads)
    return found
  }

  /** Keys of one slot, or of a server without slots. Those that were sent away are read one by one, where they belong. */
  async #readTogether(shard: number, ats: readonly EntryAddress[]): Promise<readonly Brought[]> {
    const { layout, topology, slotted, nodes } = this.#parts
    const node = nodes.of(shard)
    if (node === undefined) return ats.map(() => nodes.away(shard))
    const found = await node.reader.getMany(ats.map((at) => layout.shard(at.shard).entry(at)))
    if (!slotted) return found
    const failed = found.find((one) => one instanceof ForebayError)
    if (failed !== undefined) topology.failed(shard, failed)
    return Promise.all(
      found.map((one, i) => (one instanceof ForebayError && movedTo(one) ? orError(this.#get(ats[i] as EntryAddress)) : one)),
    )
  }

  /** A read that was sent away has not happened, so it is made once more where it belongs. */
  async #readInSlot(node: RedisNode, shard: number, key: string): Promise<Bytes | undefined> {
    const { topology } = this.#parts
    try {
      return await node.reader.get(shard, key)
    } catch (error) {
      topology.failed(shard, error)
      const next = topology.nodeFor(shard)
      if (movedTo(error) === undefined || next === undefined || next === node) throw error
      return next.reader.get(shard, key)
    }
  }
}
