import { type Canary, planFor } from './canaries.js'
import { planWorld, type Topology, topologies } from './plan.js'
import { runWorld, type WorldReport } from './world.js'

/** One line that runs a failed world again. */
export function replayLine({ plan }: WorldReport): string {
  return `npm run world -- --seed ${plan.seed} --topology ${plan.topology}`
}

/** Runs the world of a seed, for the scripts. */
export function runSeed(seed: number, topology?: string | undefined): Promise<WorldReport> {
  if (topology !== undefined && !isTopology(topology)) throw new RangeError(`There is no topology ${topology}.`)
  return runWorld(planWorld(seed, topology))
}

/** Runs worlds with a planted fault until one is found out; `undefined` if none is. */
export async function hunt(canary: Canary, seeds: number): Promise<WorldReport | undefined> {
  const restore = canary.plant?.()
  try {
    for (let seed = 1; seed <= seeds; seed++) {
      const report = await runWorld(planFor(canary, planWorld(seed)), { wrap: canary.wrap, promises: canary.breaks })
      if (report.violations.length > 0) return report
    }
    return undefined
  } finally {
    restore?.()
  }
}

/** The same world with nothing planted: whatever is found there is no merit of the canary. */
export function withoutFault(canary: Canary, seed: number): Promise<WorldReport> {
  return runWorld(planFor(canary, planWorld(seed)))
}

export { canaries } from './canaries.js'

function isTopology(name: string): name is Topology {
  return topologies.some((topology) => topology === name)
}
