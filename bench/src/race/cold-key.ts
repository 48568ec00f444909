import { median } from '../statistics.js'
import type { Fleet } from './fleet.js'

export interface ColdKeyPlan {
  readonly rounds: number
  readonly callersEach: number
  readonly loadMs: number
}

/** Many callers in all processes ask for a key that nobody has. Tells the most loads that one round took, and how long the callers waited. */
export async function coldKey({ workers, origin }: Fleet, plan: ColdKeyPlan): Promise<{ readonly loads: number; readonly ms: number }> {
  let loads = 0
  const took: number[] = []
  for (let round = 0; round < plan.rounds; round++) {
    const key = `cold:${round}`
    const startedMs = performance.now()
    await Promise.all(workers.map((worker) => worker.call('crowd', { key, callers: plan.callersEach, loadMs: plan.loadMs })))
    took.push(performance.now() - startedMs)
    loads = Math.max(loads, origin.loads(key))
  }
  return { loads, ms: median(took) }
}
