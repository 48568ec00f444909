import { setTimeout as pause } from 'node:timers/promises'
import type { Fleet } from './fleet.js'
import type { Written } from './worker.js'

export interface RacePlan {
  readonly rounds: number
  readonly by: 'key' | 'tag'
  readonly maxStalenessMs: number
}

/** What the rounds showed. `stale`: rounds in which an old value was seen where it must not be. */
export interface RaceResult {
  readonly rounds: number
  readonly stale: number
  readonly refused: number
}

/** Rounds that run side by side: they share the wait for the staleness contract. */
const together = 25
/** Within this time readers begin, the writer writes, and loaders dawdle; all at random. */
const spreadMs = 30
const readsEach = 2
/** Clocks of timers and of proofs may disagree by a turn of a busy event loop. */
const slackMs = 50

/**
 * The stale-store race. In each round, on a key of its own, processes read while one of them changes the origin and invalidates. A reader
 * that has loaded the old value before may hand it in after the invalidation; whoever keeps it then serves it until it expires.
 *
 * Judged as the promises are worded. For keys: nothing old in Redis from the acknowledgement on. For keys and tags: nothing old by a read of
 * the writing process from the acknowledgement on, and nothing old anywhere once `maxStaleness` has passed, all late fills included.
 */
export async function race(fleet: Fleet, plan: RacePlan): Promise<RaceResult> {
  let stale = 0
  for (let from = 0; from < plan.rounds; from += together) {
    const keys = Array.from({ length: Math.min(together, plan.rounds - from) }, (_, i) => `${plan.by}:${from + i}`)
    const early = await Promise.all(keys.map((key) => provoke(fleet, key, plan.by)))
    await pause(plan.maxStalenessMs + slackMs)
    const late = await Promise.all(keys.map((key) => isOldAnywhere(fleet, key)))
    stale += keys.filter((_, i) => early[i] || late[i]).length
  }
  const refused = await Promise.all(fleet.workers.map((worker) => worker.call<number>('refused')))
  return { rounds: plan.rounds, stale, refused: refused.reduce((sum, one) => sum + one, 0) }
}

/** One round. Resolves when all its reads are over, and tells whether an old value was seen at the acknowledgement. */
async function provoke({ workers }: Fleet, key: string, by: RacePlan['by']): Promise<boolean> {
  const writer = workers[Math.floor(Math.random() * workers.length)]
  const reads = workers.map((worker) => {
    const each = Array.from({ length: readsEach }, () => ({ afterMs: Math.random() * spreadMs, loadMs: Math.random() * spreadMs }))
    return worker.call('read', { key, reads: each })
  })
  const written = writer?.call<Written>('write', { key, by, afterMs: 5 + Math.random() * spreadMs })
  await Promise.all(reads)
  const seen = await written
  if (seen === undefined) throw new Error('nobody wrote')
  return seen.own < seen.version || (seen.shared !== undefined && seen.shared < seen.version)
}

async function isOldAnywhere({ workers, origin }: Fleet, key: string): Promise<boolean> {
  const seen = await Promise.all(workers.map((worker) => worker.call<(number | null | undefined)[]>('look', key)))
  return seen.flat().some((version) => typeof version === 'number' && version < origin.version(key))
}
