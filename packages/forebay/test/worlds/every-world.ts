import { afterAll, describe, expect, it } from 'vitest'
import { faults } from './plan.js'
import { failure, runSeed } from './run.js'

/** Each run of the tests sees the same 500 worlds, in files of their own so that all cores have some; `npm run soak` looks at others. */
export const worldsAFile = 125
const chunk = 25

/** The worlds of one file keep all promises, and what is to be tested occurs in them. */
export function worldsKeepAllPromises(firstSeed: number, wanted: readonly string[]): void {
  const chunks = Array.from({ length: worldsAFile / chunk }, (_, i) => firstSeed + i * chunk)
  const counts = new Map<string, number>()

  describe('worlds keep all promises', () => {
    it.each(chunks)(`from seed %i on, ${chunk} of them`, { timeout: 600_000 }, async (from) => {
      for (let seed = from; seed < from + chunk; seed++) {
        const report = await runSeed(seed)
        for (const [what, often] of report.counts) counts.set(what, (counts.get(what) ?? 0) + often)
        if (report.violations.length > 0) expect.fail(await failure(report))
      }
    })

    afterAll(() => {
      // A world in which nothing happens keeps every promise: what is to be tested must have occurred.
      const missing = wanted.filter((what) => !counts.has(what))
      expect(missing, 'occurred in none of these worlds').toEqual([])
    })
  })
}

/** What takes a flood, which few worlds have. */
export const rare = ['outbox coarsened', 'redis stamp:overflow', 'redis sync:more-stamps']

export const common = [
  ...faults.map((fault) => `fault ${fault}`),
  ...['stalled beyond maxStaleness', 'suspended beyond maxStaleness', 'shard moved', 'failover lost fences'],
  ...['ensure:sentinel', 'ensure:new', 'stamp:pattern', 'refused:read-only'].map((mark) => `redis ${mark}`),
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
  ...['outbox left behind', 'well'],
  ...['asked', 'served', 'refused', 'hedged', 'won'].map((what) => `replica ${what}`),
  ...['version:admitted', 'version:not-lower'].map((mark) => `redis ${mark}`),
  ...['open', 'probing', 'degraded', 'healthy'].map((state) => `state ${state}`),
  ...['dropped gap', 'dropped incarnation', 'replayed', 'resent', 'suspended', 'degraded'].map((type) => `event ${type}`),
]
