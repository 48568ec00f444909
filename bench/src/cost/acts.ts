import { type Line, line } from './line.js'
import type { Commands } from './meter.js'
import type { Place, Worker } from './place.js'
import type { Work } from './worker.js'

const acts: readonly Work['act'][] = [
  'memory hit',
  'redis hit',
  'miss and fill',
  'set',
  'update',
  'invalidate',
  'invalidateTags',
  'invalidateTags, 8',
  'invalidatePattern',
  'clear',
]
/** Those that other processes hear of. */
const heard: readonly Work['act'][] = ['set', 'invalidate', 'invalidateTags', 'clear']
const peers = 4
/** Questions are rare, so that little of them is in what is counted. */
const maxStalenessMs = 60_000

/** What each act costs, one after the other, and what of it each peer is told. */
export async function* actCost(place: Place, count: number): AsyncGenerator<Line> {
  const worker = await place.start({ maxStalenessMs, instances: 1 })
  const alone = new Map<string, number>()
  for (const act of acts) {
    await worker.call('warm')
    const name = `${act}, ${place.kind}`
    const effort = await measure(place, worker, { act, count })
    const sent = await place.meter.commands(() => worker.call('run', { act, count: 20 } satisfies Work))
    yield line(`${name}: commands`, show(sent, 20), 'an act')
    yield line(`${name}: to the servers`, effort.bytesIn, 'bytes an act')
    yield line(`${name}: from the servers`, effort.bytesOut, 'bytes an act')
    yield line(`${name}: CPU of the servers`, 1_000 * effort.cpuMs, 'µs an act')
    alone.set(act, effort.bytesOut)
  }
  const others = await place.start({ maxStalenessMs, instances: peers })
  for (const act of heard) {
    const { bytesOut } = await measure(place, worker, { act, count })
    yield line(`${act}, ${place.kind}: to each peer`, (bytesOut - (alone.get(act) ?? 0)) / peers, 'bytes an act')
  }
  await others.close()
  await worker.close()
}

/** Per act, less what would have happened in the same time anyway. */
async function measure({ meter }: Place, worker: Worker, work: Work) {
  const idle = await meter.idle(1_000)
  const { seconds, bytesIn, bytesOut, cpuMs } = await meter.during(() => worker.call('run', work))
  const less = (value: number, each: number) => (value - each * seconds) / work.count
  return { bytesIn: less(bytesIn, idle.bytesIn), bytesOut: less(bytesOut, idle.bytesOut), cpuMs: less(cpuMs, idle.cpuMs) }
}

/** The question may come in between; it is none of the act's commands. */
const questions = new Set(['TIME', 'PERSIST', 'HMGET', 'PING'])

function show(commands: Commands, count: number): string {
  const each = [...commands]
    .filter(([name]) => !questions.has(name))
    .map(([name, sent]) => `${Number((sent / count).toPrecision(3))} ${name}`)
  return each.join(', ') || 'none'
}
