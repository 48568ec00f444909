import {
  blackHole,
  clientKills,
  deadConnections,
  type Fault,
  flushes,
  frozen,
  full,
  killed,
  narrow,
  nothing,
  resets,
  slow,
  stallMs,
  stalls,
} from './faults.js'

export interface Scenario {
  readonly name: string
  readonly fault: Fault
  readonly valueBytes: number
  /** What the fault itself adds to a call. */
  readonly ownMs: number
  /** Whether connections have no reason to be opened anew. */
  readonly keepsLinks: boolean
}

function scenario(name: string, fault: Fault, special: Partial<Scenario> = {}): Scenario {
  return { name, fault, valueBytes: 200, ownMs: 0, keepsLinks: false, ...special }
}

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  scenario('calm', nothing, { keepsLinks: true }),
  scenario('killed', killed),
  scenario('frozen', frozen),
  scenario('black-hole', blackHole),
  scenario('dead-connections', deadConnections),
  scenario('reset-storm', resets),
  scenario('latency-300ms', slow),
  scenario('bandwidth-1MBps', narrow, { valueBytes: 10_000 }),
  scenario('memory-full', full, { keepsLinks: true }),
  scenario('client-kill-storm', clientKills),
  scenario('flushall', flushes, { keepsLinks: true }),
  scenario('stalls-500ms', stalls, { keepsLinks: true, ownMs: stallMs }),
]
