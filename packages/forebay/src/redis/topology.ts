import type { ShardGroup } from '../core/far-store.js'
import { Link, type LinkParts } from './link.js'
import type { Address } from './plan.js'
import { Reader } from './reader.js'

/** One server and our connections to it. Questions have one of their own, so that a large value does not delay a proof. */
export interface RedisNode {
  readonly commands: Link
  readonly questions: Link
  readonly reader: Reader
}

/** Which server serves which shard. */
export interface Topology {
  /** The node for a shard; `undefined` while it is not known. */
  nodeFor(shard: number): RedisNode | undefined
  groups(): readonly ShardGroup[]
  nodeOfGroup(id: string): RedisNode | undefined
  /** A call for this shard failed: perhaps the shard is elsewhere now. */
  failed(shard: number, error: unknown): void
  close(): void
}

export interface NodeOptions extends LinkParts {
  readonly address: Address | undefined
  readonly greet?: ((link: Link) => Promise<void>) | undefined
  readonly onDown?: (() => void) | undefined
}

/** Opens the connections to one server. */
export function openNode(options: NodeOptions): RedisNode {
  const { clock, open, deadlines, address } = options
  const commands = new Link(options)
  return { commands, questions: new Link({ clock, open, deadlines, address }), reader: new Reader(commands, clock) }
}

export function closeNode(node: RedisNode): void {
  node.commands.close()
  node.questions.close()
}
