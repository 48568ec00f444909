import { cachePlanner, checkServiceOptions } from '../config/forebay-plan.js'
import { parseDuration } from '../core/duration.js'
import type { ValueCodec } from '../core/value-codec.js'
import { createEngine } from '../engine/facade.js'
import type { CacheOptions, Duration, Forebay } from '../engine/public.js'
import { openNearStore } from '../memory/near-store.js'
import { openContext, outsideCallers } from '../system/context.js'
import { createPacking } from '../system/packing.js'
import { SimClock } from './sim-clock.js'
import { SimRandom } from './sim-random.js'
import { TestRedis } from './test-redis.js'

export interface TestForebayOptions {
  /** The same seed gives the same chance. Default 1. */
  readonly seed?: number | undefined
  /** Options for every cache that does not say otherwise. */
  readonly defaults?: CacheOptions | undefined
  /** How instances of classes of your own are cached, as in `createForebay`. */
  readonly codecs?: readonly ValueCodec[] | undefined
  /** Over how many parts the keys are spread. Default 4. */
  readonly shards?: number | undefined
  /** How long a command waits for a frozen Redis. Default 500 ms. */
  readonly deadline?: Duration | undefined
}

/** A service's caches on a simulated clock and a Redis that fails on command. */
export interface TestForebay {
  /** The process under test. */
  readonly forebay: Forebay
  /** Another process of the same service, on the same Redis. */
  another(): Forebay
  readonly clock: TestClock
  readonly redis: TestRedis
  /** Lets time pass until all fills, refreshes and queued writes of all processes are done, at most a minute. */
  settle(): Promise<void>
}

export interface TestClock {
  /** Simulated milliseconds since the beginning. */
  now(): number
  /** Lets time pass; what falls due meanwhile happens in its order. */
  advance(span: Duration): Promise<void>
}

const longestSettleMs = 60_000

/**
 * Caches for your tests: the real engine, with memory, leases and invalidations, on simulated time. While Redis is well, nothing needs time
 * to pass but what is about time: `await books.getOrSet(…)` just works. Expiry, refreshes and outages happen when `clock.advance` says so.
 */
export function createTestForebay(options: TestForebayOptions = {}): TestForebay {
  const { seed = 1, defaults, codecs, shards = 4, deadline = 500 } = options
  checkServiceOptions({ service: 'test', defaults, shards })
  const planCache = cachePlanner(defaults, codecs)
  const clock = new SimClock()
  const redis = new TestRedis(clock, { shards, deadlineMs: parseDuration('deadline', deadline) })
  const random = new SimRandom(seed)
  const processes: Forebay[] = []
  const start = (): Forebay => {
    const parts = {
      service: 'test',
      openFarStore: () => redis.connect(),
      openNearStore,
      packing: createPacking({ aside: false }),
      clock,
      random: random.fork(`process/${processes.length}`),
      digest: (text: string) => random.fork(`digest/${text}`).id(),
      detached: outsideCallers(),
      openContext,
      followsLoads: true,
    }
    const forebay = createEngine(parts, planCache)
    processes.push(forebay)
    return forebay
  }
  return {
    forebay: start(),
    another: start,
    redis,
    clock: { now: () => clock.now(), advance: (span) => clock.run(parseDuration('span', span)) },
    async settle() {
      let settled = false
      const done = () => {
        settled = true
      }
      Promise.all(processes.map((forebay) => forebay.settled())).then(done, done)
      await clock.runUntil(clock.now() + longestSettleMs, () => settled)
    },
  }
}
