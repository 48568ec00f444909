import { ForebayError } from '../core/errors.js'
import type { HeadsAnswer, Position, ShardGroup } from '../core/far-store.js'
import type { Layout } from './layout.js'
import type { Command, Link } from './link.js'
import { listOf, positionOf, timeOf } from './replies.js'

/**
 * Asks one server for the positions of a group's shards, in one write. Before each position stands the write check, which only a writing
 * primary accepts: `PERSIST` of a key without an end of life changes nothing, is not replicated, and is not sent away while slots move,
 * as a key that never exists would be.
 */
export async function askGroup(
  link: Link,
  group: ShardGroup,
  layout: Layout,
  failed: (shard: number, error: ForebayError) => void,
): Promise<HeadsAnswer> {
  const node = link.node ?? ''
  const [time, ...answers] = await link.callMany('act', [['TIME'], ...group.shards.flatMap((shard) => questions(layout.shard(shard).meta))])
  if (time instanceof ForebayError) throw time
  const positions = new Map<number, Position>()
  const elsewhere = new Map<number, ForebayError>()
  group.shards.forEach((shard, i) => {
    const position = judge(answers[2 * i], answers[2 * i + 1])
    if (position instanceof ForebayError) {
      elsewhere.set(shard, position)
      failed(shard, position)
    } else if (position !== undefined) positions.set(shard, position)
  })
  const [refusal] = elsewhere.values()
  if (refusal !== undefined && elsewhere.size === group.shards.length) throw refusal
  return { node, nowMs: timeOf(time), positions, elsewhere: new Set(elsewhere.keys()) }
}

function questions(meta: string): Command[] {
  return [
    ['PERSIST', meta],
    ['HMGET', meta, 'inc', 'seq', 'head'],
  ]
}

/** Nothing if the shard has no metadata. */
function judge(check: unknown, read: unknown): Position | ForebayError | undefined {
  if (check instanceof ForebayError) return check
  if (read instanceof ForebayError) return read
  const fields = listOf(read)
  return fields.includes(null) ? undefined : positionOf(fields)
}
