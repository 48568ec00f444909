import { setTimeout as pause } from 'node:timers/promises'
import type { Fleet, Worker } from './fleet.js'
import type { Counts, Verb } from './side.js'
import type { Seen } from './worker.js'

export interface RacePlan {
  readonly rounds: number
  readonly verb: Verb
  readonly maxStalenessMs: number
}

/** What the rounds showed. `stale`: rounds in which an old value was seen where it must not be, by where. */
export interface RaceResult {
  readonly stale: number
  readonly where: string
  /** Fills that came too late. */
  readonly refused: number
}

/** Where an old value was seen. */
type Place = 'writer' | 'token' | 'redis' | 'late'

/** Rounds that run side by side: most of their time they wait. */
const lanes = 80
/** Within this time readers begin, the writers write, and loaders dawdle; all at random. */
const spreadMs = 30
const readsEach = 2
/** Clocks of timers and of proofs may disagree by a turn of a busy event loop. */
const slackMs = 50
/** Of the verbs that concern one key, two processes race in every second round. */
const contestable: readonly Verb[] = ['keys', 'set', 'update']

/**
 * The stale-store race. In each round, on a key of its own, processes read while one or two of them change the origin and then the cache by
 * one verb. A reader that has loaded the old value before may hand it in after the write; whoever keeps it then serves it until it expires.
 *
 * Judged as the promises are worded, from the acknowledgement of a write on. For all verbs: nothing older is read by the writing process, nor
 * by another one to whom the token is shown, nor by anybody once `maxStaleness` has passed, all late fills included. For the verbs of one
 * key also: nothing older is in Redis.
 */
export async function race(fleet: Fleet, plan: RacePlan): Promise<RaceResult> {
  const places: Place[] = []
  let stale = 0
  const before = await refusedIn(fleet)
  // One lane's rounds follow one another, so that a `clear` or a pattern concerns one key; who waits in one lane holds up no other.
  const lane = async (number: number): Promise<void> => {
    for (let round = number; round < plan.rounds; round += lanes) {
      const seen = await onceAround(fleet, { key: `${plan.verb}${number}:${round}.`, plan, contested: number % 2 === 1 })
      if (seen.length > 0) stale++
      places.push(...seen)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  return { stale, where: tally(places), refused: (await refusedIn(fleet)) - before }
}

interface Round {
  readonly key: string
  readonly plan: RacePlan
  readonly contested: boolean
}

/** One round, and where an old value was seen in it. */
async function onceAround(fleet: Fleet, round: Round): Promise<readonly Place[]> {
  const early = await provoke(fleet, round)
  await pause(round.plan.maxStalenessMs + slackMs)
  return (await isOldAnywhere(fleet, round.key)) ? [...early, 'late'] : early
}

/** Resolves when all reads of a round are over, and tells where an old value was seen after an acknowledgement. */
async function provoke(fleet: Fleet, { key, plan, ...round }: Round): Promise<readonly Place[]> {
  const reads = fleet.workers.map((worker) => {
    const each = Array.from({ length: readsEach }, () => ({ afterMs: Math.random() * spreadMs, loadMs: Math.random() * spreadMs }))
    return worker.call('read', { key, reads: each })
  })
  const contested = round.contested && contestable.includes(plan.verb)
  const [one, other] = shuffled(fleet.workers)
  if (one === undefined || other === undefined) throw new Error('two processes are needed')
  const write = async (writer: Worker, witness: Worker): Promise<readonly Place[]> => {
    const times = { afterMs: 5 + Math.random() * spreadMs, pauseMs: Math.random() < 0.5 ? 0 : Math.random() * 5 }
    const { version, own, shared, token } = await writer.call<Seen>('write', { key, verb: plan.verb, contested, ...times })
    const shown = token === undefined ? version : await witness.call<number>('readOnce', { key, token })
    const places: Place[] = []
    if (own < version) places.push('writer')
    if (shown < version) places.push('token')
    if (shared !== undefined && shared < version) places.push('redis')
    return places
  }
  const seen = await Promise.all(contested ? [write(one, other), write(other, one)] : [write(one, other)])
  await Promise.all(reads)
  return seen.flat()
}

async function isOldAnywhere({ workers, origin }: Fleet, key: string): Promise<boolean> {
  const seen = await Promise.all(workers.map((worker) => worker.call<(number | null | undefined)[]>('look', key)))
  return seen.flat().some((version) => typeof version === 'number' && version < origin.version(key))
}

async function refusedIn({ workers }: Fleet): Promise<number> {
  const counts = await Promise.all(workers.map((worker) => worker.call<Counts>('counts')))
  return counts.reduce((sum, { refused }) => sum + refused, 0)
}

function shuffled<T>(from: readonly T[]): T[] {
  return from
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

function tally(places: readonly Place[]): string {
  return [...new Set(places)].map((place) => `${place} ${places.filter((one) => one === place).length}`).join(', ')
}
