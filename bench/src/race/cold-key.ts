import { median } from '../statistics.js'
import type { Fleet } from './fleet.js'
import { countsOf } from './storm.js'

export interface ColdKeyPlan {
  readonly rounds: number
  readonly callersEach: number
  readonly loadMs: number
}

export interface ColdKeyResult {
  /** The most loads that one round took, without those of processes for which Redis was away. */
  readonly loads: number
  /** Loads of processes that had no answer from Redis in time. */
  readonly away: number
  readonly ms: number
}

/** Many callers in all processes ask for a key that nobody has. Tells how many loads that took, and how long the callers waited. */
export async function coldKey(fleet: Fleet, plan: ColdKeyPlan): Promise<ColdKeyResult> {
  const { workers, origin } = fleet
  let [loads, away] = [0, 0]
  const took: number[] = []
  for (let round = 0; round < plan.rounds; round++) {
    const key = `cold:${round}.`
    const startedMs = performance.now()
    await Promise.all(workers.map((worker) => worker.call('crowd', { key, callers: plan.callersEach, loadMs: plan.loadMs })))
    took.push(performance.now() - startedMs)
    const unanswered = (await countsOf(fleet)).unanswered - away
    away += unanswered
    loads = Math.max(loads, origin.loads(key) - unanswered)
  }
  return { loads, away, ms: median(took) }
}
