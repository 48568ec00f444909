// npm run bench -- [--json] [--quick] [--only part of a row's name]
import { parseArguments } from './arguments.js'
import { measureImports } from './imports.js'
import { measure, type Result } from './measure.js'
import { installPeers } from './peers.js'
import { rows } from './rows.js'

const given = parseArguments(process.argv.slice(2), ['json', 'quick', 'only', 'no-peers'])
const quick = given.has('quick')
const effort = quick ? { runs: 9, runMs: 80, warmUpMs: 1_500 } : { runs: 31, runMs: 100, warmUpMs: 3_000 }
const only = given.get('only') ?? ''

if (!given.has('json')) console.log(line(['row', 'value', 'floor', 'ratio', 'target', '']))

const chosen = rows.filter(({ name }) => name.includes(only))
if (chosen.length === 0 && !'import-time'.includes(only)) throw new Error(`no row is called ${only}`)
const peers = given.has('no-peers') || !chosen.some((row) => row.peers.length > 0) ? undefined : installPeers()
for (const row of chosen) for (const result of await measure(row, effort, peers)) print(result)
if ('import-time'.includes(only)) print(measureImports(quick ? 9 : 25))

function print(result: Result): void {
  if (given.has('json')) return console.log(JSON.stringify(result))
  const { name, value, unit, floor, ratio, target, ok } = result
  const verdict = target === null ? '' : ok ? 'ok' : 'MISSED'
  console.log(
    line([name, `${value.toLocaleString('en')} ${unit}`, floor.toLocaleString('en'), ratio.toFixed(2), `${target ?? ''}`, verdict]),
  )
}

function line([name = '', ...columns]: readonly string[]): string {
  return name.padEnd(34) + columns.map((column) => column.padStart(17)).join('')
}
