import { parseDuration } from '../core/duration.js'
import { type HealthPlan, usualHealth } from '../core/health.js'
import type { Duration } from '../engine/public.js'
import { noOption, oneOf, refusal } from './option-checks.js'

/** What `health()` looks at, and what it makes of it. Given at all, looks are taken from the start, else from its first call on. */
export interface HealthOptions {
  /** What becomes of readiness when Redis cannot be used: `'optional'` = `warn`, the process serves without it; `'critical'` = `fail`. Default `'optional'`. */
  readonly redis?: 'optional' | 'critical' | undefined
  /** Time between two looks at Redis; a fifth of it after one that contradicts the others. Default 5 s. */
  readonly interval?: Duration | undefined
  /** A look at Redis that takes longer is a `warn`. Default 200 ms. */
  readonly slow?: Duration | undefined
  /** Liveness fails when the event loop was late by more than this three times in a row. Default 1 s. */
  readonly lag?: Duration | undefined
}

const choices = ['optional', 'critical'] as const

/** Checks the `health` option; throws `E_OPTION`. `hasRedis`: whether there is one to look at. */
export function healthPlan(given: unknown, hasRedis: boolean): HealthPlan {
  const redis = hasRedis ? usualHealth.redis : 'none'
  if (given === undefined) return { ...usualHealth, redis }
  if (typeof given !== 'object' || given === null) throw refusal('', 'health', given, 'an object { redis, interval, slow, lag }')
  const { redis: said, interval, slow, lag, ...others } = given as { readonly [option: string]: unknown }
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw noOption('', `health.${unknown}`, ['redis', 'interval', 'slow', 'lag'])
  const asked = said === undefined ? undefined : oneOf('', 'health.redis', said, choices)
  if (asked === 'critical' && !hasRedis) throw refusal('', 'health.redis', asked, 'there is no redis')
  const ms = (option: string, value: unknown, usualMs: number) => (value === undefined ? usualMs : parseDuration(`health.${option}`, value))
  return {
    redis: hasRedis ? (asked ?? redis) : 'none',
    intervalMs: ms('interval', interval, usualHealth.intervalMs),
    slowMs: ms('slow', slow, usualHealth.slowMs),
    lagMs: ms('lag', lag, usualHealth.lagMs),
    eager: true,
  }
}
