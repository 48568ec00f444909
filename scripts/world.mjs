// Runs one simulated world again and shows what happened: npm run world -- --seed 123 [--topology single|cluster] [--trace] [--only k1]
// A part of it: [--faults kills,stalls|none] [--strikes kills.0,stalls.2|none] [--calls 3,17-20]; its smallest part that fails: [--shrink]
import { parseArgs } from 'node:util'
import { loadWorlds } from './load-worlds.mjs'

const word = /** @type {const} */ ({ type: 'string' })
const { values } = parseArgs({
  options: {
    seed: word,
    topology: word,
    faults: word,
    strikes: word,
    calls: word,
    shrink: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    only: word,
  },
})
if (values.seed === undefined) {
  console.error(
    'usage: npm run world -- --seed 123 [--topology single|cluster] [--faults kills,stalls] [--strikes kills.0] [--calls 3,17-20] [--shrink] [--trace] [--only text]',
  )
  process.exit(2)
}

const { failure, runWords } = await loadWorlds()
const report = await runWords(values)
const { only } = values
const shown =
  only === undefined
    ? report.trace
    : report.trace.filter((/** @type {string} */ line) => /FAULT|VIOLATION|link|dropped|---/.test(line) || line.includes(only))
if (values.shrink && report.violations.length > 0) console.log(await failure(report))
else if (values.trace || only !== undefined || report.violations.length > 0) for (const line of shown) console.log(line)
for (const { promise, text } of report.violations) console.log(`${promise} is broken: ${text}`)
console.log(
  `world ${values.seed} ${report.plan.topology}: ${report.violations.length} violations, ${report.trace.length} events, trace ${report.hash}`,
)
process.exitCode = report.violations.length > 0 ? 1 : 0
