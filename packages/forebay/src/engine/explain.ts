import type { EntryAddress } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import type { Found } from './far-reads.js'
import type { Near } from './near.js'
import type { Explanation } from './reports.js'
import type { Recorder } from './recorder.js'
import type { Registration } from './registry.js'
import type { Shards } from './shards.js'

export interface ExplainParts {
  readonly plan: CachePlan
  readonly near: Near
  readonly shards: Shards
  readonly recorder: Recorder
  /** What is under way for a key. */
  readonly running: (key: string) => Registration | undefined
  /** What Redis has, read as a caller's read would. */
  readonly look: (at: EntryAddress) => Promise<Found>
  readonly now: () => number
}

/** Tells why a key is answered as it is: where it stands now, and what was decided about it lately. */
export async function explain(at: EntryAddress, parts: ExplainParts): Promise<Explanation> {
  const { plan, near, shards, recorder, running, look, now } = parts
  const beganMs = now()
  const memory = near.describe(at.key, beganMs)
  const flight = running(at.key)
  const found = await look(at)
  const nowMs = now()
  const shard = shards.of(at)
  const provenMsAgo = nowMs - shard.view.provenAtMs
  const tags = typeof found === 'object' ? found.tags : []
  return {
    key: at.key,
    memory,
    redis: typeof found === 'string' ? { state: found === 'away' ? 'away' : 'none' } : redisState(found, nowMs),
    shard: {
      index: shard.view.index,
      proven: provenMsAgo < plan.maxStalenessMs,
      provenMsAgo: Number.isFinite(provenMsAgo) ? provenMsAgo : undefined,
      reachable: shards.reachable(shard),
      unsent: shard.outbox.size,
    },
    running: flight && { forMs: nowMs - flight.startedMs, overtaken: flight.marked },
    limits: { maxStalenessMs: plan.maxStalenessMs, hardTimeoutMs: plan.hardTimeoutMs },
    decisions: recorder.about(at.cache, at.key, tags)(nowMs),
  }
}

function redisState(held: Exclude<Found, string>, nowMs: number): Explanation['redis'] {
  const freshForMs = held.freshUntilMs - nowMs
  return { state: freshForMs > 0 ? 'fresh' : 'stale', ageMs: nowMs - held.createdMs, freshForMs, tags: held.tags, bytes: held.bytes }
}
