import { describe, expect, it } from 'vitest'
import { canaries, hunt, withoutFault } from './run.js'

/** A planted fault must show within so many worlds. */
const mostSeeds = 40

describe('the checker finds out', () => {
  it.each(canaries)('$name', { timeout: 600_000 }, async (canary) => {
    const report = await hunt(canary, mostSeeds)
    expect(
      report?.violations.map(({ promise }) => promise),
      `not found in ${mostSeeds} worlds`,
    ).toBeDefined()
    const healthy = report && (await withoutFault(canary, report.plan.seed))
    expect(healthy?.violations, 'found in the same world without the planted fault').toEqual([])
  })
})
