// `npm test`: everything, from a fresh clone. Its last line counts tests, and each other step as one.
import { ensureInstalled } from './install.mjs'
import { ensureServer } from './redis-servers.mjs'
import { allTests, lint, packageShape, report, tally, types } from './stages.mjs'

// In this order, one after the other. Another program of ours joins as `program('soak', ['scripts/soak.mjs', '--minutes', '1'])`.
const STEPS = [types, lint, packageShape, allTests]

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
