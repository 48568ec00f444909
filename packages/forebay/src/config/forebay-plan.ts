import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { disabledControl } from '../core/control.js'
import { checkName, type Digest } from '../core/key.js'
import type { CachePlan } from '../core/plan.js'
import { noCodecs, type ValueCodec, ValueCodecs } from '../core/value-codec.js'
import type { CacheOptions } from '../engine/public.js'
import { cachePlan, samePlan } from './cache-plan.js'
import { type HealthOptions, healthPlan } from './health-option.js'
import { objectOfOptions, withoutUndefined } from './option-checks.js'
import { type OutboxOptions, outboxPlan } from './outbox-option.js'
import { checkRedisSaid, type Profile, type ProfilePlan, profilePlan, withThreshold } from './profiles.js'

/** Options of a service. `R` is what `redis` may be: the Redis layer says. */
export interface ServiceOptions<R> {
  /** Name of the service: the processes with the same name and the same Redis share one cache. */
  readonly service: string
  /** Where the service runs: changes a few defaults, and what is refused. Default: none, see the guide to configuration. */
  readonly profile?: Profile | undefined
  /** Every cache answers from the origin, as if it were not there; the variable FOREBAY_DISABLED=1 does the same. Default `false`. */
  readonly disabled?: boolean | undefined
  /** Where Redis is; without it everything is kept in this process. `false` says that this is meant. */
  readonly redis?: R | false | undefined
  /** Over how many parts the keys are spread in Redis. Fixed for a service at its first use; leave it out to adopt that. Default 16, on Cluster 64. */
  readonly shards?: number | undefined
  /** How invalidations are kept that cannot be sent. Default: in memory, at most 1,000 for each shard. */
  readonly outbox?: OutboxOptions | undefined
  /** What `health()` looks at, and what it makes of it. */
  readonly health?: HealthOptions | undefined
  /** Options for every cache that does not say otherwise. */
  readonly defaults?: CacheOptions | undefined
  /** How instances of classes of your own are cached; without a codec they are refused. The same in every process that reads them. */
  readonly codecs?: readonly ValueCodec[] | undefined
  /**
   * Keys in events, and so in logs: `true` shows the first 12 characters of their SHA-256, so that the same key can be recognised and not read; a function
   * shows what it returns. Default: as they are, in profile `production` `true`.
   */
  readonly redactKeys?: boolean | ((key: string, cache: string) => string) | undefined
}

export const serviceOptions: readonly (keyof ServiceOptions<unknown>)[] = [
  'service',
  'profile',
  'disabled',
  'redis',
  'shards',
  'defaults',
  'codecs',
  'redactKeys',
  'outbox',
  'health',
]

/** Checks what concerns the service as a whole; throws `E_OPTION`. */
export function checkServiceOptions(options: ServiceOptions<unknown>): void {
  if (options === null || typeof options !== 'object')
    throw new ForebayError('E_OPTION', `createForebay needs options; got ${show(options)}`)
  for (const option of Object.keys(options)) {
    if (!serviceOptions.includes(option as keyof ServiceOptions<unknown>))
      throw new ForebayError('E_OPTION', `${option} is no option of createForebay; there are ${serviceOptions.join(', ')}`)
  }
  checkName('service', options.service)
  const { shards, redis, defaults, redactKeys, profile, disabled } = options
  profilePlan(profile)
  if (disabled !== undefined && typeof disabled !== 'boolean') {
    throw new ForebayError('E_OPTION', `disabled is ${show(disabled)}; true or false`)
  }
  if (redactKeys !== undefined && typeof redactKeys !== 'boolean' && typeof redactKeys !== 'function') {
    throw new ForebayError('E_OPTION', `redactKeys is ${show(redactKeys)}; true, false or a function (key, cache) => text`)
  }
  if (shards !== undefined && (!Number.isSafeInteger(shards) || shards < 1 || shards > 1024)) {
    throw new ForebayError('E_OPTION', `shards is ${show(shards)}; a whole number from 1 to 1024`)
  }
  if (redis === null || redis === '' || redis === true) {
    throw new ForebayError(
      'E_OPTION',
      `redis is ${show(redis)}; a URL, options or a client of ioredis; leave it out, or say false, to go without`,
    )
  }
  outboxPlan(options.outbox)
  healthPlan(options.health, redis !== undefined && redis !== false)
  checkRedisSaid(redis, profile)
  if (defaults?.strategy === 'persistent') {
    throw new ForebayError('E_OPTION', 'defaults: strategy is "persistent"; a cache whose values do not end by time asks for that itself')
  }
  if (defaults !== undefined)
    cachePlan('defaults', { ttl: 1, ...objectOfOptions('defaults: ', defaults) } as CacheOptions<never>, undefined)
}

/** How keys are shown in events; `undefined`: as they are. */
export function keyRedactor({ redactKeys: given, profile }: ServiceOptions<unknown>, digest: Digest) {
  const redactKeys = given ?? profilePlan(profile).redactKeys
  if (typeof redactKeys === 'function') return redactKeys
  return redactKeys === true ? (key: string): string => digest(key).slice(0, 12) : undefined
}

/** What all caches of a service are under. */
interface Circumstances {
  readonly profile: ProfilePlan
  readonly disabled: boolean
}
const ordinary: Circumstances = { profile: profilePlan(undefined), disabled: false }

/** How a service turns the options of a cache into its plan: over the defaults, and the same for the same name. */
export function cachePlanner(
  given: CacheOptions | undefined,
  codecs?: readonly ValueCodec[],
  { profile, disabled }: Circumstances = ordinary,
) {
  const defaults = withThreshold({ ttl: profile.ttl, ...withoutUndefined(given) } as CacheOptions, profile)
  const valueCodecs = codecs === undefined ? noCodecs : new ValueCodecs(codecs)
  return (name: string, options: CacheOptions<never> | undefined, existing: CachePlan | undefined): CachePlan => {
    if (existing !== undefined && options === undefined) return existing
    const asked = cachePlan(name, withThreshold(options, profile), defaults)
    const plan = { ...asked, codecs: valueCodecs, ...(disabled && { control: disabledControl }) }
    if (existing !== undefined && !samePlan(existing, plan)) {
      throw new ForebayError('E_OPTION', `the cache '${name}' exists already with other options; create it once and share it`)
    }
    return plan
  }
}
