import { coldKey } from './cold-key.js'
import { deadLoader } from './dead-loader.js'
import { blackHole, clientKill, cut, emptiedServer, type Fault, frozenServer, killedPrimary, suspendedProcess } from './faults.js'
import { type FleetPlan, withFleet } from './fleet.js'
import { coherenceLatency } from './latency.js'
import { type MissedResult, missedNotices, trimmedLog } from './missed-notices.js'
import { movingSlots } from './moving-slots.js'
import { verbs } from './side.js'
import { race } from './stale-store.js'
import { storm } from './storm.js'

/** One thing seen. `ok` is false where a target is missed. */
export interface Line {
  readonly scenario: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly target: string | null
  readonly ok: boolean
}

export interface Scope {
  readonly rounds: number
  readonly sample: boolean
  /** Folder of the peers, where they are installed. */
  readonly peers: string | undefined
}

export type Say = (metric: string, value: number, unit: string, target?: string, ok?: boolean) => void

export interface Scenario {
  readonly name: string
  /** Part of the short form. */
  readonly inSample: boolean
  readonly run: (scope: Scope, say: Say) => Promise<void>
}

type Place = 'server' | 'cluster'

const raceStalenessMs = 250
const stormStalenessMs = 500
/** What the timers and turns of a busy machine may add to the contract. */
const slackMs = 100
const leaseMs = 5_000
const takeoverMarginMs = 1_000
const clusterShards = 64
const callersEach = 200

const racers: FleetPlan = { side: 'forebay', processes: 4, maxStalenessMs: raceStalenessMs, probe: true, deadlineMs: 1_000 }
const stormers: FleetPlan = { side: 'forebay', processes: 3, maxStalenessMs: stormStalenessMs }

function rounds(on: Place): Scenario['run'] {
  return async (scope, say) => {
    await withFleet({ ...racers, on }, async (fleet) => {
      for (const verb of verbs) {
        const { stale, where, refused } = await race(fleet, { rounds: scope.rounds, verb, maxStalenessMs: raceStalenessMs })
        say(`${verb}-stale`, stale, `of ${scope.rounds} rounds${where && ` (${where})`}`, '0', stale === 0)
        // Without any the race was not run: no load was overtaken by a write.
        say(`${verb}-fills-refused`, refused, 'fills', '> 0', refused > 0)
      }
    })
  }
}

/** What the harness must be able to break. */
async function control({ rounds: count }: Scope, say: Say): Promise<void> {
  for (const verb of ['keys', 'set'] as const) {
    const plan = { rounds: Math.min(count, 500), verb, maxStalenessMs: raceStalenessMs }
    const { stale } = await withFleet({ ...racers, side: 'naive' }, (fleet) => race(fleet, plan))
    const share = (100 * stale) / plan.rounds
    say(`${verb}-stale`, share, '% of rounds', '> 10', share > 10)
  }
}

async function peerRounds({ rounds: count, peers }: Scope, say: Say): Promise<void> {
  for (const side of peers === undefined ? [] : ['bentocache', 'cacheable']) {
    const plan = { rounds: Math.min(count, 500), verb: 'keys', maxStalenessMs: raceStalenessMs } as const
    const { stale } = await withFleet({ ...racers, side, peers }, (fleet) => race(fleet, plan))
    say(`${side}-keys-stale`, (100 * stale) / plan.rounds, '% of rounds')
  }
}

function cold(on: Place): Scenario['run'] {
  return async ({ sample }, say) => {
    const plan = { rounds: sample ? 3 : 20, callersEach, loadMs: 300 }
    const { loads, away, ms } = await withFleet({ ...racers, on }, (fleet) => coldKey(fleet, plan))
    say('loads', loads, `loads for ${racers.processes * callersEach} callers`, '1', loads === 1)
    say('loads-without-redis', away, 'loads, of processes that Redis did not answer in time')
    say('time', ms, 'ms, of which the load is 300')
  }
}

function latency(on: Place): Scenario['run'] {
  return async ({ sample }, say) => {
    const { p50Ms, p99Ms } = await withFleet({ ...racers, on, processes: 2 }, (fleet) => coherenceLatency(fleet, sample ? 50 : 500))
    say('p50', p50Ms, 'ms')
    say('p99', p99Ms, 'ms')
  }
}

/** Traffic around a fault, judged by the contract. `fault` may say more. */
function under(plan: Partial<FleetPlan>, fault: (scope: Scope, say: Say) => Fault): Scenario['run'] {
  return async (scope, say) => {
    const calmMs = scope.sample ? 600 : 1_500
    const seen = await withFleet({ ...stormers, ...plan }, (fleet) => storm(fleet, { calmMs }, fault(scope, say)))
    const target = stormStalenessMs + slackMs
    const worst = seen.worst === '' ? '' : ` (${seen.worst})`
    say('largest-staleness', seen.staleMs, `ms${seen.staleMs > target ? worst : ''}`, `<= ${target}`, seen.staleMs <= target)
    say('own-writes-unseen', seen.ownOld, 'reads', '0', seen.ownOld === 0)
    say('tokens-unseen', seen.tokenOld, 'reads', '0', seen.tokenOld === 0)
    say('since-the-change', seen.sinceChangeMs, 'ms, queued writes counted before they are sent')
    say('reads', seen.reads, `reads, of which ${seen.failed} failed`, '> 0, none failed', seen.reads > 0 && seen.failed === 0)
    say('writes', seen.writes, `writes, of which ${seen.queued} queued`)
    const { replayed, drops, resent } = seen.counts
    say('notices-replayed', replayed, 'notices')
    say('shards-dropped', drops.gap, `shards for a gap, and ${drops.incarnation} since their data was lost`)
    say('notices-resent', resent, 'notices')
  }
}

/** The contract is off, the judge is not: it must find what a hole does then. */
async function contractOff({ sample }: Scope, say: Say): Promise<void> {
  const plan = { ...stormers, proxied: true, maxStalenessMs: 60_000 }
  const fault = blackHole(3 * stormStalenessMs)
  const { staleMs } = await withFleet(plan, (fleet) => storm(fleet, { calmMs: sample ? 300 : 1_000, verbs: ['keys'] }, fault))
  const found = stormStalenessMs + slackMs
  say('largest-staleness', staleMs, 'ms', `> ${found}`, staleMs > found)
}

function frozen({ sample }: Scope, say: Say): Fault {
  return frozenServer((sample ? 2 : 3) * stormStalenessMs, (sinceChangeMs) => {
    const target = stormStalenessMs + slackMs
    say('since-the-change-while-frozen', sinceChangeMs, 'ms', `<= ${target}`, sinceChangeMs <= target)
  })
}

async function missed({ sample }: Scope, say: Say): Promise<void> {
  const plan: FleetPlan = { ...stormers, processes: 2, proxied: true, shards: 4, deadlineMs: 1_000 }
  const found = await withFleet(plan, (fleet) => missedNotices(fleet, { missed: sample ? 300 : 2_000, untouched: 500 }))
  say('missed', found.missed, 'notices')
  say('replayed', found.replayed, 'notices', `${found.missed}`, found.replayed === found.missed)
  say('dropped', found.dropped, 'shards', '0', found.dropped === 0)
  sayHeld(found, say)
  if (sample) return
  const trimmed = await withFleet(plan, (fleet) => trimmedLog(fleet, { missed: 6_000, untouched: 500 }))
  say('trimmed-dropped', trimmed.dropped, 'shards of 4', '1', trimmed.dropped === 1)
  say('trimmed-kept', trimmed.kept, `keys of ${trimmed.untouched}`, '> 0', trimmed.kept > 0)
  say('trimmed-old', trimmed.old, 'keys', '0', trimmed.old === 0)
}

function sayHeld({ kept, untouched, old }: MissedResult, say: Say): void {
  say('kept', kept, 'keys that nobody touched', `${untouched}`, kept === untouched)
  say('old', old, 'keys', '0', old === 0)
}

function dead(on: Place): Scenario['run'] {
  return async ({ sample }, say) => {
    let longestMs = 0
    for (let round = 0; round < (sample ? 1 : 2); round++) {
      longestMs = Math.max(longestMs, await withFleet({ ...stormers, processes: 2, on }, (fleet) => deadLoader(fleet, round)))
    }
    const target = leaseMs + takeoverMarginMs
    say('taken-over-after', longestMs, 'ms', `<= ${target}`, longestMs <= target)
  }
}

function slots({ sample }: Scope, say: Say): Fault {
  return movingSlots({
    forMs: sample ? 1_500 : 8_000,
    shards: clusterShards,
    moved: (count) => say('slots-moved', count, 'slots', '> 0', count > 0),
  })
}

const spellMs = 3 * stormStalenessMs
const cluster = { on: 'cluster' } as const
const proxied = { proxied: true }
const strikesMs = ({ sample }: Scope): number => (sample ? 1_500 : 6_000)

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  { name: 'rounds', inSample: true, run: rounds('server') },
  { name: 'control', inSample: true, run: control },
  { name: 'peers', inSample: false, run: peerRounds },
  { name: 'cold-key', inSample: true, run: cold('server') },
  { name: 'latency', inSample: true, run: latency('server') },
  { name: 'client-kill', inSample: true, run: under({}, (scope) => clientKill(strikesMs(scope))) },
  { name: 'cut', inSample: true, run: under(proxied, (scope) => cut(strikesMs(scope))) },
  { name: 'black-hole', inSample: false, run: under(proxied, () => blackHole(spellMs)) },
  { name: 'black-hole-to-server', inSample: false, run: under(proxied, () => blackHole(spellMs, 'up')) },
  { name: 'black-hole-from-server', inSample: false, run: under(proxied, () => blackHole(spellMs, 'down')) },
  { name: 'contract-off', inSample: false, run: contractOff },
  { name: 'frozen-server', inSample: true, run: under({}, frozen) },
  { name: 'emptied-server', inSample: false, run: under({}, () => emptiedServer(spellMs)) },
  { name: 'suspended-process', inSample: false, run: under({}, () => suspendedProcess(spellMs)) },
  { name: 'missed-notices', inSample: true, run: missed },
  { name: 'dead-loader', inSample: false, run: dead('server') },
  { name: 'cluster-rounds', inSample: false, run: rounds('cluster') },
  { name: 'cluster-cold-key', inSample: false, run: cold('cluster') },
  { name: 'cluster-latency', inSample: false, run: latency('cluster') },
  { name: 'cluster-moving-slots', inSample: true, run: under(cluster, slots) },
  { name: 'cluster-client-kill', inSample: false, run: under(cluster, (scope) => clientKill(strikesMs(scope))) },
  { name: 'cluster-frozen-primary', inSample: false, run: under(cluster, frozen) },
  { name: 'cluster-killed-primary', inSample: false, run: under(cluster, () => killedPrimary(2 * spellMs)) },
  { name: 'cluster-suspended-process', inSample: false, run: under(cluster, () => suspendedProcess(spellMs)) },
  { name: 'cluster-dead-loader', inSample: false, run: dead('cluster') },
]
