// Runs one simulated world again and shows what happened: npm run world -- --seed 123 [--topology single|cluster] [--trace] [--only k1]
import { parseArgs } from 'node:util'
import { loadWorlds } from './load-worlds.mjs'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    topology: { type: 'string' },
    trace: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})
if (values.seed === undefined) {
  console.error('usage: npm run world -- --seed 123 [--topology single|cluster] [--trace] [--only text]')
  process.exit(2)
}

const { runSeed } = await loadWorlds()
const report = await runSeed(Number(values.seed), values.topology)
const { only } = values
const shown =
  only === undefined
    ? report.trace
    : report.trace.filter((/** @type {string} */ line) => /FAULT|VIOLATION|link|dropped|---/.test(line) || line.includes(only))
if (values.trace || only !== undefined || report.violations.length > 0) for (const line of shown) console.log(line)
for (const { promise, text } of report.violations) console.log(`${promise} is broken: ${text}`)
console.log(
  `world ${values.seed} ${report.plan.topology}: ${report.violations.length} violations, ${report.trace.length} events, trace ${report.hash}`,
)
process.exitCode = report.violations.length > 0 ? 1 : 0
