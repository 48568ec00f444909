import type { Doors, Entrant } from './gate.js'
import type { GetOrSetOptions, Key, Loader } from './public.js'

/** One flight's work: whom it loads for and how. */
export interface Job extends Entrant {
  readonly key: Key
  readonly load: Loader<unknown>
  readonly options: GetOrSetOptions | undefined
  /** A refresh: nobody waits for it. */
  readonly background: boolean
  /** Where it asks to be let in, if not at the cache's own gate: one of many that are loaded by one call. */
  readonly doors: Doors<Job> | undefined
  /** The value is still being stored when the callers have it: the flight ends after that. */
  readonly track: (work: Promise<unknown>) => void
  /** Who comes later than that must not join: what the callers were given is too old by then. */
  readonly shareUntil: (ms: number) => void
  /** An early refresh: freshness that ends within this time counts as over. */
  readonly soonMs: number | undefined
}

/** Whether the answer may be an old value. */
export function mayBeOld({ options }: Pick<Job, 'options'>): boolean {
  return options?.mustRevalidate !== true
}
