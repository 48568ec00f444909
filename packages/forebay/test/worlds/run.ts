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

function isTopology(name: string): name is Topology {
  return topologies.some((topology) => topology === name)
}
