// npm run race -- [--json] [--sample] [--rounds n] [--only name,name] [--no-peers]
import { parseArguments } from '../arguments.js'
import { installPeers } from '../peers.js'
import { type Line, scenarios } from './scenarios.js'

const given = parseArguments(process.argv.slice(2), ['json', 'sample', 'rounds', 'only', 'no-peers'])
const sample = given.has('sample')
const rounds = Number(given.get('rounds') ?? (sample ? 80 : 2_000))
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number, at least 1')
const only = given.get('only')?.split(',')
const chosen = scenarios.filter(({ name, inSample }) => only?.some((one) => name.startsWith(one)) ?? (!sample || inSample))
if (chosen.length === 0) throw new Error(`--only names none of ${scenarios.map(({ name }) => name).join(', ')}`)

const peers = sample || given.has('no-peers') ? undefined : installPeers()
for (const { name, run } of chosen) {
  await run({ rounds, sample, peers }, (metric, value, unit, target, ok = true) => {
    print({ scenario: name, metric, value: Math.round(100 * value) / 100, unit, target: target ?? null, ok })
  })
}

function print(line: Line): void {
  if (!line.ok) process.exitCode = 1
  if (given.has('json')) return console.log(JSON.stringify(line))
  const { scenario, metric, value, unit, target, ok } = line
  const wanted = target === null ? '' : ` (target: ${target})`
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${scenario.padEnd(26)} ${metric.padEnd(32)} ${value} ${unit}${wanted}`)
}
