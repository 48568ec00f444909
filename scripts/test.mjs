// `npm test`: everything, from a fresh clone. Its last line counts tests, and each other step as one.
import { ensureInstalled } from './install.mjs'
import { ensureServer } from './redis-servers.mjs'
import { allTests, lint, packageShape, program, report, tally, types } from './stages.mjs'

// Samples of the long runs: real processes racing on a real Redis, one whose Redis fails, and worlds beyond those of the tests.
const race = program('race, a sample', ['scripts/run.mjs', 'bench', 'dist/race/main.js', '--json', '--sample'])
const chaos = program('chaos, a sample', ['scripts/run.mjs', 'bench', 'dist/chaos/main.js', '--json', '--sample'])
const soak = program('soak, a sample', ['scripts/soak.mjs', '--minutes', '0.25', '--from', '5000000'])

// In this order, one after the other.
const STEPS = [types, lint, packageShape, allTests, race, chaos, soak]

await ensureInstalled()
ensureServer()
const total = { passed: 0, failed: 0, skipped: 0 }
for (const step of STEPS) {
  const { passed, failed, skipped } = await report(step)
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
}
// A skipped test is a promise that nobody checks.
if (total.failed + total.skipped > 0) process.exitCode = 1
console.log(tally(total))
