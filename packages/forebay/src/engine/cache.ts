import type { Bytes } from '../core/bytes.js'
import type { Tidings } from '../core/notice.js'
import type { EntryAddress } from '../core/far-store.js'
import { parseDuration } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { EventOf } from '../core/events.js'
import { handOut } from '../core/kept-value.js'
import { canonicalKey, checkTags, isCanonical } from '../core/key.js'
import { noSlot } from '../core/near-store.js'
import { type CachePlan, slideShare } from '../core/plan.js'
import { type Pattern, partsOf } from '../core/pattern.js'
import { decodeToken, type Token, unsent } from '../core/token.js'
import { Bulk, type BulkPort } from './bulk.js'
import { omitted } from './bulk-load.js'
import { explain } from './explain.js'
import { FarReads, type Found } from './far-reads.js'
import { HotKeys } from './hot-keys.js'
import { Flight, Flights, type Request, unlessAborted } from './flights.js'
import { type Aging, isEarly, isKept, slideFrom } from './lifetimes.js'
import { Loads, type LoadsParts, type Served, served } from './loads.js'
import type { Listener } from './listener.js'
import { type Copy, Monitor } from './monitor.js'
import { type Attended, type Held, Near } from './near.js'
import type { CacheCounters } from './statistics.js'
import type { EngineParts } from './parts.js'
import type { Recorder } from './recorder.js'
import type { Repeats } from './repeats.js'
import { Payloads } from './payloads.js'
import type {
  BulkLoader,
  BulkOptions,
  Cache,
  CacheStats,
  Commit,
  DeepReadonly,
  EntryOptions,
  ExtendOptions,
  Explanation,
  FetchResult,
  GetOrSetOptions,
  HotKey,
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
import { type Registration, Registry, mayKeep } from './registry.js'
import { scopedCache } from './scoped.js'
import type { Shard } from './shards.js'
import { Slides } from './slides.js'
import { heldFrom, storable } from './storable.js'
import type { TokenScopes } from './token-scopes.js'
import { Updates } from './updates.js'
import { resultOf, type Writes, type Written } from './writes.js'
import type { Arrivals } from '../core/shard-view.js'

/** What one cache shares with the others of its service. */
export interface CacheParts
  extends Omit<LoadsParts, 'reads' | 'near' | 'payloads'>,
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

/** A read with a token that has not been heard asks the shard, and waits this long for the answer. */
const tokenWaitMs = 250
/** The walk through Redis after a pattern rests this long between its batches. */
const sweepPauseMs = 5
/** Keys of one `deleteMany` that are under way together. */
const mostAtOnce = 500

/** By so much an own estimate of server times may be off: what ends so near to another end is taken for the same. */
const clockSlackMs = 25

type Wrote = EventOf<'write'>['what']

/**
 * One cache. The read path: memory, if what is there is fresh and proven; else the flight of this key, which asks Redis, and on a miss
 * loads from the origin under a lease.
 */
export class EngineCache implements Cache<unknown> {
  readonly plan: CachePlan
  readonly #parts: CacheParts
  readonly #near: Near
  readonly #registry: Registry<Flight>
  readonly #flights: Flights
  readonly #hotKeys: HotKeys
  readonly #payloads: Payloads
  readonly #reads: FarReads
  readonly #loads: Loads
  readonly #updates: Updates
  readonly #bulk: Bulk
  readonly #monitor: Monitor | undefined
  readonly #slides: Slides
  /** Hits may be worth an effort: lives slide here, or values are refreshed early. */
  readonly #attends: boolean
  /** Nothing looks at reads one by one: a hit in memory is answered at once. */
  #unwatched: boolean

  constructor(plan: CachePlan, parts: CacheParts) {
    this.plan = plan
    this.#parts = parts
    this.#monitor = plan.monitor && new Monitor(plan, plan.monitor, { ...parts, look: (at) => this.#copy(at) })
    this.#unwatched = !parts.scopes.used && this.#monitor === undefined
    this.#near = new Near(plan, parts.arrivals, parts.openNearStore)
    this.#registry = new Registry(parts.arrivals)
    this.#flights = new Flights(this.#registry)
    this.#hotKeys = new HotKeys(parts.clock, parts.random)
    this.#payloads = new Payloads(plan, parts)
    const payloads = this.#payloads
    this.#reads = new FarReads(plan, { ...parts, payloads, hotKeys: this.#hotKeys })
    const shared = { ...parts, payloads, reads: this.#reads, near: this.#near }
    this.#loads = new Loads(plan, shared)
    this.#updates = new Updates(plan, { ...shared, registry: this.#registry })
    this.#slides = new Slides(plan, parts)
    this.#attends = plan.sliding !== undefined || plan.earlyBeta > 0
    this.#bulk = new Bulk(this.#bulkPort())
  }

  get name(): string {
    return this.plan.name
  }

  getOrSet<L, K extends Key>(key: K, load: Loader<L, K>, options?: GetOrSetOptions): Promise<DeepReadonly<unknown>> {
    if (options === undefined && this.#unwatched && isCanonical(key)) {
      const slot = this.#near.fresh(key, this.#parts.clock.now())
      if (slot !== noSlot) {
        if (this.#parts.counters.hitMemory()) this.#measure(key)
        return Promise.resolve(handOut(this.#near.valueAt(slot)))
      }
    }
    return this.#serve(key, load as Loader<unknown>, options).then(valueIn)
  }

  async fetch<L, K extends Key>(key: K, load: Loader<L, K>, options?: GetOrSetOptions): Promise<FetchResult<unknown>> {
    return this.#told(await this.#serve(key, load as Loader<unknown>, options))
  }

  async get(key: Key, options?: ReadOptions): Promise<DeepReadonly<unknown> | undefined> {
    return handOut((await unlessAborted(this.#look(key, options), options?.signal))?.value)
  }

  async read(key: Key, options?: ReadOptions): Promise<ReadResult<unknown>> {
    const found = await unlessAborted(this.#look(key, options), options?.signal)
    return found === undefined ? { state: 'miss' } : this.#told(found)
  }

  peek(key: Key): DeepReadonly<unknown> | undefined {
    const name = isCanonical(key) ? key : canonicalKey(key, this.#parts.digest)
    const nowMs = this.#parts.clock.now()
    const slot = this.#near.fresh(name, nowMs)
    const copy = slot === noSlot ? this.#near.attended(name, nowMs) : undefined
    if ((slot === noSlot && copy === undefined) || !this.#mayPeek(name)) return undefined
    if (this.#parts.counters.hitMemory()) this.#measure(name)
    return handOut(copy === undefined ? this.#near.valueAt(slot) : copy.value)
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

  async set(key: Key, value: unknown, options?: SetOptions): Promise<WriteResult> {
    const beganMs = this.#parts.clock.now()
    return this.#wrote('set', beganMs, await this.#store(this.#address(key), { key, value, options: [options] }))
  }

  async setMany(
    entries: Iterable<readonly [key: Key, value: unknown, options?: SetOptions | undefined]>,
    options?: SetOptions,
  ): Promise<WriteResult> {
    const sets = Array.from(entries, ([key, value, own]) => ({ at: this.#address(key), set: { key, value, options: [own, options] } }))
    const beganMs = this.#parts.clock.now()
    const tokens: Token[] = []
    const refused: unknown[] = []
    for (let from = 0; from < sets.length; from += mostAtOnce) {
      const stores = sets.slice(from, from + mostAtOnce).map(({ at, set }) => this.#store(at, set))
      for (const stored of await Promise.allSettled(stores)) {
        if (stored.status === 'fulfilled') tokens.push(stored.value)
        else refused.push(stored.reason)
      }
    }
    const result = this.#wrote('set', beganMs, ...tokens)
    if (refused.length > 0) throw refused[0]
    return result
  }

  async #store(at: EntryAddress, { key, value, options }: NewValue): Promise<Token> {
    const { shards, clock, writes } = this.#parts
    if (!isKept(this.plan, value, options, clock.wall())) return (await writes.key(at, 'key')).token
    const found = storable(this.plan, { key, value, costMs: 0 }, options, this.#parts)
    const registration = this.#registry.begin(at.key, shards.of(at).view, clock.now())
    try {
      const packed = this.#payloads.pack(at, found.stored)
      const value = packed instanceof Promise ? await packed : packed
      // Overtaken by another write while it was compressed, it is an invalidation: the later one must not be undone.
      const set = mayKeep(registration, value.tags) ? { value, registration } : undefined
      const { token, stored } = await writes.key(at, 'key', set)
      if (stored) this.#near.keep(registration, heldFrom(found, registration.startedMs))
      return token
    } finally {
      this.#registry.end(registration)
    }
  }

  async extend(key: Key, options?: ExtendOptions): Promise<boolean> {
    const at = this.#address(key)
    const freshMs = options?.ttl === undefined ? 0 : parseDuration('ttl', options.ttl)
    const copy = this.#near.attendedAt(at.key)
    const times = await this.#slides.extend(at, freshMs)
    if (copy !== undefined && times !== undefined) this.#near.prolong(at.key, copy, times)
    return times !== undefined
  }

  async invalidate(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    const at = this.#address(key)
    return this.#fence('invalidate', options, async () => [await this.#parts.writes.key(at, 'key')])
  }

  delete(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    return this.invalidate(key, options)
  }

  async markStale(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    const at = this.#address(key)
    return this.#fence('stale', options, async () => [await this.#parts.writes.key(at, 'stale')])
  }

  async invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult> {
    this.#assertOpen()
    return this.#group('tags', { kind: 'tags', scope: this.name, tags: checkTags(tags) }, options)
  }

  async clear(options?: InvalidateOptions): Promise<WriteResult> {
    this.#assertOpen()
    return this.#group('clear', { kind: 'clear', scope: this.name }, options)
  }

  /** Stamped at once in every shard; what it frees in Redis is walked to behind. */
  async invalidatePattern(given: Pattern, options?: InvalidateOptions): Promise<WriteResult> {
    this.#assertOpen()
    const parts = partsOf(given)
    const result = await this.#group('pattern', { kind: 'pattern', scope: this.name, parts }, options)
    const { far, ids, clock, track, detached } = this.#parts
    const pause = (): Promise<void> => new Promise((resolve) => clock.after(sweepPauseMs, resolve))
    track(detached(() => far.sweep({ cache: this.name, parts, newInc: ids.incarnation(), pause })))
    return result
  }

  /** A few hundred at a time, so that one call does not fill the link. */
  async deleteMany(keys: readonly Key[], options?: InvalidateOptions): Promise<WriteResult> {
    const addresses = keys.map((key) => this.#address(key))
    return this.#fence('invalidate', options, async () => {
      const written: Written[] = []
      for (let from = 0; from < addresses.length; from += mostAtOnce) {
        const some = addresses.slice(from, from + mostAtOnce)
        written.push(...(await Promise.all(some.map((at) => this.#parts.writes.key(at, 'key')))))
      }
      return written
    })
  }

  update(key: Key, commit: Commit<unknown>, options?: SetOptions): Promise<WriteResult> {
    try {
      const beganMs = this.#parts.clock.now()
      return this.#updates.run(this.#address(key), key, commit, options).then((token) => this.#wrote('update', beganMs, token))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** From now on each read looks for what concerns it alone. */
  watchReads(): void {
    this.#unwatched = false
  }

  stats(): CacheStats {
    return { ...this.#parts.counters.report(this.#near.size, this.#loads.gate.report()), monitor: this.#monitor?.report() }
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
    return this.#flights.landings()
  }

  /** Tells what is told in batches. */
  tick(): void {
    const evicted = this.#near.takeEvicted()
    if (evicted > 0) this.#parts.tell({ type: 'evict', cache: this.name, entries: evicted })
    const hits = this.#parts.counters.takeHits()
    for (const tier of ['memory', 'redis'] as const) {
      if (hits[tier] > 0) this.#parts.tell({ type: 'hit', cache: this.name, tier, count: hits[tier] })
    }
  }

  /** Memory, then the flight. Without `async`, as what follows up to the flight's own: on this path each promise would be felt. */
  #serve(key: Key, load: Loader<unknown>, options: GetOrSetOptions | undefined): Promise<Served> {
    try {
      const request = { at: this.#address(key), key, load, options, lane: 'callers' as const }
      if (!this.#unwatched || options?.token !== undefined) return this.#serveWatched(request)
      return this.#attempt(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A read that must see a write, or that the monitor may look at. */
  async #serveWatched(request: Request): Promise<Served> {
    const { at, options } = request
    const token = this.#tokenOf(options)
    if (token !== undefined) await unlessAborted(this.#honour(token, at), options?.signal)
    const found = await this.#attempt(request)
    if (found.tier !== 'origin' && found.state === 'fresh') this.#monitor?.saw(request, found)
    return found
  }

  /** What a caller would be served now without a load, and without being counted. */
  async #copy(at: EntryAddress): Promise<Copy | undefined> {
    const nowMs = this.#parts.clock.now()
    const near = this.#near.find(at.key, nowMs, false)
    if (near?.state === 'fresh') return near.entry
    const registration = this.#registry.begin(at.key, this.#parts.shards.of(at).view, nowMs)
    try {
      const found = await this.#reads.read(at, registration)
      return typeof found === 'object' && this.#parts.clock.now() < found.freshUntilMs ? found : undefined
    } finally {
      this.#registry.end(registration)
    }
  }

  /** A memory copy, or the flight of this key: one that is under way, or a new one. */
  #attempt(request: Request): Promise<Served> {
    const { at, options } = request
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
    const nowMs = this.#parts.clock.now()
    const anew = options?.fresh === true || options?.mustRevalidate === true
    const near = anew ? undefined : this.#fromMemory(at, nowMs, request)
    if (near !== undefined) return Promise.resolve(near)
    if (this.#flights.mayHave(at.key)) {
      const flight = anew ? undefined : this.#joinable(at, nowMs)
      if (flight !== undefined) {
        this.#parts.tell({ type: 'join', cache: this.name, key: at.key })
        const shared = flight.share(options?.signal, request.lane)
        // What another's bulk loader has left out, this one's loader may know.
        if (flight.doors === undefined || request.doors !== undefined) return shared
        return shared.then((found) => (found.value === omitted ? this.#attempt(request) : found))
      }
      const before = this.#flights.inTheWay(at.key)
      // Whoever waits here looks again from the start: the first of them begins a flight that the others join.
      if (before !== undefined) return unlessAborted(before, options?.signal).then(() => this.#attempt(request))
    }
    return this.#start(request, nowMs).share(options?.signal, request.lane)
  }

  #joinable(at: EntryAddress, nowMs: number): Flight | undefined {
    const { shards } = this.#parts
    const { maxStalenessMs } = this.plan
    return this.#flights.joinable(at.key, shards.proven(shards.of(at), nowMs, maxStalenessMs), nowMs, maxStalenessMs)
  }

  #fromMemory(at: EntryAddress, nowMs: number, request: Request | undefined): Served | undefined {
    const { shards, tell, counters } = this.#parts
    const found = this.#near.find(at.key, nowMs, this.plan.onOutage === 'serve' && shards.away(at))
    if (found === undefined) return undefined
    if (found.state === 'fresh') {
      if (counters.hitMemory()) this.#measure(at.key)
      if (found.attended !== undefined) this.#attend(at, found.attended, found.held ? undefined : request, found.attended)
      return served('memory', found.entry)
    }
    tell({ type: 'stale', cache: this.name, key: at.key, tier: 'memory', why: found.state })
    if (found.state === 'revalidating' && !found.held && request !== undefined) this.#refresh(request)
    return served('memory', found.entry, found.state)
  }

  /** A hit in memory is too quick to be timed each time, or from where it is known to be one: its look-up is done once more. */
  #measure(key: string): void {
    const { clock, counters } = this.#parts
    const beganMs = clock.now()
    this.#near.fresh(key, beganMs)
    counters.tookMemory(clock.now() - beganMs)
  }

  /** What is cached, without a load. */
  async #look(key: Key, options: ReadOptions | undefined): Promise<Served | undefined> {
    const at = this.#address(key)
    const { shards, clock, tell } = this.#parts
    if (options?.signal?.aborted) throw options.signal.reason
    const token = this.#tokenOf(options)
    if (token !== undefined) await this.#honour(token, at)
    const nowMs = clock.now()
    const strict = options?.mustRevalidate === true
    const near = strict ? undefined : this.#fromMemory(at, nowMs, undefined)
    if (near !== undefined) return near
    const registration = this.#registry.begin(at.key, shards.of(at).view, nowMs)
    try {
      const found = await (strict ? this.#reads.ask(at, registration) : this.#reads.read(at, registration))
      const result = typeof found === 'string' ? undefined : this.#fromFar(registration, at, found, strict)
      if (result === undefined) tell({ type: 'miss', cache: this.name, key: at.key })
      return result
    } finally {
      this.#registry.end(registration)
    }
  }

  /** An entry that Redis had: kept in memory and served if it is fresh, or stale within its window. */
  #fromFar(registration: Registration<Flight>, at: EntryAddress, found: Held, strict: boolean): Served | undefined {
    const fresh = this.#freshFromFar(registration, at, found)
    if (fresh !== undefined || strict || this.#parts.clock.now() >= found.staleUntilMs) return fresh
    this.#near.keep(registration, found)
    this.#parts.tell({ type: 'stale', cache: this.name, key: at.key, tier: 'redis', why: 'revalidating' })
    return served('redis', found, 'revalidating')
  }

  #freshFromFar(registration: Registration<Flight>, at: EntryAddress, found: Held): Served | undefined {
    const nowMs = this.#parts.clock.now()
    if (nowMs >= found.freshUntilMs) return undefined
    this.#near.keep(registration, found)
    this.#parts.counters.hitRedis(nowMs - registration.startedMs)
    if (this.#attends) this.#attend(at, found, registration.flight)
    return served('redis', found)
  }

  /** A hit on what may be worth an effort by now: a refresh before freshness ends, or a longer life. */
  #attend(at: EntryAddress, aging: Aging, request: Request | undefined, copy?: Attended): void {
    const { clock, random, tell } = this.#parts
    const nowMs = clock.now()
    if (request !== undefined && isEarly(this.plan, aging, nowMs, random)) {
      tell({ type: 'early-refresh', cache: this.name, key: at.key })
      this.#refresh(request, aging.freshUntilMs - nowMs + clockSlackMs)
    }
    if (nowMs < slideFrom(this.plan, aging)) return
    if (copy === undefined) return this.#slides.slide(at, () => {})
    if (nowMs < copy.restUntilMs) return
    // Should Redis no longer have it, later hits do not ask again and again.
    copy.restUntilMs = nowMs + slideShare * aging.extendMs
    this.#slides.slide(at, (times) => this.#near.prolong(at.key, copy, times))
  }

  /** Begins a flight. */
  #start(request: Request, nowMs: number): Flight {
    const { at } = request
    const registration = this.#registry.begin(at.key, this.#parts.shards.of(at).view, nowMs)
    const flight = new Flight(request, registration, this.#fly)
    this.#flights.add(flight)
    return flight
  }

  /** A flight's plain read, and what it brings if that is a hit. Nothing else is paid for before it is known to be needed. */
  readonly #fly = (flight: Flight): Promise<Served> => {
    const { at, registration, options, background } = flight
    const { known } = flight.request
    if (known !== undefined) return this.#flyOn(flight, () => known.found)
    if (options?.fresh === true || background) return this.#flyOn(flight, () => 'miss')
    if (options?.mustRevalidate === true) return this.#flyOn(flight, () => this.#reads.ask(at, registration))
    const bytes = this.#reads.plain(at, registration)
    if (bytes === undefined) return this.#flyOn(flight, () => this.#reads.ask(at, registration))
    return bytes.then(
      (brought) => this.#arrive(flight, brought),
      (error: unknown) => this.#flyOn(flight, () => this.#reads.failed(at, error)),
    )
  }

  #arrive(flight: Flight, bytes: Bytes | undefined): Served | Promise<Served> {
    const { at, registration } = flight
    const found = this.#reads.judge(at, bytes, registration)
    const hit = typeof found === 'object' && !(found instanceof Promise) ? this.#freshFromFar(registration, at, found) : undefined
    if (hit === undefined) return this.#flyOn(flight, () => found ?? this.#reads.ask(at, registration))
    this.#flights.remove(flight)
    return hit
  }

  /** The rest of the way, from what was found in the far store until the flight has landed. */
  async #flyOn(flight: Flight, look: () => Found | Promise<Found>): Promise<Served> {
    const { at, registration } = flight
    try {
      // Awaited in any case, so that no flight lands before it is in the table.
      const found = await look()
      if (typeof found === 'string') return await this.#load(flight, found, flight.request.known?.previous)
      const result = this.#fromFar(registration, at, found, flight.options?.mustRevalidate === true)
      if (result === undefined) return await this.#load(flight, 'miss', found)
      if (result.why === 'revalidating') this.#refresh(flight)
      return result
    } finally {
      const storing = flight.storing()
      if (storing === undefined) this.#flights.remove(flight)
      else void storing.then(() => this.#flights.remove(flight))
    }
  }

  #load(flight: Flight, found: 'miss' | 'away', previous: Held | undefined): Promise<Served> {
    const { at, registration } = flight
    registration.trueAsOfMs = registration.startedMs
    if (!flight.background) this.#parts.tell({ type: 'miss', cache: this.name, key: at.key })
    if (found === 'away') return this.#loads.loadAway(registration, at, flight, previous)
    return this.#loads.obtain(registration, at, flight, previous)
  }

  /** Loads anew in the background, unless somebody already does. */
  #refresh({ at, key, load, options, doors }: Request, soonMs?: number): void {
    if (this.#parts.isClosed()) return
    const { clock, detached, track, isClosed } = this.#parts
    const begin = (): void => {
      const nowMs = clock.now()
      const idle = this.#joinable(at, nowMs) === undefined && this.#flights.inTheWay(at.key) === undefined
      if (!idle || isClosed()) return
      const flight = this.#start({ at, key, load, options: lifetimesOnly(options), lane: 'refreshes', doors, soonMs }, nowMs)
      flight.served.catch(() => {}) // told as an event; nobody waits for it
    }
    // In a turn of its own: the flight that found the old value has then landed, and is not taken for the refresh.
    track(new Promise<void>((resolve) => detached(() => clock.after(0, () => resolve(begin())))))
  }

  /** What a read must see: its own token, or that of the scope it runs in. */
  #tokenOf(options: ReadOptions | undefined): Token | undefined {
    return options?.token === undefined ? this.#parts.scopes.current() : decodeToken(options.token)
  }

  /** Whether memory may answer alone: all that the scope around must see has been heard. */
  #mayPeek(key: string): boolean {
    const token = this.#unwatched ? undefined : this.#parts.scopes.current()
    if (token === undefined) return true
    const { view } = this.#parts.shards.of(this.#parts.shards.address(this.name, key, this.plan.version))
    const part = token.find(({ shard }) => shard === view.index)
    return part === undefined || view.heardWrite(part.inc, part.seq, part.nonce) === 'heard'
  }

  /** Makes a read see the write that a token names. */
  async #honour(token: Token, at: EntryAddress): Promise<void> {
    const { shards, listener, writes } = this.#parts
    const part = token.find((candidate) => candidate.shard === at.shard)
    if (part === undefined) return
    const shard = shards.of(at)
    const heard = () => shard.view.heardWrite(part.inc, part.seq, part.nonce)
    if (heard() === 'heard') return
    if (part.seq !== unsent && !shards.away(at) && (await listener.provenSince(shard, tokenWaitMs)) && heard() !== 'no') {
      return shard.view.confirmWrite(part.seq, part.nonce)
    }
    await writes.key(at, 'key')
  }

  #bulkPort(): BulkPort {
    const { clock, digest, shards, tell } = this.#parts
    return {
      gate: this.#loads.gate,
      canonical: (key) => canonicalKey(key, digest),
      address: (key) => this.#address(key),
      now: () => clock.now(),
      honour: (keys, options) => {
        const token = this.#tokenOf(options)
        return token && Promise.all(keys.map(({ at }) => this.#honour(token, at)))
      },
      fromMemory: (at, nowMs, request) => this.#fromMemory(at, nowMs, request),
      isUnderWay: (at) => this.#flights.mayHave(at.key) && this.#joinable(at, clock.now()) !== undefined,
      begin: (at, nowMs) => this.#registry.begin(at.key, shards.of(at).view, nowMs),
      end: (registration) => this.#registry.end(registration as Registration<Flight>),
      readMany: (ats, registrations) => this.#reads.readMany(ats, registrations),
      fromFar: (registration, at, found) => this.#fromFar(registration as Registration<Flight>, at, found, false),
      missed: (at) => tell({ type: 'miss', cache: this.name, key: at.key }),
      attempt: (request) => this.#attempt(request),
      refresh: (request) => this.#refresh(request),
    }
  }

  #address(key: Key): EntryAddress {
    this.#assertOpen()
    return this.#parts.shards.address(this.name, canonicalKey(key, this.#parts.digest), this.plan.version)
  }

  #assertOpen(): void {
    if (this.#parts.isClosed()) throw new ForebayError('E_CLOSED', `the cache '${this.name}' is closed`)
  }

  #told(found: Served): FetchResult<unknown> {
    const ageMs = Math.max(0, this.#parts.clock.now() - found.createdMs)
    const { tier, why } = found
    const value = handOut(found.value)
    return why === undefined ? { state: 'fresh', value, tier, ageMs } : { state: 'stale', value, tier, ageMs, why }
  }

  #group(what: Wrote, tidings: Extract<Tidings, { scope: string }>, options: InvalidateOptions | undefined): Promise<WriteResult> {
    return this.#fence(what, options, async () => [await this.#parts.writes.group(tidings)])
  }

  /** An invalidation, made once more where that is asked for. */
  #fence(what: Wrote, options: InvalidateOptions | undefined, write: () => Promise<Written[]>): Promise<WriteResult> {
    return this.#parts.repeats.run(options, async () => {
      const beganMs = this.#parts.clock.now()
      return this.#wrote(what, beganMs, ...(await write()).map(({ token }) => token))
    })
  }

  #wrote(what: Wrote, beganMs: number, ...tokens: readonly Token[]): WriteResult {
    const { tell, scopes, clock } = this.#parts
    const result = resultOf(...tokens)
    for (const token of tokens) scopes.wrote(token)
    tell({ type: 'write', cache: this.name, what, state: result.state, ms: clock.now() - beganMs })
    return result
  }

  #wake(tidings: Tidings): void {
    if ('key' in tidings) this.#parts.wakes.wake(this.name, tidings.key)
    else this.#parts.wakes.wakeAll()
  }
}

/** A value to be stored under a key, and the options that say how, the foremost first. */
interface NewValue {
  readonly key: Key
  readonly value: unknown
  readonly options: readonly (SetOptions | undefined)[]
}

function valueIn(found: Served): unknown {
  return handOut(found.value)
}

/** A refresh obeys the call's lifetimes and tags, not its signal, token or wish for a fresh load. */
function lifetimesOnly(options: GetOrSetOptions | undefined): EntryOptions | undefined {
  if (options === undefined) return undefined
  const { ttl, staleWhileRevalidate, staleIfError, expiresAt, tags } = options
  return { ttl, staleWhileRevalidate, staleIfError, expiresAt, tags }
}
