import type { Random } from '../core/clock.js'
import { HealthLoop } from '../core/supervisor/health-loop.js'
import type { Supervisor } from '../core/supervisor/supervisor.js'
import type { ShardGroup } from '../core/far-store.js'
import type { Notice } from '../core/notice.js'
import type { Agreement } from './agreement.js'
import type { OpenClient } from './client.js'
import { isMisplaced } from './failure.js'
import type { Layout } from './layout.js'
import { Link, type LinkParts } from './link.js'
import type { Address, RedisPlan } from './plan.js'
import { Reader } from './reader.js'
import type { ReplicaReader } from './replica-reader.js'

/** One server and our connections to it. Questions have one of their own, so that a large value does not delay a proof. */
export interface RedisNode {
  readonly commands: Link
  readonly questions: Link
  readonly reader: Reader
  readonly supervisor: Supervisor
  readonly health: HealthLoop
}

/** Which server serves which shard. */
export interface Topology {
  /** The node for a shard; `undefined` while it is not known. */
  nodeFor(shard: number): RedisNode | undefined
  groups(): readonly ShardGroup[]
  nodeOfGroup(id: string): RedisNode | undefined
  /** All that are known. */
  nodes(): Iterable<RedisNode>
  /** A replica of the shard's server that can be asked now. */
  replicaFor(shard: number): ReplicaReader | undefined
  /** Why a shard cannot be used, as far as it is known. */
  trouble(shard: number): string
  /** A call for this shard failed: perhaps the shard is elsewhere now. */
  failed(shard: number, error: unknown): void
  close(): void
}

/** What both kinds of topology are made of. */
export interface TopologyParts extends NodeParts {
  readonly random: Random
  readonly plan: RedisPlan
  readonly layout: Layout
  readonly agreement: Agreement
  /** Opens clients of replicas. */
  readonly openReplica: OpenClient
  readonly hear: (shard: number, notice: Notice) => void
  /** What else is done on each new connection for commands. */
  readonly greet: (link: Link) => Promise<void>
}

/** What every node is made of. */
export interface NodeParts extends LinkParts {
  readonly supervise: (address: Address | undefined) => Supervisor
  /** A node can be used again. */
  readonly onUp: () => void
}

export interface NodeOptions extends NodeParts {
  readonly address: Address | undefined
  /** What has to be done on each new connection for commands. */
  readonly greet?: ((link: Link) => Promise<void>) | undefined
  /** A key of this server by which to see whether it takes writes; looked up when it is needed. */
  readonly writable: () => string | undefined
  readonly onDown?: (() => void) | undefined
}

/** Of a topology's parts those that its nodes are made of. */
export function nodeParts({ clock, open, deadlines, news, supervise, onUp }: NodeParts): NodeParts {
  return { clock, open, deadlines, news, supervise, onUp }
}

/** A turn of the health loop that finds nothing due costs a comparison. */
const lookEveryMs = 100

/** Opens the connections to one server. They count as usable only while it takes writes: what cannot be fenced must not be read. */
export function openNode({ greet, writable, supervise, onUp, ...options }: NodeOptions): RedisNode {
  const { clock, open, deadlines, news, address } = options
  const check = async (link: Link) => {
    const key = writable()
    if (key !== undefined) await checkWritable(link, key)
  }
  const supervisor = supervise(address)
  const commands = new Link({ ...options, supervisor, greet: async (link) => void (await Promise.all([check(link), greet?.(link)])) })
  const health = new HealthLoop({ clock, supervisor, lookEveryMs, check: () => commands.call(deadlines.readMs, 'ping', []) })
  const questions = new Link({ clock, open, deadlines, news, address, greet: check, onUp, onDown: () => health.checkNow() })
  return { commands, questions, supervisor, health, reader: new Reader(commands, { clock, supervisor }) }
}

/** The write check: accepted only by a primary that takes writes, full or not, and changes nothing. A shard that is elsewhere is no answer. */
async function checkWritable(link: Link, key: string): Promise<void> {
  try {
    await link.send('act', (redis) => redis.persist(key))
  } catch (error) {
    if (!isMisplaced(error)) throw error
  }
}

export function closeNode(node: RedisNode): void {
  node.health.close()
  node.commands.close()
  node.questions.close()
}
