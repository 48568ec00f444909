import type { Clock } from '../core/clock.js'
import type { Tidings } from '../core/notice.js'
import type { EntryAddress } from '../core/far-store.js'
import { parseDuration } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { handOut } from '../core/kept-value.js'
import { canonicalKey, standsForItself } from '../core/key.js'
import { type CachePlan, isHotOnly } from '../core/plan.js'
import type { Pattern } from '../core/pattern.js'
import { Bulk } from './bulk.js'
import { Controls } from './controls.js'
import { explain } from './explain.js'
import { FarReads, type FarReadsParts, type Found } from './far-reads.js'
import { HotKeys } from './hot-keys.js'
import { type Flight, unlessAborted } from './flights.js'
import { givenSignal } from './given.js'
import { Loads, type LoadsParts } from './loads.js'
import type { Listener } from './listener.js'
import { Monitor } from './monitor.js'
import { absent, Near } from './near.js'
import type { CacheCounters } from './statistics.js'
import { OwnLeases } from './own-leases.js'
import type { EngineParts } from './parts.js'
import type { Recorder } from './recorder.js'
import type { Repeats } from './repeats.js'
import { Payloads } from './payloads.js'
import { Placing } from './placing.js'
import type {
  BulkLoader,
  BulkOptions,
  Cache,
  CacheControl,
  Commit,
  DeepReadonly,
  ExtendOptions,
  FetchResult,
  GetOrSetOptions,
  InvalidateOptions,
  Key,
  KeyPart,
  Loader,
  ReadOptions,
  ReadResult,
  ScopedCache,
  SetOptions,
  WarmManyOptions,
  WarmOptions,
  WarmResult,
  WriteResult,
} from './public.js'
import type { CacheStats, Explanation, HotKey } from './reports.js'
import { ReadPath } from './read-path.js'
import { type Registration, Registry } from './registry.js'
import { scopedCache } from './scoped.js'
import type { Served } from './served.js'
import type { Shard } from './shards.js'
import { Slides } from './slides.js'
import type { TokenScopes } from './token-scopes.js'
import { Updates } from './updates.js'
import { WatchedReads } from './watched-reads.js'
import { WriteVerbs } from './write-verbs.js'
import type { Writes } from './writes.js'
import type { Arrivals } from '../core/shard-view.js'

/** What one cache shares with the others of its service. */
export interface CacheParts
  extends Omit<LoadsParts, 'reads' | 'near' | 'placing' | 'leases'>,
    Pick<FarReadsParts, 'replicas'>,
    Pick<EngineParts, 'service' | 'digest' | 'detached' | 'openNearStore' | 'packing'> {
  readonly arrivals: Arrivals
  readonly writes: Writes
  readonly listener: Listener
  readonly counters: CacheCounters
  readonly scopes: TokenScopes
  readonly repeats: Repeats
  readonly recorder: Recorder
  readonly isClosed: () => boolean
  /** Work that `settled()` and `close()` wait for. */
  readonly track: (work: Promise<unknown>) => void
}

/** An own binding, which the optimizing compiler takes for a constant. */
const nothing = absent

/** One cache: its verbs, and what it is made of. Reading goes on in `ReadPath`, writing in `WriteVerbs`. */
export class EngineCache implements Cache<unknown> {
  readonly plan: CachePlan
  readonly #parts: CacheParts
  readonly #clock: Clock
  readonly #counters: CacheCounters
  readonly #near: Near
  readonly #registry: Registry<Flight>
  readonly #hotKeys: HotKeys
  readonly #reads: FarReads
  readonly #loads: Loads
  readonly #slides: Slides
  readonly #path: ReadPath
  readonly #monitor: Monitor | undefined
  readonly #controls: Controls
  readonly #watched: WatchedReads
  readonly #bulk: Bulk
  readonly #verbs: WriteVerbs
  /** Nothing looks at reads one by one: a hit in memory is answered at once. */
  #unwatched: boolean

  constructor(plan: CachePlan, parts: CacheParts) {
    this.plan = plan
    this.#parts = parts
    this.#clock = parts.clock
    this.#counters = parts.counters
    this.#hotKeys = new HotKeys(parts.clock, parts.random)
    const isWelcome = isHotOnly(plan) ? this.#hotKeys.atLeast(plan.memory?.hotPerSecond ?? 0) : undefined
    this.#near = new Near(plan, { ...parts, isWelcome })
    this.#registry = new Registry(parts.arrivals)
    const [near, payloads] = [this.#near, new Payloads(plan, parts)]
    this.#reads = new FarReads(plan, { ...parts, payloads, near, hotKeys: this.#hotKeys })
    this.#slides = new Slides(plan, parts)
    const leases = new OwnLeases(parts)
    const placing = new Placing(plan, { ...parts, near, payloads })
    const shared = { ...parts, placing, leases, reads: this.#reads, near, registry: this.#registry, slides: this.#slides }
    this.#loads = new Loads(plan, shared)
    this.#path = new ReadPath(plan, { ...shared, hotKeys: this.#hotKeys, loads: this.#loads })
    this.#monitor =
      plan.monitor &&
      new Monitor(plan, plan.monitor, {
        ...parts,
        look: (at) => this.#path.copy(at),
        spare: () => this.#loads.gate.spare(),
      })
    this.#controls = new Controls(plan.name, plan.control)
    this.#watched = new WatchedReads(plan, { ...parts, path: this.#path, controls: this.#controls, monitor: this.#monitor })
    this.#unwatched = this.#watched.idle
    const address = (key: Key): EntryAddress => this.#address(key)
    this.#bulk = new Bulk(this.#watched.bulkPort(address))
    const updates = new Updates(plan, shared)
    this.#verbs = new WriteVerbs(plan, { ...shared, updates, address, assertOpen: () => this.#assertOpen() })
  }

  get name(): string {
    return this.plan.name
  }

  getOrSet<L, K extends Key>(key: K, load: Loader<L, K>, options?: GetOrSetOptions): Promise<DeepReadonly<unknown>> {
    if (options === undefined && this.#unwatched && standsForItself(key)) {
      const kept = this.#near.fresh(key, this.#clock.now())
      if (kept !== nothing) {
        if (this.#counters.hitMemory()) this.#path.measure(key)
        return Promise.resolve(this.#near.handsOutCopies ? handOut(kept) : kept)
      }
    }
    return this.#serve(key, load as Loader<unknown>, options).then(valueIn)
  }

  async fetch<L, K extends Key>(key: K, load: Loader<L, K>, options?: GetOrSetOptions): Promise<FetchResult<unknown>> {
    return this.#told(await this.#serve(key, load as Loader<unknown>, options))
  }

  async get(key: Key, options?: ReadOptions): Promise<DeepReadonly<unknown> | undefined> {
    return handOut((await this.#look(key, options))?.value)
  }

  async read(key: Key, options?: ReadOptions): Promise<ReadResult<unknown>> {
    const found = await this.#look(key, options)
    return found === undefined ? { state: 'miss' } : this.#told(found)
  }

  peek(key: Key): DeepReadonly<unknown> | undefined {
    if (this.#unwatched && standsForItself(key)) {
      const kept = this.#near.fresh(key, this.#clock.now())
      if (kept !== nothing) {
        if (this.#counters.hitMemory()) this.#path.measure(key)
        return this.#near.handsOutCopies ? handOut(kept) : kept
      }
    }
    return this.#peekClosely(key)
  }

  async getMany(keys: readonly Key[], options?: ReadOptions): Promise<unknown[]> {
    if (options?.mustRevalidate === true) return Promise.all(keys.map((key) => this.get(key, options)))
    return (await this.#bulk.read(keys, options)).map((found) => found && handOut(found.value))
  }

  async readMany(keys: readonly Key[], options?: ReadOptions): Promise<ReadResult<unknown>[]> {
    if (options?.mustRevalidate === true) return Promise.all(keys.map((key) => this.read(key, options)))
    return (await this.#bulk.read(keys, options)).map((found) => (found === undefined ? { state: 'miss' } : this.#told(found)))
  }

  async getOrSetMany<L, K extends Key>(keys: readonly K[], load: BulkLoader<L, K>, options?: BulkOptions): Promise<unknown[]> {
    return this.#bulk.obtain(keys, load as unknown as BulkLoader<unknown>, options)
  }

  async warm<L, K extends Key>(keys: Iterable<K>, load: Loader<L, K>, options?: WarmOptions): Promise<WarmResult> {
    return this.#bulk.warm(keys, load as Loader<unknown>, options)
  }

  async warmMany<L, K extends Key>(keys: Iterable<K>, load: BulkLoader<L, K>, options?: WarmManyOptions): Promise<WarmResult> {
    return this.#bulk.warmMany(keys, load as unknown as BulkLoader<unknown>, options)
  }

  async extend(key: Key, options?: ExtendOptions): Promise<boolean> {
    const at = this.#address(key)
    const freshMs = options?.ttl === undefined ? 0 : parseDuration('ttl', options.ttl)
    const copy = this.#near.attendedAt(at.key)
    const times = await this.#slides.extend(at, freshMs)
    if (times === undefined) return this.#extendInMemory(at, freshMs)
    if (copy !== undefined) this.#near.prolong(at.key, copy, times)
    return true
  }

  /** Of a value that is kept nowhere else. */
  #extendInMemory({ cache, key }: EntryAddress, freshMs: number): boolean {
    const { far, tell } = this.#parts
    const isExtended = far.alone === true && this.#near.extend(key, freshMs, this.#clock.now())
    if (isExtended) tell({ type: 'extend', cache, key })
    return isExtended
  }

  set(key: Key, value: unknown, options?: SetOptions): Promise<WriteResult> {
    return this.#verbs.set(key, value, options)
  }

  setMany(
    entries: Iterable<readonly [key: Key, value: unknown, options?: SetOptions | undefined]>,
    options?: SetOptions,
  ): Promise<WriteResult> {
    return this.#verbs.setMany(entries, options)
  }

  update(key: Key, commit: Commit<unknown>, options?: SetOptions): Promise<WriteResult> {
    return this.#verbs.update(key, commit, options)
  }

  invalidate(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.invalidate(key, options)
  }

  delete(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.invalidate(key, options)
  }

  deleteMany(keys: readonly Key[], options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.deleteMany(keys, options)
  }

  markStale(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.markStale(key, options)
  }

  invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.invalidateTags(tags, options)
  }

  invalidatePattern(pattern: Pattern, options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.invalidatePattern(pattern, options)
  }

  clear(options?: InvalidateOptions): Promise<WriteResult> {
    return this.#verbs.clear(options)
  }

  control(control: CacheControl): void {
    this.#controls.set(control)
    const { mode, ramp } = this.#controls.report()
    this.#parts.tell({ type: 'control', cache: this.name, mode, ramp })
    this.watchReads()
  }

  /** What looks at reads one by one has come or gone. */
  watchReads(): void {
    this.#unwatched = this.#watched.idle
  }

  stats(): CacheStats {
    return {
      ...this.#counters.report(this.#near.size, this.#loads.gate.report()),
      monitor: this.#monitor?.report(),
      control: this.#controls.report(),
    }
  }

  async explain(key: Key): Promise<Explanation> {
    const { shards, clock, recorder } = this.#parts
    const look = async (at: EntryAddress): Promise<Found> => {
      const registration = this.#registry.begin(at.key, shards.of(at).view, clock.now())
      return this.#reads.read(at, registration).finally(() => this.#registry.end(registration))
    }
    const running = (name: string) => this.#registry.newest(name)
    return explain(this.#address(key), { plan: this.plan, near: this.#near, shards, recorder, running, look, now: () => clock.now() })
  }

  scoped(scope: KeyPart): ScopedCache<unknown> {
    return scopedCache<unknown>(this, scope)
  }

  hotKeys(most = 10): readonly HotKey[] {
    return this.#hotKeys.report(most)
  }

  /** Something was heard, or is being written here: cleans memory, and marks what is under way. */
  heard(tidings: Tidings, except?: Registration): void {
    if (tidings.kind === 'tags') {
      this.#near.dropTags(tidings.tags)
      this.#registry.markTags(tidings.tags)
    } else if (tidings.kind === 'clear') {
      this.#near.dropAll()
      this.#registry.markAll()
    } else if (tidings.kind === 'pattern') {
      this.#near.dropPattern(tidings.parts)
      this.#registry.markPattern(tidings.parts)
    } else if (tidings.kind !== 'filled') {
      this.#near.drop(tidings.key)
      this.#registry.markKey(tidings.key, except)
    }
    if (tidings.kind !== 'tags') this.#wake(tidings)
  }

  /** The whole service has been cleared from here. */
  cleared(): void {
    this.#verbs.cleared()
  }

  dropShard(shard: Shard): void {
    this.#registry.markShard(shard.view)
  }

  /** Nothing held here, or under way, is known to be young any more. */
  doubt(): void {
    this.#near.doubt()
    this.#registry.markAll()
  }

  forgetAll(): void {
    this.#near.dropAll()
    this.#registry.markAll()
  }

  /** The ends of all that is under way. */
  landings(): Promise<void>[] {
    return this.#path.landings()
  }

  /** Tells what is told in batches, and sees to what a failover has undone. */
  tick(): void {
    this.#loads.tick()
    const evicted = this.#near.takeEvicted()
    if (evicted > 0) this.#parts.tell({ type: 'evict', cache: this.name, entries: evicted })
    const hits = this.#counters.takeHits()
    for (const tier of ['memory', 'redis'] as const) {
      if (hits[tier] > 0) this.#parts.tell({ type: 'hit', cache: this.name, tier, count: hits[tier] })
    }
  }

  /** What memory may serve of a key or in a cache that is not of the plainest kind. */
  #peekClosely(key: Key): unknown {
    const name = canonicalKey(key, this.#parts.digest)
    const nowMs = this.#clock.now()
    const kept = this.#near.fresh(name, nowMs)
    const copy = kept === nothing ? this.#near.attended(name, nowMs) : { value: kept }
    if (copy === undefined || !(this.#unwatched || this.#watched.mayPeek(this.#address(key)))) return undefined
    if (this.#counters.hitMemory()) this.#path.measure(name)
    return handOut(copy.value)
  }

  /** Memory, then the flight. Without `async`, as what follows up to the flight's own: on this path each promise would be felt. */
  #serve(key: Key, load: Loader<unknown>, options: GetOrSetOptions | undefined): Promise<Served> {
    try {
      const request = { at: this.#address(key), key, load, options, lane: 'callers' as const }
      return this.#unwatched && options?.token === undefined ? this.#path.attempt(request) : this.#watched.serve(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #look(key: Key, options: ReadOptions | undefined): Promise<Served | undefined> {
    const signal = givenSignal(options?.signal)
    return unlessAborted(this.#watched.look(this.#address(key), options), signal)
  }

  #address(key: Key): EntryAddress {
    this.#assertOpen()
    return this.#parts.shards.address(this.name, canonicalKey(key, this.#parts.digest), this.plan.version)
  }

  #assertOpen(): void {
    if (this.#parts.isClosed()) throw new ForebayError('E_CLOSED', `the cache '${this.name}' is closed`)
  }

  #told(found: Served): FetchResult<unknown> {
    const ageMs = Math.max(0, this.#clock.now() - found.createdMs)
    const { tier, why } = found
    const value = handOut(found.value)
    return why === undefined ? { state: 'fresh', value, tier, ageMs } : { state: 'stale', value, tier, ageMs, why }
  }

  #wake(tidings: Tidings): void {
    if ('key' in tidings) this.#parts.wakes.wake(this.name, tidings.key)
    else this.#parts.wakes.wakeAll()
  }
}

function valueIn(found: Served): unknown {
  return handOut(found.value)
}
