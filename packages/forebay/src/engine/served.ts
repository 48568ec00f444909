import type { StaleReason, Tier } from '../core/events.js'
import type { Held } from './held.js'

/** What a caller gets. */
export interface Served {
  readonly state: 'fresh' | 'stale'
  /** As it is kept: several callers share this, and `handOut` makes of it what each of them may have. */
  readonly value: unknown
  readonly tier: Tier
  readonly createdMs: number
  readonly why: StaleReason | undefined
}

/** Serves what is cached; with a reason, it is stale. */
export function served(tier: Tier, held: Pick<Held, 'value' | 'createdMs'>, why?: StaleReason): Served {
  return { state: why === undefined ? 'fresh' : 'stale', value: held.value, tier, createdMs: held.createdMs, why }
}

/** Serves what was loaded just now. */
export function loaded(value: unknown, startedMs: number): Served {
  return { state: 'fresh', value, tier: 'origin', createdMs: startedMs, why: undefined }
}
