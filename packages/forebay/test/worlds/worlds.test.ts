import { afterAll, describe, expect, it } from 'vitest'
import { faults } from './plan.js'
import { failure, runSeed } from './run.js'

/** Each run of the tests sees the same worlds; `npm run soak` looks at others. */
const firstSeed = 1
const worlds = 500
const chunk = 25
const chunks = Array.from({ length: worlds / chunk }, (_, i) => firstSeed + i * chunk)
const counts = new Map<string, number>()

describe('worlds keep all promises', () => {
  it.each(chunks)(`from seed %i on, ${chunk} of them`, { timeout: 180_000 }, async (from) => {
    for (let seed = from; seed < from + chunk; seed++) {
      const report = await runSeed(seed)
      for (const [what, often] of report.counts) counts.set(what, (counts.get(what) ?? 0) + often)
      if (report.violations.length > 0) expect.fail(await failure(report))
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
    const [first, again] = [await runSeed(seed, { trace: true }), await runSeed(seed, { trace: true })]
    expect(first.trace.length).toBeGreaterThan(100)
    expect(again.hash).toBe(first.hash)
  })

  it('is the same one whether its trace is kept or not', async () => {
    const [kept, counted] = [await runSeed(45, { trace: true }), await runSeed(45)]
    expect(counted.trace).toEqual([])
    expect(counted.events).toBe(kept.trace.length)
    expect(counted.counts).toEqual(kept.counts)
  })

  it('is another one with another seed or topology', async () => {
    const run = async (seed: number, topology: string) => (await runSeed(seed, { topology, trace: true })).hash
    const hashes = [await run(5, 'single'), await run(5, 'cluster'), await run(6, 'single')]
    expect(new Set(hashes).size).toBe(3)
  })
})

const leastOften = 5
const wanted = [
  ...faults.map((fault) => `fault ${fault}`),
  ...['stalled beyond maxStaleness', 'suspended beyond maxStaleness', 'shard moved', 'failover lost fences', 'outbox coarsened'],
  ...['stamp:overflow', 'sync:more-stamps', 'ensure:sentinel', 'ensure:new', 'stamp:pattern', 'refused:read-only'].map(
    (mark) => `redis ${mark}`,
  ),
  ...['key', 'set', 'update', 'stale', 'tags', 'pattern', 'clear'].flatMap((verb) => [`${verb} acknowledged`, `${verb} queued`]),
  ...['fresh memory', 'fresh redis', 'fresh origin'].map((told) => `fetch ${told}`),
  ...['memory revalidating', 'redis revalidating', 'redis error', 'redis slow', 'memory outage'].map((told) => `fetch stale ${told}`),
  ...[
    'fill',
    'fill-refused lease',
    'fill-refused epoch',
    'fill-refused unanswered',
    'join',
    'wait',
    'load-error',
    'evict',
    'extend',
    'early-refresh',
  ].map((type) => `event ${type}`),
  ...['shed full', 'control', 'shadow-mismatch'].map((type) => `event ${type}`),
  ...['getMany got', 'readMany fresh', 'getOrSetMany got', 'warm loaded', 'warm present', 'not modified', 'again', 'read in a scope'],
  ...['control off', 'control shadow', 'explain fresh fresh', 'explain invalidated none', 'monitor consistent'],
  ...['version:admitted', 'version:not-lower'].map((mark) => `redis ${mark}`),
  ...['dropped gap', 'dropped incarnation', 'replayed', 'resent', 'suspended', 'degraded'].map((type) => `event ${type}`),
]
