import { fullRules, readOnlyRules } from './conformance/conditions.js'
import { addressRules, entryRules, strangeNameRules, strangePatternRules } from './conformance/entries.js'
import { extensionRules } from './conformance/extensions.js'
import { fenceDetailRules, fenceRules } from './conformance/fences.js'
import { historyRules, lossRules } from './conformance/history.js'
import { leaseRules, wakeRules } from './conformance/leases.js'
import { patternRules } from './conformance/patterns.js'
import { type ConformanceCase, type ConformanceWorld, Scene } from './conformance/scene.js'
import { sweepRules } from './conformance/sweeps.js'
import { versionRules } from './conformance/versions.js'
import { writeRules } from './conformance/writes.js'

export type { ConformanceCase, ConformanceWorld } from './conformance/scene.js'

/**
 * Every rule of the far store's contract as a case that any test framework can run. Each case opens a world of its own, of an empty
 * service, and closes it. Both stores that ship, the one on Redis and its twin in memory, pass all of them; so must any other.
 */
export function farStoreConformance(name: string, open: () => Promise<ConformanceWorld>): readonly ConformanceCase[] {
  const rules = [
    ...fenceRules,
    ...fenceDetailRules,
    ...leaseRules,
    ...wakeRules,
    ...writeRules,
    ...versionRules,
    ...sweepRules,
    ...entryRules,
    ...extensionRules,
    ...strangeNameRules,
    ...patternRules,
    ...strangePatternRules,
    ...addressRules,
    ...historyRules,
    ...lossRules,
    ...fullRules,
    ...readOnlyRules,
  ]
  return rules.map(([rule, run]) => ({
    name: `${name}: ${rule}`,
    async run() {
      const world = await open()
      try {
        await run(new Scene(world))
      } finally {
        await world.close()
      }
    },
  }))
}
