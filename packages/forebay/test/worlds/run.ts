import { type Canary, planFor } from './canaries.js'
import { planWorld } from './plan.js'
import { planOf, replayLine, type WorldWords } from './replay.js'
import { shrink } from './shrink.js'
import { runWorld, type WorldOptions, type WorldReport } from './world.js'

/** Runs the world of a seed. */
export function runSeed(seed: number, options: WorldOptions & { readonly topology?: string | undefined } = {}): Promise<WorldReport> {
  return runWorld(planOf({ seed: String(seed), topology: options.topology }), options)
}

/** Runs the world that a command line asks for, with its trace. */
export function runWords(words: WorldWords): Promise<WorldReport> {
  return runWorld(planOf(words), { trace: true })
}

/** The one report of a failed world: what is broken, the smallest part of the world that still breaks it, and how to see that again. */
export async function failure(failed: WorldReport, options: WorldOptions = {}): Promise<string> {
  const least = await shrink(failed, options)
  const shown = least.violations.length > 0 ? least : failed
  const [first] = shown.violations
  const { faults, cut } = shown.plan
  const at = shown.trace.findIndex((line) => line.includes('VIOLATION'))
  return [
    `${first?.promise} is broken in world ${shown.plan.seed}: ${first?.text}`,
    ...shown.trace.slice(Math.max(0, at - linesShown), at + 1).map((line) => line.slice(0, 240)),
    `smallest fault set: ${[...faults].join(' ') || 'no faults'}; strikes ${[...(cut?.strikes ?? [])].join(' ') || 'none'}; ${shown.callsMade.length} of ${failed.callsMade.length} calls`,
    `again: ${replayLine(shown.plan)}`,
  ].join('\n')
}

const linesShown = 40

/** Runs worlds with a planted fault until one is found out; `undefined` if none is. */
export async function hunt(canary: Canary, seeds: number): Promise<WorldReport | undefined> {
  return planted(canary, async (options) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const report = await runWorld(planFor(canary, planWorld(seed)), options)
      if (report.violations.length > 0) return report
    }
    return undefined
  })
}

/** Does something while a canary's fault is planted. */
export async function planted<T>(canary: Canary, does: (options: WorldOptions) => Promise<T>): Promise<T> {
  const restore = canary.plant?.()
  try {
    return await does({ wrap: canary.wrap, promises: canary.breaks })
  } finally {
    restore?.()
  }
}

/** The same world with nothing planted: whatever is found there is no merit of the canary. */
export function withoutFault(canary: Canary, seed: number): Promise<WorldReport> {
  return runWorld(planFor(canary, planWorld(seed)))
}

export { canaries } from './canaries.js'
export { replayLine } from './replay.js'
