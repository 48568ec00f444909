// npm run soak -- --minutes 5 [--from 1000000] [--topology single|cluster]: worlds that the tests do not see, until the time is over.
import { parseArgs } from 'node:util'
import { loadWorlds } from './load-worlds.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, from: { type: 'string' }, topology: { type: 'string' } },
})
const minutes = Number(values.minutes)
const from = values.from === undefined ? 1_000_000 + Math.floor(Math.random() * 1_000_000_000) : Number(values.from)
if (!(minutes > 0) || !Number.isInteger(from))
  throw new RangeError('usage: npm run soak -- --minutes 5 [--from 1000000] [--topology single|cluster]')

const { failure, runSeed } = await loadWorlds()
const endMs = Date.now() + minutes * 60_000
let worlds = 0
let events = 0
let broken = 0
for (let seed = from; Date.now() < endMs; seed++) {
  const report = await runSeed(seed, { topology: values.topology })
  worlds++
  events += report.events
  if (report.violations.length === 0) continue
  broken++
  console.log(await failure(report))
}
console.log(`${worlds} worlds from seed ${from}, ${events} events, ${broken} with a broken promise`)
process.exitCode = broken === 0 ? 0 : 1
