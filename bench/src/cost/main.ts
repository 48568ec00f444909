// npm run cost -- [--json] [--quick] [--only part of a part's name]: what the promises cost, measured on real servers.
import { parseArguments } from '../arguments.js'
import { actCost } from './acts.js'
import { idleCost } from './idle.js'
import { type Line, line } from './line.js'
import { memoryCost } from './memory.js'
import { type Kind, type Place, withPlace } from './place.js'
import { spaceCost } from './space.js'

const given = parseArguments(process.argv.slice(2), ['json', 'quick', 'only'])
const quick = given.has('quick')

async function* heapCost({ start }: Place): AsyncGenerator<Line> {
  const worker = await start({ maxStalenessMs: 60_000, instances: 1 })
  const { map, near, held } = await worker.call<{ map: number; near: number; held: number }>('heap', quick ? 5_000 : 50_000)
  await worker.close()
  yield line('heap of an entry in a Map', map, 'bytes')
  yield line('heap of an entry in memory', near, `bytes, of ${held}`)
}

const parts: readonly { readonly name: string; readonly kind: Kind; readonly measure: (place: Place) => AsyncGenerator<Line> }[] = [
  ...(['one server', 'six nodes'] as const).flatMap((kind) => [
    { name: `idle, ${kind}`, kind, measure: (place: Place) => idleCost(place, quick ? 2_000 : 10_000) },
    { name: `acts, ${kind}`, kind, measure: (place: Place) => actCost(place, quick ? 50 : 500) },
  ]),
  { name: 'space', kind: 'one server', measure: spaceCost },
  { name: 'heap', kind: 'one server', measure: heapCost },
]

const only = given.get('only') ?? ''
const chosen = parts.filter(({ name }) => name.includes(only))
const ofMemory = 'memory, one million'.includes(only)
if (chosen.length === 0 && !ofMemory)
  throw new Error(`no part is called ${only}; there are memory; ${parts.map(({ name }) => name).join('; ')}`)
for (const { kind, measure } of chosen) await withPlace(kind, (place) => tell(measure(place)))
if (ofMemory) await tell(memoryCost(quick ? 100_000 : 1_000_000))

async function tell(lines: AsyncGenerator<Line>): Promise<void> {
  for await (const told of lines) {
    const { name, value, unit, target, ok } = told
    const verdict = target === undefined ? '' : ok ? ` (at most ${target}: ok)` : ` (at most ${target}: MISSED)`
    console.log(given.has('json') ? JSON.stringify(told) : `${name.padEnd(64)} ${String(value).padStart(10)} ${unit}${verdict}`)
  }
}
