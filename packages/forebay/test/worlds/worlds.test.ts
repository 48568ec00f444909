import { afterAll, describe, expect, it } from 'vitest'
import { faults } from './plan.js'
import { replayLine, runSeed } from './run.js'
import type { WorldReport } from './world.js'

/** Each run of the tests sees the same worlds; `npm run soak` looks at others. */
const firstSeed = 1
const worlds = 300
const chunk = 20
const chunks = Array.from({ length: worlds / chunk }, (_, i) => firstSeed + i * chunk)
const counts = new Map<string, number>()

describe('worlds keep all promises', () => {
  it.each(chunks)(`from seed %i on, ${chunk} of them`, async (from) => {
    for (let seed = from; seed < from + chunk; seed++) {
      const report = await runSeed(seed)
      for (const [what, often] of report.counts) counts.set(what, (counts.get(what) ?? 0) + often)
      expectPromisesKept(report)
    }
  })

  afterAll(() => {
    // A world in which nothing happens keeps every promise: what is to be tested must have occurred.
    const rare = wanted.filter((what) => (counts.get(what) ?? 0) < leastOften)
    expect(rare, 'occurred too seldom in all worlds together').toEqual([])
  })
})

describe('a world', () => {
  it.each([3, 45, 190])('happens again in every detail: seed %i', async (seed) => {
    const [first, again] = [await runSeed(seed), await runSeed(seed)]
    expect(first.trace.length).toBeGreaterThan(100)
    expect(again.hash).toBe(first.hash)
  })

  it('is another one with another seed or topology', async () => {
    const hashes = [await runSeed(5, 'single'), await runSeed(5, 'cluster'), await runSeed(6, 'single')].map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(3)
  })
})

const leastOften = 5
const struck = faults.filter((fault) => !/network|requests|answers|copies|pushes|skew|loader/.test(fault)).map((fault) => `fault ${fault}`)
const wanted = [
  ...struck,
  ...['key', 'set', 'update', 'stale', 'tags', 'pattern', 'clear'].flatMap((verb) => [`${verb} acknowledged`, `${verb} queued`]),
  ...['fresh memory', 'fresh redis', 'fresh origin'].map((told) => `fetch ${told}`),
  ...['memory revalidating', 'redis revalidating', 'redis error', 'memory outage'].map((told) => `fetch stale ${told}`),
  ...['fill', 'fill-refused lease', 'fill-refused epoch', 'fill-refused unanswered', 'join', 'wait', 'load-error', 'evict'].map(
    (type) => `event ${type}`,
  ),
  ...['dropped gap', 'dropped incarnation', 'replayed', 'resent', 'suspended', 'degraded'].map((type) => `event ${type}`),
]

function expectPromisesKept(report: WorldReport): void {
  const [first] = report.violations
  if (first === undefined) return
  const at = report.trace.findIndex((line) => line.includes('VIOLATION'))
  const last = report.trace.slice(Math.max(0, at - 40), at + 1).map((line) => line.slice(0, 240))
  expect.fail(`${first.promise} is broken in world ${report.plan.seed}: ${first.text}\n${last.join('\n')}\nagain: ${replayLine(report)}`)
}
