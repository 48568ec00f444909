import { setTimeout as pause } from 'node:timers/promises'
import type { Fleet, Worker } from './fleet.js'
import type { Counts } from './side.js'

export interface MissedResult {
  /** Notices that the reader was cut off from, and how many it then replayed. */
  readonly missed: number
  readonly replayed: number
  readonly dropped: number
  /** Keys that nobody had touched, and how many of them its memory still had. */
  readonly untouched: number
  readonly kept: number
  /** Keys invalidated meanwhile that its memory still had. */
  readonly old: number
}

const heardWithinMs = 30_000

/** A process is cut off while another one invalidates; back again, it must have replayed just what it missed, and dropped nothing. */
export async function missedNotices({ workers }: Fleet, plan: { missed: number; untouched: number }): Promise<MissedResult> {
  const [writer, reader] = pair(workers)
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `missed:${kind}${i}.`)
  const [touched, untouched] = [names('touched', plan.missed), names('untouched', plan.untouched)]
  await hasRead(reader, [...touched, ...untouched])
  const before = await reader.call<Counts>('counts')
  cutOff(reader)
  await writer.call('invalidateMany', touched)
  reader.link?.heal()
  const kept = await heardAgain(reader, untouched, {
    done: ({ replayed }) => replayed - before.replayed >= plan.missed,
    proven: untouched.length,
  })
  const after = await reader.call<Counts>('counts')
  return {
    missed: plan.missed,
    replayed: after.replayed - before.replayed,
    dropped: after.dropped - before.dropped,
    untouched: untouched.length,
    kept,
    old: await held(reader, touched),
  }
}

/** Longer than memory keeps what was loaded while Redis did not answer. */
const forGoodMs = 1_000

/** Reads until memory has all of them for good. */
async function hasRead(reader: Worker, keys: readonly string[]): Promise<void> {
  const endMs = performance.now() + heardWithinMs
  do {
    await reader.call('readMany', keys)
    await pause(forGoodMs)
  } while ((await held(reader, keys)) < keys.length && performance.now() < endMs)
}

/** Its connections are reset, and new ones too until the link is healed. */
function cutOff({ link }: Worker): void {
  link?.refuse()
  link?.reset()
}

/** The same with more notices in one shard than its log holds: that shard alone is dropped, and nothing old is left. */
export async function trimmedLog({ workers }: Fleet, plan: { missed: number; untouched: number }): Promise<MissedResult> {
  const [writer, reader] = pair(workers)
  const touched = 'trimmed:one.'
  const untouched = Array.from({ length: plan.untouched }, (_, i) => `trimmed:untouched${i}.`)
  await hasRead(reader, [touched, ...untouched])
  const before = await reader.call<Counts>('counts')
  cutOff(reader)
  await writer.call(
    'invalidateMany',
    Array.from({ length: plan.missed }, () => touched),
  )
  reader.link?.heal()
  const kept = await heardAgain(reader, untouched, { done: ({ dropped }) => dropped > before.dropped, proven: 1 })
  const after = await reader.call<Counts>('counts')
  return {
    missed: plan.missed,
    replayed: after.replayed - before.replayed,
    dropped: after.dropped - before.dropped,
    untouched: untouched.length,
    kept,
    old: await held(reader, [touched]),
  }
}

interface Wanted {
  readonly done: (counts: Counts) => boolean
  /** So many of the known keys: shards are proven one after the other. */
  readonly proven: number
}

/** Waits until the reader has caught up and has its memory proven again, or for as long as there is hope; answers how many keys that serves. */
async function heardAgain(reader: Worker, known: readonly string[], { done, proven }: Wanted): Promise<number> {
  const endMs = performance.now() + heardWithinMs
  let kept = 0
  while (performance.now() < endMs) {
    const caughtUp = done(await reader.call<Counts>('counts'))
    kept = await held(reader, known)
    if (caughtUp && kept >= proven) break
    await pause(20)
  }
  return kept
}

async function held(reader: Worker, keys: readonly string[]): Promise<number> {
  const seen = await reader.call<(number | null | undefined)[]>('peekMany', keys)
  return seen.filter((one) => typeof one === 'number').length
}

function pair(workers: readonly Worker[]): readonly [Worker, Worker] {
  const [writer, reader] = workers
  if (writer === undefined || reader === undefined) throw new Error('two processes are needed')
  return [writer, reader]
}
