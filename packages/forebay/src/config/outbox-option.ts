import { mostUnsent } from '../core/plan.js'
import { noOption, refusal, whole } from './option-checks.js'

/** What becomes of invalidations that cannot be sent. */
export interface OutboxOptions {
  /**
   * A directory in which they are kept too, so that they survive the process: whoever starts with the same directory sends what was left.
   * Made if only its last part is missing. Default: none.
   */
  readonly directory?: string | undefined
  /** So many wait for one part of Redis (see `shards`); with one more they become the clear of their caches. Default 1,000. */
  readonly max?: number | undefined
}

export interface OutboxPlan {
  readonly directory: string | undefined
  readonly most: number
}

/** Checks the `outbox` option; throws `E_OPTION`. */
export function outboxPlan(given: unknown): OutboxPlan {
  if (given === undefined) return { directory: undefined, most: mostUnsent }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw refusal('', 'outbox', given, 'an object { directory, max }')
  const { directory, max, ...others } = given as { readonly [option: string]: unknown }
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw noOption('', `outbox.${unknown}`, ['directory', 'max'])
  if (directory !== undefined && (typeof directory !== 'string' || directory === ''))
    throw refusal('', 'outbox.directory', directory, 'the path of a directory')
  return { directory, most: max === undefined ? mostUnsent : whole('', 'outbox.max', max, 1) }
}
