import { cachePlanner, checkServiceOptions, keyRedactor, type ServiceOptions } from './config/forebay-plan.js'
import { healthPlan } from './config/health-option.js'
import { outboxPlan } from './config/outbox-option.js'
import { profilePlan } from './config/profiles.js'
import type { Tell } from './core/events.js'
import type { FarStore } from './core/far-store.js'
import { Variables } from './core/variables.js'
import { createEngine } from './engine/facade.js'
import type { FarStoreBack } from './engine/parts.js'
import type { Forebay } from './engine/public.js'
import { openNearStore } from './memory/near-store.js'
import { TwinServer } from './memory/twin-server.js'
import { twinStore } from './memory/twin-store.js'
import { createRedisFarStore } from './redis/far-store.js'
import { type RedisOption, parseRedisOption } from './redis/options.js'
import { sha256, systemRandom } from './system/chance.js'
import { systemClock } from './system/clock.js'
import { contextsAreCheap, openContext, outsideCallers } from './system/context.js'
import { systemEnvironment } from './system/environment.js'
import { openOutboxDirectory } from './system/outbox-directory.js'
import { createPacking } from './system/packing.js'

export type ForebayOptions = ServiceOptions<RedisOption>

/** Shards of the in-process store: one event loop has no use for more, and a gap cannot happen in it. */
const twinShards = 4
/** Bound of the in-process store's entries; the caches' own memory has its own bounds. */
const twinMaxBytes = 64 * 1024 * 1024

/**
 * Creates the caches of a service. Answers at once: the caches serve from the first moment, without Redis until it is reached. Of the
 * environment it reads FOREBAY_DISABLED and nothing else; see `fromEnvironment`. Throws
 * `E_OPTION` for options that cannot be used, and `E_REDIS_CLIENT_MISSING` if `redis` is given and ioredis is not installed.
 */
export function createForebay(options: ForebayOptions): Forebay {
  checkServiceOptions(options)
  const { service, redis, shards, defaults, codecs } = options
  const profile = profilePlan(options.profile)
  const disabled = options.disabled === true || disabledByVariable()
  const planCache = cachePlanner(defaults, codecs, { profile, disabled })
  const plan = redis === undefined || redis === false ? undefined : parseRedisOption(redis, { service, shards })
  const openFarStore = (back: FarStoreBack): FarStore => {
    if (plan === undefined) {
      if (redis === undefined && profile.withoutRedis === 'told') sayAlone(back.tell)
      return openTwin(shards)
    }
    const far = createRedisFarStore(plan, { clock: systemClock, random: systemRandom, ...back })
    far.connected().catch(back.onUnusable)
    return far
  }
  const { directory, most } = outboxPlan(options.outbox)
  // Without Redis nothing waits; what a process with Redis has left there is for one with Redis.
  const kept = plan === undefined ? undefined : directory
  const journal = kept === undefined ? undefined : openOutboxDirectory({ directory: kept, service, id: systemRandom.id() })
  const parts = {
    service,
    outbox: { most, journal },
    health: healthPlan(options.health, plan !== undefined),
    openFarStore,
    openNearStore,
    redactKey: keyRedactor(options, sha256),
    clock: systemClock,
    random: systemRandom,
    digest: sha256,
    packing: createPacking({ aside: true }),
    detached: outsideCallers(),
    openContext,
    followsLoads: contextsAreCheap(),
  }
  return createEngine(parts, planCache)
}

/** The way to take the caches out of a service that is in trouble, without another build of it. */
function disabledByVariable(): boolean {
  return new Variables(systemEnvironment()).flag('FOREBAY_DISABLED') ?? false
}

/** Told once there can be someone who listens. */
function sayAlone(tell: Tell): void {
  const text =
    'redis is not given: everything is kept in this process, shared with none and gone with it; redis: false says that this is meant'
  systemClock.afterInput(() => tell({ type: 'warning', text }))
}

function openTwin(shards: number | undefined): FarStore {
  const server = new TwinServer({ shards: shards ?? twinShards, runId: systemRandom.id(), maxBytes: twinMaxBytes })
  return twinStore({ server, clock: systemClock })
}
