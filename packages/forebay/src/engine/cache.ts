import type { Tidings } from '../core/notice.js'
import type { EntryAddress } from '../core/far-store.js'
import { ForebayError } from '../core/errors.js'
import { canonicalKey, checkTags, isCanonical } from '../core/key.js'
import type { CachePlan } from '../core/plan.js'
import { decodeToken, unsent } from '../core/token.js'
import { FarReads } from './far-reads.js'
import { type Flight, Flights, share, unlessAborted } from './flights.js'
import { type Job, Loads, type LoadsParts, type Served, served } from './loads.js'
import type { Listener } from './listener.js'
import { Near } from './near.js'
import type { CacheCounters } from './statistics.js'
import type { EngineParts } from './parts.js'
import type {
  Cache,
  CacheStats,
  DeepReadonly,
  EntryOptions,
  FetchResult,
  GetOrSetOptions,
  Key,
  Loader,
  ReadOptions,
  ReadResult,
  SetOptions,
  WriteResult,
} from './public.js'
import { type Registration, Registry } from './registry.js'
import type { Shard } from './shards.js'
import { heldFrom, storable } from './storable.js'
import type { Writes } from './writes.js'
import type { Arrivals } from '../core/shard-view.js'

/** What one cache shares with the others of its service. */
export interface CacheParts extends Omit<LoadsParts, 'reads' | 'near'>, Pick<EngineParts, 'digest' | 'detached' | 'openNearStore'> {
  readonly arrivals: Arrivals
  readonly writes: Writes
  readonly listener: Listener
  readonly counters: CacheCounters
  readonly isClosed: () => boolean
  /** Work that `settled()` and `close()` wait for. */
  readonly track: (work: Promise<unknown>) => void
}

/** A read with a token that has not been heard asks the shard, and waits this long for the answer. */
const tokenWaitMs = 250

/**
 * One cache. The read path: memory, if what is there is fresh and proven; else the flight of this key, which asks Redis, and on a miss
 * loads from the origin under a lease.
 */
export class EngineCache implements Cache<unknown> {
  readonly plan: CachePlan
  readonly #parts: CacheParts
  readonly #near: Near
  readonly #registry: Registry
  readonly #flights = new Flights()
  readonly #reads: FarReads
  readonly #loads: Loads

  constructor(plan: CachePlan, parts: CacheParts) {
    this.plan = plan
    this.#parts = parts
    this.#near = new Near(plan, parts.arrivals, parts.openNearStore)
    this.#registry = new Registry(parts.arrivals)
    this.#reads = new FarReads(plan, parts)
    this.#loads = new Loads(plan, { ...parts, reads: this.#reads, near: this.#near })
  }

  get name(): string {
    return this.plan.name
  }

  getOrSet<L, K extends Key>(key: K, load: Loader<L, K>, options?: GetOrSetOptions): Promise<DeepReadonly<unknown>> {
    if (options === undefined && isCanonical(key)) {
      const entry = this.#near.fresh(key, this.#parts.clock.now())
      if (entry !== undefined) {
        this.#parts.counters.memoryHits++
        return Promise.resolve(entry.value)
      }
    }
    return this.#serve(key, load as Loader<unknown>, options).then(valueIn)
  }

  async fetch<L, K extends Key>(key: K, load: Loader<L, K>, options?: GetOrSetOptions): Promise<FetchResult<unknown>> {
    return this.#told(await this.#serve(key, load as Loader<unknown>, options))
  }

  async get(key: Key, options?: ReadOptions): Promise<DeepReadonly<unknown> | undefined> {
    return (await this.#look(key, options))?.value
  }

  async read(key: Key, options?: ReadOptions): Promise<ReadResult<unknown>> {
    const found = await this.#look(key, options)
    return found === undefined ? { state: 'miss' } : this.#told(found)
  }

  peek(key: Key): DeepReadonly<unknown> | undefined {
    const name = isCanonical(key) ? key : canonicalKey(key, this.#parts.digest)
    const entry = this.#near.fresh(name, this.#parts.clock.now())
    if (entry === undefined) return undefined
    this.#parts.counters.memoryHits++
    return entry.value
  }

  async set(key: Key, value: unknown, options?: SetOptions): Promise<WriteResult> {
    const { shards, clock, random, writes } = this.#parts
    const at = this.#address(key)
    const found = storable(this.plan, { key, value, costMs: 0 }, [options], random)
    const registration = this.#registry.begin(at.key, shards.of(at).view, clock.now())
    try {
      const result = await writes.key(at, 'key', { value: found.stored, registration })
      if (result.state === 'acknowledged') this.#near.keep(registration, heldFrom(found, registration.startedMs))
      return this.#wrote('set', result)
    } finally {
      this.#registry.end(registration)
    }
  }

  async invalidate(key: Key): Promise<WriteResult> {
    return this.#wrote('invalidate', await this.#parts.writes.key(this.#address(key), 'key'))
  }

  delete(key: Key): Promise<WriteResult> {
    return this.invalidate(key)
  }

  async markStale(key: Key): Promise<WriteResult> {
    return this.#wrote('stale', await this.#parts.writes.key(this.#address(key), 'stale'))
  }

  async invalidateTags(tags: readonly string[]): Promise<WriteResult> {
    this.#assertOpen()
    return this.#wrote('tags', await this.#parts.writes.group({ kind: 'tags', scope: this.name, tags: checkTags(tags) }))
  }

  async clear(): Promise<WriteResult> {
    this.#assertOpen()
    return this.#wrote('clear', await this.#parts.writes.group({ kind: 'clear', scope: this.name }))
  }

  stats(): CacheStats {
    return this.#parts.counters.report(this.#near.size)
  }

  /** Something was heard, or is being written here: cleans memory, and marks what is under way. */
  heard(tidings: Tidings, except?: Registration): void {
    if (tidings.kind === 'tags') {
      this.#near.dropTags(tidings.tags)
      this.#registry.markTags(tidings.tags)
    } else if (tidings.kind === 'clear') {
      this.#near.dropAll()
      this.#registry.markAll()
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

  /** Tells what is told in batches. */
  tick(): void {
    const evicted = this.#near.takeEvicted()
    if (evicted > 0) this.#parts.tell({ type: 'evict', cache: this.name, entries: evicted })
    const hits = this.#parts.counters.takeMemoryHits()
    if (hits > 0) this.#parts.tell({ type: 'hit', cache: this.name, tier: 'memory', count: hits })
  }

  /** Memory, then the flight: one that is under way, or a new one. */
  async #serve(key: Key, load: Loader<unknown>, options: GetOrSetOptions | undefined): Promise<Served> {
    const at = this.#address(key)
    const { tell } = this.#parts
    const signal = options?.signal
    if (signal?.aborted) throw signal.reason
    if (options?.token !== undefined) await this.#honour(options.token, at)
    const anew = options?.fresh === true
    for (;;) {
      const near = anew ? undefined : this.#fromMemory(at, { key, load, options })
      if (near !== undefined) return near
      const flight = anew ? undefined : this.#joinable(at)
      if (flight !== undefined) {
        tell({ type: 'join', cache: this.name, key: at.key })
        return share(flight, signal)
      }
      const before = this.#flights.inTheWay(at.key)
      if (before === undefined) return share(this.#start(at, { key, load, options, background: false }), signal)
      // Whoever waits here looks again from the start: the first of them begins a flight that the others join.
      await unlessAborted(before, signal)
    }
  }

  #joinable(at: EntryAddress): Flight | undefined {
    const { shards, clock } = this.#parts
    const proven = shards.proven(shards.of(at), this.plan.maxStalenessMs)
    return this.#flights.joinable(at.key, proven, clock.now(), this.plan.maxStalenessMs)
  }

  #fromMemory(at: EntryAddress, request: Request): Served | undefined {
    const { shards, clock, tell, counters } = this.#parts
    const found = this.#near.find(at.key, clock.now(), shards.away(at))
    if (found === undefined) return undefined
    if (found.state === 'fresh') {
      counters.memoryHits++
      return served('memory', found.entry)
    }
    tell({ type: 'stale', cache: this.name, key: at.key, tier: 'memory', why: found.state })
    if (found.state === 'revalidating' && !found.held) this.#refresh(at, request)
    return served('memory', found.entry, found.state)
  }

  /** What is cached, without a load. */
  async #look(key: Key, options: ReadOptions | undefined): Promise<Served | undefined> {
    const at = this.#address(key)
    const { shards, clock, tell } = this.#parts
    if (options?.signal?.aborted) throw options.signal.reason
    if (options?.token !== undefined) await this.#honour(options.token, at)
    const near = this.#fromMemory(at, undefined)
    if (near !== undefined) return near
    const shard = shards.of(at)
    const registration = this.#registry.begin(at.key, shard.view, clock.now())
    try {
      const found = await this.#reads.read(at)
      const result = typeof found === 'string' ? undefined : this.#fromFar(registration, at, found)
      if (result === undefined) tell({ type: 'miss', cache: this.name, key: at.key })
      return result
    } finally {
      this.#registry.end(registration)
    }
  }

  /** An entry that Redis had: kept in memory and served if it is fresh, or stale within its window. */
  #fromFar(
    registration: Registration,
    at: EntryAddress,
    found: { value: unknown; createdMs: number } & Parameters<Near['keep']>[1],
  ): Served | undefined {
    const { clock, tell } = this.#parts
    const nowMs = clock.now()
    if (nowMs >= found.staleUntilMs && nowMs >= found.freshUntilMs) return undefined
    this.#near.keep(registration, found)
    if (nowMs < found.freshUntilMs) {
      tell({ type: 'hit', cache: this.name, tier: 'redis', count: 1 })
      return served('redis', found)
    }
    tell({ type: 'stale', cache: this.name, key: at.key, tier: 'redis', why: 'revalidating' })
    return served('redis', found, 'revalidating')
  }

  /** Begins a flight. It leaves the table when its value has been shared, or refused. */
  #start(at: EntryAddress, request: FlightRequest): Flight {
    const { shards, clock, track } = this.#parts
    const registration = this.#registry.begin(at.key, shards.of(at).view, clock.now())
    const after: Promise<unknown>[] = []
    const flight: Flight = {
      registration,
      background: request.background,
      waiters: 0,
      controller: undefined,
      abandoned: false,
      landed: Promise.resolve(),
      served: this.#fly(registration, at, {
        ...request,
        controller: () => {
          flight.controller ??= new AbortController()
          if (flight.abandoned) flight.controller.abort()
          return flight.controller
        },
        track: (work) => after.push(work),
      }),
    }
    this.#flights.add(flight)
    flight.landed = this.#land(flight, after)
    track(flight.landed)
    return flight
  }

  async #land(flight: Flight, after: readonly Promise<unknown>[]): Promise<void> {
    try {
      await flight.served
    } catch {
      // its callers hear of it; a refresh without callers has told it as an event
    }
    await Promise.allSettled(after)
    this.#flights.remove(flight)
    this.#registry.end(flight.registration)
  }

  async #fly(registration: Registration, at: EntryAddress, job: Job): Promise<Served> {
    const { tell } = this.#parts
    const found = job.options?.fresh === true || job.background ? 'miss' : await this.#reads.read(at)
    if (typeof found !== 'string') {
      const result = this.#fromFar(registration, at, found)
      if (result?.why === 'revalidating') this.#refresh(at, job)
      if (result !== undefined) return result
    }
    if (!job.background) tell({ type: 'miss', cache: this.name, key: at.key })
    const previous = typeof found === 'string' ? undefined : found
    if (found === 'away') return this.#loads.loadAway(registration, at, job, previous)
    return this.#loads.obtain(registration, at, job, previous)
  }

  /** Loads anew in the background, unless somebody already does. */
  #refresh(at: EntryAddress, request: Request): void {
    if (request === undefined || this.#parts.isClosed()) return
    const { key, load, options } = request
    const { clock, detached, track, isClosed } = this.#parts
    const begin = (): void => {
      const idle = this.#joinable(at) === undefined && this.#flights.inTheWay(at.key) === undefined
      if (idle && !isClosed()) this.#start(at, { key, load, options: lifetimesOnly(options), background: true })
    }
    // In a turn of its own: the flight that found the old value has then landed, and is not taken for the refresh.
    track(new Promise<void>((resolve) => detached(() => clock.after(0, () => resolve(begin())))))
  }

  /** Makes a read see the write that a token names. */
  async #honour(text: string, at: EntryAddress): Promise<void> {
    const { shards, listener, writes } = this.#parts
    const token = decodeToken(text)
    const part = token.parts.find((candidate) => candidate.shard === at.shard)
    if (part === undefined) return
    const shard = shards.of(at)
    const heard = (): boolean => part.seq !== unsent && shard.view.heardWrite(part.inc, part.seq, token.nonce)
    if (heard()) return
    if (part.seq !== unsent && !shards.away(at) && (await listener.provenSince(shard, tokenWaitMs)) && heard()) return
    await writes.key(at, 'key')
  }

  #address(key: Key): EntryAddress {
    this.#assertOpen()
    return this.#parts.shards.address(this.name, canonicalKey(key, this.#parts.digest))
  }

  #assertOpen(): void {
    if (this.#parts.isClosed()) throw new ForebayError('E_CLOSED', `the cache '${this.name}' is closed`)
  }

  #told(found: Served): FetchResult<unknown> {
    const ageMs = Math.max(0, this.#parts.clock.now() - found.createdMs)
    const { value, tier, why } = found
    return why === undefined ? { state: 'fresh', value, tier, ageMs } : { state: 'stale', value, tier, ageMs, why }
  }

  #wrote(what: 'set' | 'invalidate' | 'stale' | 'tags' | 'clear', result: WriteResult): WriteResult {
    this.#parts.tell({ type: 'write', cache: this.name, what, state: result.state })
    return result
  }

  #wake(tidings: Tidings): void {
    if ('key' in tidings) this.#parts.wakes.wake(this.name, tidings.key)
    else this.#parts.wakes.wakeAll()
  }
}

type Request = { readonly key: Key; readonly load: Loader<unknown>; readonly options: GetOrSetOptions | undefined } | undefined
type FlightRequest = Pick<Job, 'key' | 'load' | 'options' | 'background'>

function valueIn(found: Served): unknown {
  return found.value
}

/** A refresh obeys the call's lifetimes and tags, not its signal, token or wish for a fresh load. */
function lifetimesOnly(options: GetOrSetOptions | undefined): EntryOptions | undefined {
  if (options === undefined) return undefined
  const { ttl, staleWhileRevalidate, staleIfError, tags } = options
  return { ttl, staleWhileRevalidate, staleIfError, tags }
}
