import { cachePlan } from '../../src/config/cache-plan.js'
import { endlessMs } from '../../src/core/envelope.js'
import type { Clock } from '../../src/core/clock.js'
import type { ForebayEvent } from '../../src/core/events.js'
import type { FarStore } from '../../src/core/far-store.js'
import { usualHealth } from '../../src/core/health.js'
import { type CachePlan, mostUnsent } from '../../src/core/plan.js'
import { Engine } from '../../src/engine/forebay.js'
import type { FarStoreBack } from '../../src/engine/parts.js'
import type { Cache, CacheControl } from '../../src/engine/public.js'
import { openNearStore } from '../../src/memory/near-store.js'
import { openContext } from '../../src/system/context.js'
import type { SimClock } from '../../src/testing/sim-clock.js'
import type { SimDisk } from '../../src/testing/sim-journal.js'
import { closeLinks, type SimNetworkParts, type SimStore, simStore } from '../../src/testing/sim-network.js'
import { type ClockSkew, SimProcess } from '../../src/testing/sim-process.js'
import { SimRandom } from '../../src/testing/sim-random.js'
import type { OriginValue, Versioned } from './origin.js'
import { worldPacking } from './packing.js'
import type { CacheModel } from './plan.js'

/** Stands between a process and its store: how a control world plants a fault. */
export type WrapStore = (far: FarStore, owner: { readonly name: string; readonly clock: Clock; readonly random: SimRandom }) => FarStore

/** One life of one process of the service. */
export class WorldNode {
  readonly index: number
  readonly name: string
  /** Of its caches. */
  readonly version: string
  readonly process: SimProcess
  readonly store: SimStore
  readonly engine: Engine
  /** Keys (cache/key) for which a caller has joined another's read, by the time of the last one. */
  readonly joinedMs = new Map<string, number>()
  /** When a cache was last not used for all of its keys. */
  readonly #asideMs = new Map<string, number>()
  readonly #nowMs: () => number
  /** Time that it was stalled in its life; calls may take this much longer. */
  stalledMs = 0
  closing = false
  readonly #caches: ReadonlyMap<string, Cache<OriginValue>>

  constructor(given: {
    readonly index: number
    readonly name: string
    readonly clock: SimClock
    readonly skew: ClockSkew
    readonly network: SimNetworkParts
    readonly caches: readonly CacheModel[]
    readonly version: string
    readonly wrap: WrapStore
    /** Where its outbox is kept, if it is. */
    readonly disk: SimDisk | undefined
    /** Whether it looks after its health. */
    readonly looks: boolean
    readonly hear: (node: WorldNode, event: ForebayEvent) => void
  }) {
    this.index = given.index
    this.name = given.name
    this.version = given.version
    this.process = new SimProcess(given.clock, given.skew)
    let back: FarStoreBack | undefined
    const owner = { name: given.name, process: this.process, onUp: () => back?.onUp(), tell: (event: ForebayEvent) => back?.tell(event) }
    this.store = simStore(given.network, owner)
    const random = given.network.random.fork(`engine/${given.name}`)
    const far = given.wrap(this.store.far, { name: given.name, clock: this.process, random: random.fork('wrap') })
    this.engine = new Engine({
      service: 'world',
      openFarStore: (given) => {
        back = given
        return far
      },
      openNearStore,
      packing: worldPacking(this.process, random.fork('packing')),
      clock: this.process,
      random,
      digest: (text) => new SimRandom(text).id().repeat(8),
      detached: (work) => work(),
      openContext,
      health: given.looks ? { ...usualHealth, eager: true, intervalMs: 500 } : undefined,
      outbox: { most: mostUnsent, journal: given.disk?.open(given.name, () => this.process.alive) },
    })
    this.engine.onAny((event) => {
      if (event.type === 'join') this.joinedMs.set(`${event.cache}/${event.key}`, given.clock.now())
      given.hear(this, event)
    })
    this.#nowMs = () => given.clock.now()
    this.#caches = new Map(given.caches.map((model) => [model.name, openCache(this.engine, model, given.version)]))
  }

  /** Alive and not about to end: it takes calls. */
  get serving(): boolean {
    return this.process.alive && !this.closing
  }

  /** It runs, all its links lead to servers that run, and nothing waits to be sent. */
  get reachesAll(): boolean {
    if (this.process.stalled) return false
    return (
      this.usesAll && this.engine.stats().outbox === 0 && this.store.links.every(({ command, listen }) => command.whole && listen.whole)
    )
  }

  /** It asks every server. */
  get usesAll(): boolean {
    return this.engine.stats().redis.every(({ state }) => state === 'healthy' || state === 'degraded')
  }

  cache(name: string): Cache<OriginValue> {
    const cache = this.#caches.get(name)
    if (cache === undefined) throw new RangeError(`There is no cache ${name}.`)
    return cache
  }

  /** Changes whether a cache is used. */
  control(name: string, control: Required<CacheControl>): void {
    this.#noteAside(name)
    this.cache(name).control(control)
  }

  /** Whether a load that begins now may be one past the cache, for whoever reads while it is not used, or for the monitor. */
  mayLoadAside({ name, hardTimeoutMs, manners }: CacheModel): boolean {
    this.#noteAside(name)
    return manners.monitored || this.#nowMs() - (this.#asideMs.get(name) ?? Number.NEGATIVE_INFINITY) < 2 * hardTimeoutMs
  }

  #noteAside(name: string): void {
    const { mode, ramp } = this.cache(name).stats().control
    if (mode !== 'on' || ramp < 100) this.#asideMs.set(name, this.#nowMs())
  }

  kill(): void {
    this.process.kill()
    for (const links of this.store.links) closeLinks(links)
  }
}

function openCache(engine: Engine, model: CacheModel, version: string): Cache<OriginValue> {
  const tags = new Map(model.keys.map(({ key, tags }) => [`${model.name}/${key}`, tags]))
  const { lives, manners } = model
  const plan: CachePlan = {
    ...cachePlan(model.name, { ttl: 1 }, undefined),
    name: model.name,
    version,
    ttlMs: lives.endless ? endlessMs : model.ttlMs,
    staleMs: model.staleMs,
    errorMs: model.errorMs,
    jitter: 0.05,
    tags: (value) => tags.get((value as Versioned).key) ?? [],
    maxStalenessMs: model.maxStalenessMs,
    onOutage: model.onOutage,
    hardTimeoutMs: model.hardTimeoutMs,
    softTimeoutMs: lives.softTimeoutMs,
    sliding:
      lives.slideMs === 0 || lives.endless ? undefined : { maxMs: Math.max(lives.slideMs, model.ttlMs), mostSpans: lives.spans || 1 },
    earlyBeta: lives.beta,
    keepMs: lives.keepMs,
    negativeMs: manners.negativeMs,
    values: manners.values,
    loads: manners.loads,
    monitor: manners.monitored ? { share: 0.5, maxPerSecond: 20 } : undefined,
    memory:
      model.memory === 0
        ? undefined
        : {
            maxEntries: model.memory,
            maxBytes: 1_000_000,
            policy: lives.spans ? 'lfu' : manners.policy,
            ttlMs: lives.memoryMs || Number.MAX_SAFE_INTEGER,
            hotPerSecond: lives.hotPerSecond,
          },
    maxValueBytes: 10_000,
    compression: model.keys.length % 2 === 0 ? { codec: 'gzip', thresholdBytes: 0, level: 1 } : undefined,
  }
  return engine.cache(plan) as unknown as Cache<OriginValue>
}
