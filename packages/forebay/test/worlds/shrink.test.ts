import { describe, expect, it } from 'vitest'
import { planFor } from './canaries.js'
import { type Fault, planWorld } from './plan.js'
import { planOf, replayLine } from './replay.js'
import { canaries, planted } from './run.js'
import { shrink } from './shrink.js'
import { smallest } from './smallest.js'
import { runWorld, type WorldReport } from './world.js'

const all = Array.from({ length: 100 }, (_, i) => i)

describe('the smallest part that fails', () => {
  it.each([{ needed: [] }, { needed: [17] }, { needed: [3, 4, 99] }, { needed: [0, 25, 50, 75] }])(
    'is found: $needed',
    async ({ needed }) => {
      const found = await smallest(all, async (some) => needed.every((item) => some.includes(item)), { runs: 1_000 })
      expect(found).toEqual(needed)
    },
  )

  it('is not looked for longer than allowed', async () => {
    let runs = 0
    const fails = async (some: readonly number[]) => {
      runs++
      return some.includes(17) && some.includes(80)
    }
    const found = await smallest(all, fails, { runs: 10 })
    expect(runs).toBe(10)
    expect(found.length).toBeLessThan(100)
    expect(found).toEqual(expect.arrayContaining([17, 80]))
  })
})

describe('a failed world', () => {
  it('is cut down to the faults and calls that matter, and the line printed replays just that', { timeout: 600_000 }, async () => {
    const canary = canaries.find(({ name }) => name.startsWith('a suspended process'))
    if (canary === undefined) throw new Error('there is no such canary')
    await planted(canary, async (options) => {
      const more: Fault[] = ['suspends', 'link-breaks', 'kills', 'slow-loaders', 'server-freezes']
      const run = (seed: number) => runWorld({ ...planFor(canary, planWorld(seed)), faults: new Set(more) }, options)
      const failed = await firstBroken(run)
      const least = await shrink(failed, options)
      expect(least.violations).not.toEqual([])
      expect([...least.plan.faults]).toEqual(['suspends'])
      expect(least.strikes.length).toBeLessThan(Math.max(2, failed.strikes.length / 2))
      expect(least.callsMade.length).toBeLessThan(failed.callsMade.length / 4)
      const again = planOf(wordsOf(replayLine(least.plan)))
      expect(again.faults).toEqual(least.plan.faults)
      expect(again.cut).toEqual(least.plan.cut)
    })
  })

  it('whose line is given words that mean nothing is refused', () => {
    expect(() => planOf({ seed: 'one' })).toThrow(/whole number/)
    expect(() => planOf({ seed: '1', topology: 'ring' })).toThrow(/no ring; there are single, cluster/)
    expect(() => planOf({ seed: '1', faults: 'kills,floods' })).toThrow(/no floods/)
    expect(() => planOf({ seed: '1', calls: '3-x' })).toThrow(/3-x/)
  })
})

async function firstBroken(run: (seed: number) => Promise<WorldReport>): Promise<WorldReport> {
  for (let seed = 1; seed < 40; seed++) {
    const report = await run(seed)
    if (report.violations.length > 0) return report
  }
  throw new Error('the planted fault was not found')
}

/** What the command line would make of it. */
function wordsOf(line: string): { readonly seed: string } & Record<string, string> {
  const pairs = [...line.matchAll(/--(\w+) (\S+)/g)].map(([, name = '', value = '']) => [name, value])
  return { seed: '', ...Object.fromEntries(pairs) }
}
