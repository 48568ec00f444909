import { clusterFrozen, clusterKilled, promoted, sentinelFrozen, sentinelKilled } from './failover.js'
import {
  blackHole,
  clientKills,
  deadConnections,
  type Fault,
  flushes,
  frozen,
  full,
  hiccups,
  killed,
  movingSlots,
  narrow,
  nothing,
  resets,
  slow,
  stallMs,
  stalls,
} from './faults.js'
import type { PlaceName } from './place.js'

export interface Scenario {
  readonly name: string
  readonly place: PlaceName
  readonly fault: Fault
  readonly valueBytes: number
  /** What the fault itself adds to a call. */
  readonly ownMs: number
  /** Whether connections have no reason to be opened anew. */
  readonly keepsLinks: boolean
  /** Whether the process has its memory, as by default. Without, each read depends on Redis. */
  readonly memory: boolean
  /** How long a caller rests between its calls. */
  readonly restMs: number
  /** Until the first hit, from when Redis could be used. */
  readonly hitWithinMs: number
  /** Part of the short form. */
  readonly inSample: boolean
}

/** What is measured is the answer, not how much a machine can do. */
const usualRestMs = 5
const hitWithinMs: Readonly<Record<PlaceName, number>> = { server: 500, pair: 500, sentinels: 600, cluster: 300 }

function scenario(name: string, fault: Fault, special: Partial<Scenario> = {}): Scenario {
  const { place = 'server' } = special
  const usual = { valueBytes: 200, ownMs: 0, keepsLinks: false, memory: false, restMs: usualRestMs, inSample: false }
  return { name, place, fault, hitWithinMs: hitWithinMs[place], ...usual, ...special }
}

const sample = { inSample: true }
const withMemory = { memory: true }
const cluster = { place: 'cluster' } as const
const sentinels = { place: 'sentinels' } as const

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  scenario('calm', nothing, { keepsLinks: true }),
  scenario('killed', killed, sample),
  scenario('killed-with-memory', killed, withMemory),
  scenario('frozen', frozen, sample),
  scenario('frozen-with-memory', frozen, withMemory),
  scenario('frozen-without-rest', frozen, { restMs: 0 }),
  scenario('black-hole', blackHole),
  scenario('dead-connections', deadConnections),
  scenario('reset-storm', resets),
  scenario('latency-300ms', slow),
  scenario('bandwidth-1MBps', narrow, { valueBytes: 10_000 }),
  scenario('memory-full', full, { keepsLinks: true }),
  scenario('client-kill-storm', clientKills),
  scenario('flushall', flushes, { keepsLinks: true }),
  scenario('stalls-500ms', stalls, { keepsLinks: true, ownMs: stallMs }),
  scenario('hiccups-30ms', hiccups, { place: 'pair' }),
  scenario('promoted', promoted, { place: 'pair' }),
  scenario('sentinel-killed', sentinelKilled, { ...sentinels, ...sample }),
  scenario('sentinel-frozen', sentinelFrozen, sentinels),
  scenario('cluster-primary-killed', clusterKilled, cluster),
  scenario('cluster-primary-frozen', clusterFrozen, cluster),
  scenario('cluster-moving-slots', movingSlots, cluster),
]
