// npm run race -- [--json] [--sample] [--rounds n]
import { parseArguments } from '../arguments.js'
import { installPeers } from '../peers.js'
import { coldKey } from './cold-key.js'
import { type FleetPlan, withFleet } from './fleet.js'
import { coherenceLatency } from './latency.js'
import { race } from './stale-store.js'

interface Line {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly target: string | null
  readonly ok: boolean
}

const given = parseArguments(process.argv.slice(2), ['json', 'sample', 'rounds', 'no-peers'])
const sample = given.has('sample')
const rounds = Number(given.get('rounds') ?? (sample ? 50 : 500))
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number, at least 1')

const maxStalenessMs = 250
const processes = 4
const plan: FleetPlan = { side: 'forebay', processes, maxStalenessMs }

for (const by of ['key', 'tag'] as const) {
  const { stale, refused } = await withFleet(plan, (fleet) => race(fleet, { rounds, by, maxStalenessMs }))
  print({ name: `race-${by}s-stale`, value: stale, unit: `of ${rounds} rounds`, target: '0', ok: stale === 0 })
  // Without any the race was not run: no load was overtaken by an invalidation.
  print({ name: `race-${by}s-fills-refused`, value: refused, unit: 'fills', target: '> 0', ok: refused > 0 })
}

const control = await withFleet({ ...plan, side: 'naive' }, (fleet) => race(fleet, { rounds, by: 'key', maxStalenessMs }))
const share = round((100 * control.stale) / rounds)
print({ name: 'race-control-stale', value: share, unit: '% of rounds', target: '> 10', ok: share > 10 })

const cold = await withFleet(plan, (fleet) => coldKey(fleet, { rounds: sample ? 3 : 20, callersEach: 200, loadMs: 300 }))
print({ name: 'cold-key-loads', value: cold.loads, unit: `loads for ${processes * 200} callers`, target: '1', ok: cold.loads === 1 })
print({ name: 'cold-key-time', value: round(cold.ms), unit: 'ms, of which the load is 300', target: null, ok: true })

const latency = await withFleet({ ...plan, processes: 2 }, (fleet) => coherenceLatency(fleet, sample ? 50 : 300))
print({ name: 'coherence-latency-p50', value: round(latency.p50Ms), unit: 'ms', target: null, ok: true })
print({ name: 'coherence-latency-p99', value: round(latency.p99Ms), unit: 'ms', target: null, ok: true })

const peers = sample || given.has('no-peers') ? undefined : installPeers()
for (const side of peers === undefined ? [] : ['bentocache', 'cacheable']) {
  const { stale } = await withFleet({ ...plan, side, peers }, (fleet) => race(fleet, { rounds, by: 'key', maxStalenessMs }))
  print({ name: `race-keys-stale/${side}`, value: round((100 * stale) / rounds), unit: '% of rounds', target: null, ok: true })
}

function print(line: Line): void {
  if (!line.ok) process.exitCode = 1
  if (given.has('json')) return console.log(JSON.stringify(line))
  const { name, value, unit, target, ok } = line
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(30)} ${value} ${unit}${target === null ? '' : ` (target: ${target})`}`)
}

function round(value: number): number {
  return Math.round(100 * value) / 100
}
