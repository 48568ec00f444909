// The process under chaos: callers, a writer, and what became of their calls.
import { Calls } from '../calls.js'
import { sharedMs } from '../race/shared-clock.js'
import { type LoadPlan, LoadUnder } from './load.js'
import type { Away } from './samples.js'
import { type Side, type SidePlan, sides } from './side.js'

export interface Opening extends SidePlan, LoadPlan {
  readonly side: string
}

let side: Side
let load: LoadUnder

new Calls(process, {
  async open(opening: Opening) {
    const open = sides[opening.side]
    if (open === undefined) throw new Error(`no side ${opening.side}`)
    side = await open(opening)
    load = new LoadUnder(side, opening)
    load.start()
  },
  stall(forMs: number) {
    const untilMs = sharedMs() + forMs
    while (sharedMs() < untilMs);
  },
  /** What is in use once all that can be collected has been. */
  memory() {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  report: ({ fromMs, toMs }: { fromMs: number; toMs: number }) => ({
    ...load.samples.report(fromMs, toMs),
    failedWrites: load.failedWrites,
    longestWriteMs: load.longestWriteMs,
  }),
  firstHitMs: (away: Away) => load.samples.firstHitMs(away),
  stopWriting: () => load.stopWriting(),
  unsent: () => side.unsent(),
  outdated: () => load.outdated(),
})
process.on('disconnect', () => process.exit())
