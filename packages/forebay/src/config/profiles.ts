import { ForebayError } from '../core/errors.js'
import type { Duration } from '../engine/public.js'
import { oneOf } from './option-checks.js'

/** Where a service runs. */
export type Profile = 'local' | 'development' | 'production'

export const profiles: readonly Profile[] = ['local', 'development', 'production']

/** What a profile changes of the defaults. */
export interface ProfilePlan {
  /** Lifetime of the caches that say none; `undefined`: each must say. */
  readonly ttl: Duration | undefined
  /** `undefined`: the general one. */
  readonly compressionThreshold: number | undefined
  readonly redactKeys: boolean
  /** What becomes of a service that does not say where Redis is: nothing, a warning, or an error. */
  readonly withoutRedis: 'fine' | 'told' | 'refused'
}

/** On one's own machine nothing should stand in the way. */
const onTheWay = { ttl: '1m', compressionThreshold: undefined, redactKeys: false } as const

const plans: Readonly<Record<Profile | 'none', ProfilePlan>> = {
  none: { ttl: undefined, compressionThreshold: undefined, redactKeys: false, withoutRedis: 'told' },
  local: { ...onTheWay, withoutRedis: 'fine' },
  development: { ...onTheWay, withoutRedis: 'told' },
  // A network between and a Redis that is paid by its memory: from 4 KiB on, two thirds less of both for some 50 µs. Keys name customers, and logs are read by many.
  production: { ttl: undefined, compressionThreshold: 4_096, redactKeys: true, withoutRedis: 'refused' },
}

/** The plan of the `profile` option; throws `E_OPTION`. */
export function profilePlan(profile: unknown): ProfilePlan {
  return plans[profile === undefined ? 'none' : oneOf('', 'profile', profile, profiles)]
}

/** Refuses a service of which the profile wants to hear where its Redis is, and does not. */
export function checkRedisSaid(redis: unknown, profile: Profile | undefined): void {
  if (redis !== undefined || profilePlan(profile).withoutRedis !== 'refused') return
  const todo = 'a URL, options or a client of ioredis; say redis: false (FOREBAY_REDIS=false) to go without'
  throw new ForebayError('E_OPTION', `redis is missing, and profile '${profile}' must be told; ${todo}`)
}

/** Options of a cache, with the profile's threshold where they compress and name none. */
export function withThreshold<O extends { readonly compression?: unknown } | undefined>(
  options: O,
  { compressionThreshold }: ProfilePlan,
): O {
  const compression: unknown = options?.compression
  if (compressionThreshold === undefined || compression === undefined || compression === false) return options
  const given = typeof compression === 'string' ? { codec: compression } : compression
  if (typeof given !== 'object' || given === null) return options
  return { ...options, compression: { threshold: compressionThreshold, ...given } } as O
}
