// npm run chaos -- [--json] [--sample] [--only name,name] [--seconds n] [--sides forebay,naive]
import { parseArguments } from '../arguments.js'
import { originMs } from './load.js'
import { run, type Seen } from './run.js'
import { type Scenario, scenarios } from './scenarios.js'

interface Line {
  readonly scenario: string
  readonly metric: string
  readonly value: number | null
  readonly unit: string
  readonly target: string | null
  readonly ok: boolean
}

/** What a fault may add to the origin's time. */
const addedP99Ms = 60
const addedMaxMs = 250
const mostGrownMb = 16

const given = parseArguments(process.argv.slice(2), ['json', 'sample', 'only', 'seconds', 'sides'])
/** The short form: nothing in it depends on how busy the machine is. */
const sample = given.has('sample')
const seconds = Number(given.get('seconds') ?? (sample ? 2.5 : 10))
if (!(seconds >= 1)) throw new Error('--seconds is a number, at least 1')
const chosenSides = (given.get('sides') ?? (sample ? 'forebay' : 'forebay,naive')).split(',')
const only = given.get('only')?.split(',')
const chosen = scenarios.filter(({ name, inSample }) => only?.some((one) => name.startsWith(one)) ?? (!sample || inSample))
if (chosen.length === 0) throw new Error(`--only names none of ${scenarios.map(({ name }) => name).join(', ')}`)

for (const scenario of chosen) {
  // Who has no memory of his own is measured without it already.
  const able = chosenSides.filter((side) => side === 'forebay' || !scenario.memory)
  for (const side of able) tell(side, scenario, await run(side, scenario, 1_000 * seconds))
}

/** Only the library has targets; what is written by hand is there for contrast. */
function tell(side: string, { name, ownMs, keepsLinks, hitWithinMs }: Scenario, seen: Seen): void {
  const ours = side === 'forebay'
  const say = (metric: string, value: number | undefined, unit: string, most?: number): void => {
    const ok = !ours || most === undefined || (value !== undefined && value <= most)
    const target = !ours || most === undefined ? null : most === 0 ? '0' : most === Number.MAX_VALUE ? 'known' : `<= ${most}`
    const rounded = value === undefined ? null : Math.round(100 * value) / 100
    print({ scenario: ours ? name : `${name}-${side}`, metric, value: rounded, unit, target, ok })
  }
  /** A time; in the short form it must only have come to an end. */
  const sayMs = (metric: string, value: number | undefined, unit: string, most: number): void =>
    say(metric, value, unit, sample ? Number.MAX_VALUE : most)
  const own = originMs + ownMs
  say('calls', seen.callsMeanwhile, 'calls while it lasted')
  say('errors', seen.failed + seen.failedWrites + seen.hanging, `calls, of ${seen.calls}; ${seen.hanging} of them hang`, 0)
  sayMs('p99', seen.p99Ms, 'ms', own + addedP99Ms)
  sayMs('max', seen.maxMs, 'ms', own + addedMaxMs)
  sayMs('first-hit', seen.firstHitMs, 'ms after Redis could be used', hitWithinMs)
  say('memory-growth', seen.grownBytes / 2 ** 20, 'MiB', mostGrownMb)
  say('invalidations-lost', seen.outdated, 'keys', 0)
  if (keepsLinks) say('reconnects', seen.reconnects, 'connections', 0)
  say('hits', (100 * seen.hits) / seen.calls, '% of calls')
  say('longest-write', seen.longestWriteMs, 'ms')
}

function print(line: Line): void {
  if (!line.ok) process.exitCode = 1
  if (given.has('json')) return console.log(JSON.stringify(line))
  const { scenario, metric, value, unit, target, ok } = line
  const wanted = target === null ? '' : ` (target: ${target})`
  console.log(`${ok ? 'ok    ' : 'MISSED'} ${scenario.padEnd(26)} ${metric.padEnd(20)} ${value} ${unit}${wanted}`)
}
