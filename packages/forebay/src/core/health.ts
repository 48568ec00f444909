/**
 * How a process says how it is: what it looks at, and what follows from that for the three questions that are asked of it. The words and the
 * shape of a check are those of draft-inadarei-api-health-check-06, sections 3 and 4.
 */
export type HealthStatus = 'pass' | 'warn' | 'fail'

/** The answer to one question. */
export interface HealthVerdict {
  readonly status: HealthStatus
  /** Why it is not `pass`. May name hosts and the words of a server; never keys, values or passwords. */
  readonly output?: string | undefined
}

/** One thing that is looked at. */
export interface HealthCheck {
  /** Which one, where there are several: a node of Redis. */
  readonly componentId?: string | undefined
  readonly componentType: 'datastore' | 'component' | 'system'
  /** `undefined`: not looked at yet. */
  readonly observedValue: number | string | boolean | undefined
  readonly observedUnit?: string | undefined
  readonly status: HealthStatus
  /** When it was observed, in ISO 8601. */
  readonly time: string
  readonly output?: string | undefined
}

/** How this process is, by the last looks taken in the background. */
export interface Health {
  /** Whether the process should go on: its event loop, and nothing else. `fail` asks for a restart, which would not mend Redis. */
  readonly live: HealthVerdict
  /** Whether it should be given work: `warn` = yes, degraded. */
  readonly ready: HealthVerdict
  /** Whether it has come up: Redis was reached, or was found away where it is not critical. Never taken back. */
  readonly started: HealthVerdict
  readonly checks: { readonly [name: string]: readonly HealthCheck[] }
}

/** What the options of `health` become. */
export interface HealthPlan {
  /** What Redis is to readiness; `none`: there is none. */
  readonly redis: 'none' | 'optional' | 'critical'
  readonly intervalMs: number
  readonly slowMs: number
  readonly lagMs: number
  /** Looks are taken from the start; else from the first time that anybody asks. */
  readonly eager: boolean
}

export const usualHealth: HealthPlan = { redis: 'optional', intervalMs: 5_000, slowMs: 200, lagMs: 1_000, eager: false }

/** What has been seen for some time (nothing yet: `undefined`), and how often lately it was seen otherwise. */
export interface Steady {
  readonly status: HealthStatus | undefined
  readonly against: number
}

export const unseen: Steady = { status: undefined, against: 0 }

/** So many looks in a row turn a status. */
const turns = 2

/** One slow answer, or one that is lost, does not turn a status, and a process that has just started need not be connected yet. */
export function steadied(before: Steady, seen: HealthStatus): Steady {
  if (seen === before.status || (before.status === undefined && seen === 'pass')) return { status: seen, against: 0 }
  return before.against + 1 >= turns ? { status: seen, against: 0 } : { status: before.status, against: before.against + 1 }
}

/** So many times in a row the event loop must have been late, until the process counts as stuck. */
export const lagLooks = 3

/** Stuck: late by more than this, again and again. One long pause, of a debugger or of the machine, is none of it. */
export function livenessOf(lagsMs: readonly number[], { lagMs }: Pick<HealthPlan, 'lagMs'>): HealthVerdict {
  const least = Math.min(...lagsMs)
  if (lagsMs.length < lagLooks || least <= lagMs) return { status: 'pass' }
  return { status: 'fail', output: `the event loop is late by ${Math.round(least)} ms and more` }
}

/** What readiness depends on. */
export interface Readiness {
  readonly started: HealthVerdict
  /** The process is about to end, or has ended. */
  readonly draining: 'draining' | 'closed' | undefined
  /** What may be wrong, each already weighed. */
  readonly checks: readonly HealthVerdict[]
}

/** As bad as the worst; the reasons of all that is wrong. */
export function readinessOf({ started, draining, checks }: Readiness): HealthVerdict {
  const ending: readonly HealthVerdict[] = draining === undefined ? [] : [{ status: 'fail', output: draining }]
  return worstOf([...ending, started, ...checks])
}

/** What a status is worth to readiness, where what it tells of is not needed to serve. */
export function weighed(verdict: HealthVerdict, critical: boolean): HealthVerdict {
  return verdict.status === 'fail' && !critical ? { ...verdict, status: 'warn' } : verdict
}

function worstOf(verdicts: readonly HealthVerdict[]): HealthVerdict {
  const status = (['fail', 'warn'] as const).find((bad) => verdicts.some((verdict) => verdict.status === bad)) ?? 'pass'
  const output = verdicts.flatMap((verdict) => (verdict.status === 'pass' ? [] : (verdict.output ?? []))).join('; ')
  return { status, ...(output !== '' && { output }) }
}
