import type { Size } from '../values.js'

/** What a child process measures: one way to do one thing. */
export interface SubjectPlan {
  readonly subject: string
  /** Callers who each wait for their answer before they ask again. */
  readonly callers: number
  readonly size: Size
  readonly redisUrl: string | undefined
  /** The folder of the peers, where the subject is one. */
  readonly peers: string | undefined
}

/** `returns`: a value, not a promise. `settles`: a promise that no input or output stands behind. `waits`: for Redis. */
export type Pace = 'returns' | 'settles' | 'waits'

/** One operation on the i-th of `keys` keys. */
export interface Subject {
  readonly pace: Pace
  readonly keys: number
  run(i: number): unknown
  /** Throws if what was measured was not what should have been. */
  check?(): void | Promise<void>
  close(): void | Promise<void>
}

export type OpenSubject = (plan: SubjectPlan) => Promise<Subject>

/** The address of the Redis that the plan must name. */
export function redisOf({ redisUrl }: SubjectPlan): string {
  if (redisUrl === undefined) throw new Error('this subject needs a Redis')
  return redisUrl
}

/** More keys than callers, so that no two callers ever wait for the same one. */
export const redisKeys = 2_048
export const memoryKeys = 1_000
