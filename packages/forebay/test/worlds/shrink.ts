import type { Cut, Fault, WorldPlan } from './plan.js'
import { type Budget, smallest } from './smallest.js'
import { runWorld, type WorldOptions, type WorldReport } from './world.js'

/** Times that a failed world is run again to find out what of it matters: for the kinds of faults, for their strikes, for the calls. */
const runsFor = { kinds: 60, strikes: 60, calls: 150 }

/**
 * The same world with as few faults and calls as still break one of the promises that it broke. Each strike and each call draws from a
 * stream of its own, so that leaving some out leaves the others as they were.
 */
export async function shrink(failed: WorldReport, options: WorldOptions = {}): Promise<WorldReport> {
  const promises = [...new Set(failed.violations.map(({ promise }) => promise))]
  const broken = async (plan: WorldPlan): Promise<WorldReport | undefined> => {
    const report = await runWorld(plan, { ...options, promises, trace: false })
    return report.violations.length > 0 ? report : undefined
  }
  let found = failed
  const reduce = async <T>(items: readonly T[], planWith: (some: readonly T[]) => WorldPlan, budget: Budget): Promise<void> => {
    const tryWith = async (some: readonly T[]): Promise<boolean> => {
      const report = await broken(planWith(some))
      if (report !== undefined) found = report
      return report !== undefined
    }
    await smallest(items, tryWith, budget)
  }
  const cutTo = (cut: Cut): WorldPlan => ({ ...found.plan, cut: { ...found.plan.cut, ...cut } })
  const withKinds = (kinds: readonly Fault[]): WorldPlan => ({ ...found.plan, faults: new Set(kinds) })
  await reduce([...failed.plan.faults], withKinds, { runs: runsFor.kinds })
  await reduce(found.strikes, (strikes) => cutTo({ strikes: new Set(strikes) }), { runs: runsFor.strikes })
  await reduce(found.callsMade, (calls) => cutTo({ calls: new Set(calls) }), { runs: runsFor.calls })
  return runWorld(found.plan, { ...options, promises, trace: true })
}
