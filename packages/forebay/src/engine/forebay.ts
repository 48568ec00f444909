import { ForebayError } from '../core/errors.js'
import type { EventOf, EventType, ForebayEvent, Tell } from '../core/events.js'
import { wholeService } from '../core/far-store.js'
import { type Health, usualHealth } from '../core/health.js'
import { checkTags } from '../core/key.js'
import type { Tidings } from '../core/notice.js'
import type { CachePlan } from '../core/plan.js'
import type { Arrivals } from '../core/shard-view.js'
import { EngineCache } from './cache.js'
import { Caches } from './caches.js'
import { EventHub } from './event-hub.js'
import { HealthWatch } from './health-watch.js'
import { type Effects, Listener } from './listener.js'
import { LoadChain } from './load-chain.js'
import { OutboxJournal } from './outbox-journal.js'
import { type EngineParts, Ids } from './parts.js'
import type { InvalidateOptions, WriteResult } from './public.js'
import type { ForebayStats } from './reports.js'
import { Recorder } from './recorder.js'
import { redacting } from './redaction.js'
import { Repeats } from './repeats.js'
import { ReplicaReads } from './replica-reads.js'
import { Shards } from './shards.js'
import { CacheCounters, ServiceCounters, totalOf } from './statistics.js'
import { StrategyWarnings } from './strategy-warnings.js'
import { SuspensionWatch } from './suspension.js'
import { TokenScopes } from './token-scopes.js'
import { UnderWay } from './under-way.js'
import { Wakes } from './wakes.js'
import { resultOf, Writes } from './writes.js'

/** Shortest time between two questions, whatever the contracts say. */
const shortestIntervalMs = 10
const longestIntervalMs = 500
/** While closing, the outboxes are tried again this soon. */
const drainAgainMs = 50

/** All caches of one service in this process: what they share, and what concerns them together. */
export class Engine {
  readonly #parts: EngineParts
  readonly #hub = new EventHub()
  readonly #tell: Tell
  readonly #recorder: Recorder
  readonly #caches = new Caches()
  readonly #counters = new ServiceCounters()
  readonly #work = new UnderWay(() => this.#caches.landings())
  readonly #arrivals: Arrivals = { last: 0 }
  readonly #far
  readonly #shards: Shards
  readonly #replicas: ReplicaReads | undefined
  readonly #ids: Ids
  readonly #wakes: Wakes
  readonly #journal: OutboxJournal | undefined
  readonly #writes: Writes
  readonly #listener: Listener
  readonly #watch: SuspensionWatch
  readonly #strategies: StrategyWarnings
  readonly #scopes: TokenScopes
  readonly #chain: LoadChain
  readonly #repeats: Repeats
  readonly #health: HealthWatch
  #unusable: Error | undefined
  #closed = false
  #closing: Promise<{ unsent: number }> | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
    const { clock } = parts
    this.#hub.onAny((event) => this.#count(event))
    this.#ids = new Ids(parts.random)
    this.#recorder = new Recorder(this.#ids.process)
    const shown = parts.redactKey === undefined ? this.#hub.tell : redacting(this.#hub.tell, parts.redactKey)
    this.#tell = (event) => {
      this.#recorder.told(event, clock.now())
      shown(event)
    }
    const tell = this.#tell
    this.#strategies = new StrategyWarnings(tell)
    this.#far = parts.openFarStore({
      tell,
      onShards: (count) => this.#resize(count),
      onUnusable: (error) => this.#giveUp(error),
      onUp: () => this.#listener.poke(),
      onEvictionPolicy: (policy) => this.#strategies.policy(policy),
    })
    this.#shards = new Shards(this.#far, parts.outbox?.most)
    this.#wakes = new Wakes(clock)
    this.#repeats = new Repeats(clock, this.#work.track, parts.detached)
    this.#chain = new LoadChain(parts.openContext, parts.followsLoads === true)
    this.#scopes = new TokenScopes(parts.openContext, () => {
      this.#chain.follow()
      this.#caches.watchReads()
    })
    const effects = this.#effects()
    this.#watch = new SuspensionWatch(
      clock,
      () => 2 * this.#intervalMs(),
      (ms) => this.#suspended(ms),
    )
    const { replicas } = this.#far
    this.#replicas = replicas && new ReplicaReads({ far: this.#far, replicas, shards: this.#shards, clock: this.#watch })
    const shared = { far: this.#far, shards: this.#shards, clock: this.#watch, ids: this.#ids, tell, effects }
    const journal = parts.outbox?.journal
    this.#journal = journal && new OutboxJournal({ ...shared, journal, service: parts.service })
    this.#writes = new Writes({ ...shared, journal: this.#journal, poke: () => this.#listener.poke(), track: this.#work.track })
    this.#listener = new Listener({ ...shared, intervalMs: () => this.#intervalMs() })
    this.#journal?.takeOver((left) => this.#writes.queueLeft(left))
    const { health: plan = usualHealth, random } = parts
    this.#health = new HealthWatch({ ...shared, plan, random, clock, proven: () => this.#proven() })
    this.#listener.start()
  }

  cache(plan: CachePlan): EngineCache {
    if (this.#closed) throw new ForebayError('E_CLOSED', 'this Forebay is closed')
    const known = this.#caches.get(plan.name)
    if (known !== undefined) return known
    const counters = new CacheCounters()
    this.#recorder.open(plan.name)
    const { service, digest, detached, random, openNearStore, packing } = this.#parts
    const cache = new EngineCache(plan, {
      far: this.#far,
      replicas: this.#replicas,
      shards: this.#shards,
      clock: this.#watch,
      ids: this.#ids,
      tell: this.#tell,
      wakes: this.#wakes,
      arrivals: this.#arrivals,
      writes: this.#writes,
      listener: this.#listener,
      random,
      digest,
      detached,
      openNearStore,
      packing,
      service,
      counters,
      scopes: this.#scopes,
      chain: this.#chain,
      repeats: this.#repeats,
      recorder: this.#recorder,
      isClosed: () => this.#closed,
      track: this.#work.track,
    })
    this.#caches.add(cache, counters)
    this.#strategies.cache(plan)
    for (const text of plan.doubts) this.#tell({ type: 'warning', text })
    this.#listener.poke()
    return cache
  }

  /** The plan under which a cache of this name was made, if there is one. */
  planOf(name: string): CachePlan | undefined {
    return this.#caches.get(name)?.plan
  }

  async invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult> {
    this.#assertOpen()
    return this.#group({ kind: 'tags', scope: wholeService, tags: checkTags(tags) }, options)
  }

  async clear(options?: InvalidateOptions): Promise<WriteResult> {
    this.#assertOpen()
    const result = await this.#group({ kind: 'clear', scope: wholeService }, options)
    this.#caches.cleared()
    return result
  }

  withToken<R>(token: string | undefined, work: () => R): R {
    return this.#scopes.run(token, work)
  }

  token(): string | undefined {
    return this.#scopes.text()
  }

  async ready(): Promise<void> {
    this.#assertOpen()
    for (;;) {
      if (this.#unusable !== undefined) throw this.#unusable
      if (this.#closed) throw new ForebayError('E_CLOSED', 'closed before it was ready')
      const doubtful = this.#shards.all.find(({ view, outbox }) => view.provenAtMs === Number.NEGATIVE_INFINITY || outbox.size > 0)
      if (doubtful === undefined) return
      if (await this.#listener.provenSince(doubtful, longestIntervalMs)) await this.#writes.drain(doubtful)
    }
  }

  settled(): Promise<void> {
    return this.#work.settled()
  }

  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void {
    return this.#hub.on(type, listener)
  }

  onAny(listener: (event: ForebayEvent) => void): () => void {
    return this.#hub.onAny(listener)
  }

  stats(): ForebayStats {
    const caches = this.#caches.stats()
    return {
      caches,
      total: totalOf(Object.values(caches)),
      process: this.#ids.process,
      shards: { total: this.#shards.all.length, proven: this.#proven() },
      outbox: this.#shards.unsent(),
      outboxMax: this.#shards.mostUnsent,
      linkErrors: this.#far.linkErrors?.() ?? [],
      replicas: this.#replicas?.stats,
      redis: this.#far.nodes?.() ?? [],
      ...this.#counters.report(),
    }
  }

  health(): Health {
    return this.#health.report()
  }

  drain(): void {
    this.#health.drain()
  }

  close(timeoutMs: number): Promise<{ unsent: number }> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  #group(tidings: Extract<Tidings, { scope: string }>, options: InvalidateOptions | undefined): Promise<WriteResult> {
    return this.#repeats.run(options, async () => {
      const { token } = await this.#writes.group(tidings)
      this.#scopes.wrote(token)
      return resultOf(token)
    })
  }

  async #close(timeoutMs: number): Promise<{ unsent: number }> {
    this.#closed = true
    this.#health.drain()
    this.#repeats.flush()
    const { clock } = this.#parts
    let over = false
    const elapsed = new Promise<void>((resolve) => {
      clock.after(timeoutMs, () => {
        over = true
        resolve()
      })
    })
    await Promise.race([this.#finish(() => over), elapsed])
    this.#health.close()
    this.#listener.close()
    this.#caches.tick()
    this.#caches.forgetAll()
    this.#wakes.wakeAll()
    await this.#far.close()
    await new Promise<void>((resolve) => clock.afterInput(resolve)) // writes that were under way go to the outbox, and count
    this.#journal?.close()
    return { unsent: this.#shards.unsent() }
  }

  /** Lets what is under way end, then sends what waits. */
  async #finish(over: () => boolean): Promise<void> {
    await this.settled()
    while (!over() && this.#shards.unsent() > 0) {
      await Promise.all(this.#shards.all.map((shard) => this.#writes.drain(shard)))
      if (this.#shards.unsent() > 0) await new Promise<void>((resolve) => this.#parts.clock.after(drainAgainMs, resolve))
    }
  }

  /** What the log, and this process's own writes, do to all caches. */
  #effects(): Effects {
    return {
      heard: (tidings, except) => {
        this.#recorder.heard(tidings, this.#parts.clock.now())
        this.#caches.heard(tidings, except)
      },
      dropShard: (shard) => {
        shard.view.droppedAt = ++this.#arrivals.last
        this.#caches.dropShard(shard)
        this.#wakes.wakeAll()
      },
      resend: (shard, lost) => {
        if (this.#far.alone) return // what looks lost was in the first look
        for (const [nonce, tidings] of lost) this.#writes.queueLost(shard, nonce, tidings)
        this.#hub.tell({ type: 'resent', shard: shard.view.index, notices: lost.size })
      },
      answered: (shard) => {
        if (shard.outbox.size > 0) this.#work.track(this.#writes.drain(shard))
      },
      tick: () => {
        this.#watch.now()
        this.#caches.tick()
      },
    }
  }

  /** A quarter of the shortest staleness contract, so that a lost question or two break none. */
  #intervalMs(): number {
    return Math.max(shortestIntervalMs, this.#caches.shortestContractMs(4 * longestIntervalMs) / 4)
  }

  #proven(): number {
    const nowMs = this.#parts.clock.now()
    const contractMs = 4 * this.#intervalMs()
    return this.#shards.all.filter((shard) => nowMs - shard.view.provenAtMs < contractMs).length
  }

  #resize(count: number): void {
    if (count === this.#shards.all.length) return
    const before = this.#shards.resize(count)
    this.#caches.forgetAll()
    for (const shard of before) for (const { nonce, tidings } of shard.outbox.all()) this.#writes.queue(shard, nonce, tidings)
    this.#listener.poke()
  }

  #giveUp(error: Error): void {
    this.#unusable = error
    this.#hub.tell({ type: 'warning', text: error.message })
  }

  /** The process was suspended: whatever was proven before may be long past, unless nothing can have happened meanwhile. */
  #suspended(ms: number): void {
    const nowMs = this.#parts.clock.now()
    if (!this.#far.alone) {
      for (const shard of this.#shards.all) shard.view.doubt(nowMs)
      this.#caches.doubt()
    }
    this.#hub.tell({ type: 'suspended', ms })
    this.#listener.poke()
  }

  #count(event: ForebayEvent): void {
    if ('cache' in event) this.#caches.count(event)
    else this.#counters.count(event)
  }

  #assertOpen(): void {
    if (this.#closed) throw new ForebayError('E_CLOSED', 'this Forebay is closed')
  }
}
