import { setTimeout as pause } from 'node:timers/promises'
import type { Fleet } from './fleet.js'
import { judge, type Verdict } from './judge.js'
import { type Counts, type Verb, verbs } from './side.js'
import type { Shown, TrafficPlan, TrafficReport } from './traffic.js'

export interface StormPlan {
  /** Served as usual before and after the fault. */
  readonly calmMs: number
  readonly verbs?: readonly Verb[] | undefined
}

export interface StormResult extends Verdict {
  readonly counts: Counts
}

const groups = 8
const keysEach = 5
const readEveryMs = 5
const writeEveryMs = 25

/** Reads and writes in all processes while `fault` has its way with them. */
export async function storm(fleet: Fleet, plan: StormPlan, fault: (fleet: Fleet) => Promise<void>): Promise<StormResult> {
  const { workers, hooks } = fleet
  const keys = Array.from({ length: groups * keysEach }, (_, i) => `storm${i % groups}:${i}.`)
  hooks.shown = (shown) =>
    void anybody(fleet)
      .call('readWith', shown as Shown)
      .catch(() => {})
  await Promise.all(
    workers.map((worker, at) => {
      const own = keys.filter((_, i) => i % workers.length === at)
      const traffic: TrafficPlan = { keys, own, verbs: plan.verbs ?? verbs, readEveryMs, writeEveryMs }
      return worker.call('startTraffic', traffic)
    }),
  )
  await pause(plan.calmMs)
  await fault(fleet)
  await pause(plan.calmMs)
  await Promise.all(workers.map((worker) => worker.call('stopTraffic')))
  return { ...(await verdictNow(fleet)), counts: await countsOf(fleet) }
}

/** The verdict on all that has been seen so far. */
export async function verdictNow({ workers }: Fleet): Promise<Verdict> {
  return judge(await Promise.all(workers.map((worker) => worker.call<TrafficReport>('report'))))
}

export async function countsOf({ workers }: Pick<Fleet, 'workers'>): Promise<Counts> {
  const counts = await Promise.all(workers.map((worker) => worker.call<Counts>('counts')))
  const sum = (of: (one: Counts) => number): number => counts.reduce((total, one) => total + of(one), 0)
  return {
    refused: sum((one) => one.refused),
    replayed: sum((one) => one.replayed),
    dropped: sum((one) => one.dropped),
    resent: sum((one) => one.resent),
    queued: sum((one) => one.queued),
    unanswered: sum((one) => one.unanswered),
    drops: { incarnation: sum((one) => one.drops.incarnation), gap: sum((one) => one.drops.gap) },
  }
}

function anybody({ workers }: Fleet): Fleet['workers'][number] {
  const one = workers[Math.floor(Math.random() * workers.length)]
  if (one === undefined) throw new Error('a fleet has processes')
  return one
}
