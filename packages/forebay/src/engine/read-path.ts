import type { Bytes } from '../core/bytes.js'
import type { EntryAddress } from '../core/far-store.js'
import { canonicalKey } from '../core/key.js'
import { type CachePlan, isHotOnly, slideShare } from '../core/plan.js'
import type { BulkPort } from './bulk.js'
import { omitted } from './bulk-load.js'
import type { FarReads, Found } from './far-reads.js'
import { Flight, Flights, type Request, unlessAborted } from './flights.js'
import { givenSignal } from './given.js'
import type { Held } from './held.js'
import type { HotKeys } from './hot-keys.js'
import { type Aging, isEarly, slideBy, slideFrom } from './lifetimes.js'
import type { Loads, LoadsParts } from './loads.js'
import type { Copy } from './monitor.js'
import type { Attended, Near } from './near.js'
import type { EngineParts } from './parts.js'
import type { EntryOptions, GetOrSetOptions } from './public.js'
import { oneOf, type Reading, type Registration, type Registry } from './registry.js'
import { type Served, served } from './served.js'
import type { Slides } from './slides.js'
import type { CacheCounters } from './statistics.js'

export interface ReadPathParts
  extends Pick<LoadsParts, 'shards' | 'clock' | 'random' | 'tell' | 'track' | 'chain'>,
    Pick<EngineParts, 'digest' | 'detached'> {
  readonly near: Near
  readonly registry: Registry<Flight>
  readonly reads: FarReads
  readonly loads: Loads
  readonly slides: Slides
  readonly hotKeys: HotKeys
  readonly counters: CacheCounters
  readonly isClosed: () => boolean
}

/** By so much an own estimate of server times may be off: what ends so near to another end is taken for the same. */
const clockSlackMs = 25

/**
 * The read path of one cache: memory, if what is there is fresh and proven; else the flight of this key, which asks Redis, and on a miss
 * loads from the origin under a lease.
 */
export class ReadPath {
  readonly #plan: CachePlan
  readonly #parts: ReadPathParts
  readonly #near: Near
  readonly #registry: Registry<Flight>
  readonly #flights: Flights
  readonly #reads: FarReads
  readonly #loads: Loads
  readonly #slides: Slides
  /** Hits may be worth an effort: lives slide here, or values are refreshed early. */
  readonly #attends: boolean
  readonly #keeps: boolean
  /** Told of hits in memory too, where it decides what is kept there. */
  readonly #heat: HotKeys | undefined

  constructor(plan: CachePlan, parts: ReadPathParts) {
    this.#plan = plan
    this.#parts = parts
    this.#near = parts.near
    this.#registry = parts.registry
    this.#flights = new Flights(parts.registry)
    this.#reads = parts.reads
    this.#loads = parts.loads
    this.#slides = parts.slides
    this.#heat = isHotOnly(plan) ? parts.hotKeys : undefined
    this.#keeps = plan.memory !== undefined
    this.#attends = plan.sliding !== undefined || plan.earlyBeta > 0
  }

  /** What a caller would be served now without a load, and without being counted. */
  async copy(at: EntryAddress): Promise<Copy | undefined> {
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
  attempt(request: Request): Promise<Served> {
    const { at, options } = request
    if (givenSignal(options?.signal)?.aborted) return Promise.reject(options?.signal?.reason)
    const nowMs = this.#parts.clock.now()
    const anew = options?.fresh === true || options?.mustRevalidate === true
    const near = anew ? undefined : this.fromMemory(at, nowMs, request)
    if (near !== undefined) return Promise.resolve(near)
    if (this.#flights.mayHave(at.key)) {
      const flight = anew ? undefined : this.#joinable(at, nowMs)
      const before = flight === undefined ? this.#flights.inTheWay(at.key) : undefined
      const refusal = flight === undefined && before === undefined ? undefined : this.#parts.chain.refusal(at)
      if (refusal !== undefined) return Promise.reject(refusal)
      if (flight !== undefined) {
        this.#parts.tell({ type: 'join', cache: this.#plan.name, key: at.key })
        const shared = flight.share(options?.signal, request.lane)
        // What another's bulk loader has left out, this one's loader may know.
        if (flight.doors === undefined || request.doors !== undefined) return shared
        return shared.then((found) => (found.value === omitted ? this.attempt(request) : found))
      }
      // Whoever waits here looks again from the start: the first of them begins a flight that the others join.
      if (before !== undefined) return unlessAborted(before, options?.signal).then(() => this.attempt(request))
    }
    return this.#start(request, nowMs).share(options?.signal, request.lane)
  }

  #joinable(at: EntryAddress, nowMs: number): Flight | undefined {
    const { shards } = this.#parts
    const { maxStalenessMs } = this.#plan
    return this.#flights.joinable(at.key, shards.proven(shards.of(at), nowMs, maxStalenessMs), nowMs, maxStalenessMs)
  }

  fromMemory(at: EntryAddress, nowMs: number, request: Request | undefined): Served | undefined {
    if (!this.#keeps) return undefined
    const { shards, tell, counters } = this.#parts
    const found = this.#near.find(at.key, nowMs, this.#plan.onOutage === 'serve' && shards.away(at))
    if (found === undefined) return undefined
    this.#heat?.saw(at.key)
    if (found.state === 'fresh') {
      if (counters.hitMemory()) this.measure(at.key)
      if (found.attended !== undefined) this.#attend(at, found.attended, found.held ? undefined : request, found.attended)
      return served('memory', found.entry)
    }
    tell({ type: 'stale', cache: this.#plan.name, key: at.key, tier: 'memory', why: found.state })
    if (found.state === 'revalidating' && !found.held && request !== undefined) this.refresh(request)
    return served('memory', found.entry, found.state)
  }

  /** What is cached, without a load. `strict`: only what Redis itself finds fresh. */
  async look(at: EntryAddress, strict: boolean): Promise<Served | undefined> {
    const { shards, clock, tell } = this.#parts
    const nowMs = clock.now()
    const near = strict ? undefined : this.fromMemory(at, nowMs, undefined)
    if (near !== undefined) return near
    const registration = this.#registry.begin(at.key, shards.of(at).view, nowMs)
    try {
      const found = await (strict ? this.#reads.ask(at, registration) : this.#reads.read(at, registration))
      const result = typeof found === 'string' ? undefined : this.#fromFar(registration, at, found, strict)
      if (result === undefined) tell({ type: 'miss', cache: this.#plan.name, key: at.key })
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
    this.#parts.tell({ type: 'stale', cache: this.#plan.name, key: at.key, tier: 'redis', why: 'revalidating' })
    return served('redis', found, 'revalidating')
  }

  /** The same for what was read together: the clock is looked at once, and the hits are counted once. */
  #manyFromFar(reading: Reading, ats: readonly EntryAddress[], found: readonly Found[]): readonly (Served | undefined)[] {
    const nowMs = this.#parts.clock.now()
    let hits = 0
    const answers = found.map((one, i) => {
      if (typeof one === 'string') return undefined
      const isFresh = nowMs < one.freshUntilMs
      if (!isFresh && nowMs >= one.staleUntilMs) return undefined
      const at = ats[i] as EntryAddress
      if (this.#keeps) this.#near.keep(oneOf(reading, at.key, this.#parts.shards.of(at).view), one)
      if (isFresh) {
        hits++
        if (this.#attends) this.#attend(at, one, undefined)
        return served('redis', one)
      }
      this.#parts.tell({ type: 'stale', cache: this.#plan.name, key: at.key, tier: 'redis', why: 'revalidating' })
      return served('redis', one, 'revalidating')
    })
    if (hits > 0) this.#parts.counters.hitRedis(nowMs - reading.startedMs, hits)
    return answers
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
    if (request !== undefined && isEarly(this.#plan, aging, nowMs, random)) {
      tell({ type: 'early-refresh', cache: this.#plan.name, key: at.key })
      this.refresh(request, aging.freshUntilMs - nowMs + clockSlackMs)
    }
    if (nowMs < slideFrom(this.#plan, aging)) return
    if (copy === undefined) return this.#slides.slide(at, 0, () => {})
    // Should Redis no longer have it, later hits do not ask again and again.
    if (nowMs < copy.triedMs + slideShare * aging.extendMs) return
    const freshMs = slideBy(this.#plan, aging, this.#near.usesOf(at.key, copy, nowMs))
    copy.triedMs = nowMs
    this.#slides.slide(at, freshMs, (times) => this.#near.prolong(at.key, copy, times))
  }

  /** A load past the cache: nothing is read or kept, and nobody joins. */
  aside(request: Request): Promise<Served> {
    const { at, options, lane } = request
    if (givenSignal(options?.signal)?.aborted) return Promise.reject(options?.signal?.reason)
    const { shards, clock, track, chain } = this.#parts
    const refusal = chain.refusal(at)
    if (refusal !== undefined) return Promise.reject(refusal)
    const registration = this.#registry.begin(at.key, shards.of(at).view, clock.now())
    const flight = new Flight(request, registration, (one) => this.#loads.aside(at, one))
    track(flight.served.finally(() => this.#registry.end(registration)))
    return flight.share(options?.signal, lane)
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
    try {
      const found = this.#reads.judge(at, bytes, registration)
      const hit = typeof found === 'object' && !(found instanceof Promise) ? this.#freshFromFar(registration, at, found) : undefined
      if (hit === undefined) return this.#flyOn(flight, () => found ?? this.#reads.ask(at, registration))
      this.#flights.remove(flight)
      return hit
    } catch (error) {
      // A value that throws when it is looked at: whoever comes next must not join what has failed.
      this.#flights.remove(flight)
      throw error
    }
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
      if (result.why === 'revalidating') this.refresh(flight)
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
    if (!flight.background) this.#parts.tell({ type: 'miss', cache: this.#plan.name, key: at.key })
    if (found === 'away') return this.#loads.loadAway(registration, at, flight, previous)
    return this.#loads.obtain(registration, at, flight, previous)
  }

  /** Loads anew in the background, unless somebody already does. */
  refresh({ at, key, load, options, doors }: Request, soonMs?: number): void {
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

  /** A hit in memory is too quick to be timed each time, or from where it is known to be one: its look-up is done once more. */
  measure(key: string): void {
    const { clock, counters } = this.#parts
    const beganMs = clock.now()
    this.#near.fresh(key, beganMs)
    counters.tookMemory(clock.now() - beganMs)
  }

  /** The ends of all that is under way. */
  landings(): Promise<void>[] {
    return this.#flights.landings()
  }

  /** What reading many keys needs. */
  bulkPort(): Omit<BulkPort, 'address' | 'honour' | 'saw'> {
    const { clock, digest, tell, chain } = this.#parts
    return {
      chain,
      gate: this.#loads.gate,
      canonical: (key) => canonicalKey(key, digest),
      now: () => clock.now(),
      fromMemory: (at, nowMs, request) => this.fromMemory(at, nowMs, request),
      isUnderWay: (at) => this.#flights.mayHave(at.key) && this.#joinable(at, clock.now()) !== undefined,
      begin: () => this.#registry.beginReading(clock.now()),
      end: (reading) => this.#registry.endReading(reading),
      readMany: (ats, reading) => this.#reads.readMany(ats, reading),
      fromFar: (reading, ats, found) => this.#manyFromFar(reading, ats, found),
      missed: (at) => tell({ type: 'miss', cache: this.#plan.name, key: at.key }),
      attempt: (request) => this.attempt(request),
      refresh: (request) => this.refresh(request),
    }
  }
}

/** A refresh obeys the call's lifetimes and tags, not its signal, token or wish for a fresh load. */
function lifetimesOnly(options: GetOrSetOptions | undefined): EntryOptions | undefined {
  if (options === undefined) return undefined
  const { ttl, staleWhileRevalidate, staleIfError, expiresAt, tags } = options
  return { ttl, staleWhileRevalidate, staleIfError, expiresAt, tags }
}
