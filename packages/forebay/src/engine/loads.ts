import type { Clock, Random } from '../core/clock.js'
import { ForebayError, isAway, isMisuse } from '../core/errors.js'
import type { RefusalReason, StaleReason, Tell, Tier } from '../core/events.js'
import type { AcquireAnswer, EntryAddress, FarStore } from '../core/far-store.js'
import { type CachePlan, errorHoldMs, fillPatienceMs, leaseMs } from '../core/plan.js'
import { handOut } from '../core/kept-value.js'
import type { FarReads } from './far-reads.js'
import { type Doors, type Entrant, Gate, type Place } from './gate.js'
import { runLoader } from './loader.js'
import { type Settled, settle } from './outcomes.js'
import { servableUntil, SoftTimeout } from './soft-timeout.js'
import type { Held, Near } from './near.js'
import type { OwnLeases } from './own-leases.js'
import { type Ids, processIn } from './parts.js'
import type { Payloads } from './payloads.js'
import type { GetOrSetOptions, Key, Loader } from './public.js'
import { type Registration, mayJoin, mayKeep } from './registry.js'
import { renewLease } from './renewal.js'
import type { Shards } from './shards.js'
import { type Storable, heldFrom, storable } from './storable.js'
import { Waiting } from './waiting.js'
import type { Wakes } from './wakes.js'

/** What a caller gets. */
export interface Served {
  readonly state: 'fresh' | 'stale'
  /** As it is kept: several callers share this, and `handOut` makes of it what each of them may have. */
  readonly value: unknown
  readonly tier: Tier
  readonly createdMs: number
  readonly why: StaleReason | undefined
}

/** One flight's work: whom it loads for and how. */
export interface Job extends Entrant {
  readonly key: Key
  readonly load: Loader<unknown>
  readonly options: GetOrSetOptions | undefined
  /** A refresh: nobody waits for it. */
  readonly background: boolean
  /** Where it asks to be let in, if not at the cache's own gate: one of many that are loaded by one call. */
  readonly doors: Doors<Job> | undefined
  /** The value is still being stored when the callers have it: the flight ends after that. */
  readonly track: (work: Promise<unknown>) => void
  /** Who comes later than that must not join: what the callers were given is too old by then. */
  readonly shareUntil: (ms: number) => void
  /** An early refresh: freshness that ends within this time counts as over. */
  readonly soonMs: number | undefined
}

export interface LoadsParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly tell: Tell
  readonly wakes: Wakes
  readonly reads: FarReads
  readonly near: Near
  readonly payloads: Payloads
  readonly leases: OwnLeases
  /** Work that `settled()` and `close()` wait for. */
  readonly track: (work: Promise<unknown>) => void
}

/** While the log is not heard, a waiter asks again this often. */
const deafWaitMs = 100

/**
 * From a miss to a value: a place among the loads, the lease, the wait for another process's load, the load itself, and the fill that the
 * fence may refuse. The place comes before the lease, so that no lease is held by one who cannot load yet, and it is given back while
 * another process loads.
 */
export class Loads {
  readonly #plan: CachePlan
  readonly #parts: LoadsParts
  readonly gate: Gate
  readonly #leases: OwnLeases

  constructor(plan: CachePlan, parts: LoadsParts) {
    this.#plan = plan
    this.#parts = parts
    this.gate = new Gate(plan, parts)
    this.#leases = parts.leases
  }

  tick(): void {
    this.#leases.tick()
  }

  /** One load in the whole fleet: ours under the lease, or somebody else's whose value we wait for. `previous`: the old value, if known. */
  async obtain(registration: Registration, at: EntryAddress, job: Job, previous: Held | undefined): Promise<Served> {
    const { clock, tell, wakes, reads, near } = this.#parts
    const waiting = new Waiting(clock, this.#plan.hardTimeoutMs, this.#leases)
    const soft = new SoftTimeout(this.#plan, clock, job)
    let force = job.options?.fresh === true
    let first = true
    for (;;) {
      const place = await this.#enter(at, job)
      if (place instanceof ForebayError) return this.#turnedAway(registration, at, mayBeOld(job) ? previous : undefined, place)
      const waiter = wakes.register(at.cache, at.key)
      let leave = () => place.leave()
      try {
        const sentMs = clock.now()
        const token = this.#parts.ids.next()
        const answer = await this.#acquire(at, {
          token,
          force,
          takeover: waiting.takeover,
          soonMs: job.soonMs,
          waitedMs: first ? sentMs - registration.startedMs : 0,
        })
        first = false
        if (answer === undefined) return await this.#loadHere(registration, at, job, { place, previous })
        const old = answer.bytes && (await reads.open(at, answer.bytes, answer.nowMs - sentMs, registration))
        if (answer.kind === 'lease') {
          // What was read before counts no more: the shard has just said whether there is a valid old value.
          leave = () => {} // it is the load's, which may go on when its caller has been served
          const loading = this.#loadUnderLease(registration, at, job, { place, answer, token, previous: old })
          return await this.#unlessSlow(loading, { registration, at, job, previous: old, waitMs: soft.remainingMs(old) })
        }
        if (answer.kind === 'entry' && old !== undefined) {
          near.keep(registration, old)
          return served('redis', old)
        }
        if (answer.kind === 'entry') {
          force = true // the entry cannot be read here: it is loaded anew
          continue
        }
        if (old !== undefined && !job.background && mayBeOld(job) && clock.now() < old.staleUntilMs)
          return served('redis', old, 'revalidating')
        if (old !== undefined && soft.isOver(old)) return this.#slow(at, old)
        const patienceMs = Math.min(waiting.patience(answer), soft.remainingMs(old))
        const beganMs = clock.now()
        place.leave()
        if (waiting.takeover !== undefined) continue // nobody will ever store a value under that lease
        await waiter.wait(this.#heard(at) ? patienceMs : Math.min(patienceMs, deafWaitMs))
        tell({ type: 'wait', cache: at.cache, key: at.key, ms: clock.now() - beganMs, by: processIn(answer.holder) })
      } finally {
        waiter.end()
        leave()
      }
    }
  }

  /** What a load brings, or the old value if that takes too long; the load goes on, and its flight is not over before it. */
  async #unlessSlow(loading: Promise<Served>, { registration, at, job, previous, waitMs }: SlowLoad): Promise<Served> {
    if (previous === undefined || waitMs === Number.POSITIVE_INFINITY) return loading
    job.track(loading)
    const { clock } = this.#parts
    let elapse = (): void => {}
    const elapsed = new Promise<undefined>((resolve) => {
      elapse = () => resolve(undefined)
    })
    const timer = clock.after(waitMs, elapse)
    const first = await Promise.race([loading, elapsed]).finally(() => timer.cancel())
    if (first !== undefined || !mayJoin(registration) || clock.now() >= servableUntil(previous)) return first ?? loading
    job.shareUntil(servableUntil(previous))
    return this.#slow(at, previous)
  }

  #slow(at: EntryAddress, old: Held): Served {
    this.#parts.tell({ type: 'stale', cache: at.cache, key: at.key, tier: 'redis', why: 'slow' })
    return served('redis', old, 'slow')
  }

  /** The far store cannot be used: one load in this process, kept for as long as the staleness contract allows from its start. */
  async loadAway(registration: Registration, at: EntryAddress, job: Job, previous: Held | undefined): Promise<Served> {
    const place = await this.#enter(at, job)
    if (place instanceof ForebayError) return this.#turnedAway(registration, at, mayBeOld(job) ? previous : undefined, place)
    return this.#loadHere(registration, at, job, { place, previous })
  }

  /** A load whose value is kept nowhere: the cache is not used for its key. */
  async aside(at: EntryAddress, job: Job): Promise<Served> {
    const place = await this.#enter(at, job)
    if (place instanceof ForebayError) throw place
    const startedMs = this.#parts.clock.now()
    const outcome = await this.#load(at, job, { place, previous: undefined })
    const found = this.#storable(job, outcome, 0)
    const value = typeof found === 'string' ? outcome.value : found.value
    return { state: 'fresh', value, tier: 'origin', createdMs: startedMs, why: undefined }
  }

  async #loadHere(registration: Registration, at: EntryAddress, job: Job, basis: Basis): Promise<Served> {
    const startedMs = this.#parts.clock.now()
    const outcome = await this.#load(at, job, basis)
    const found = this.#storable(job, outcome, this.#parts.clock.now() - startedMs)
    if (typeof found === 'string') return this.#passed(at, outcome.value, startedMs, found)
    const held = heldFrom(found, startedMs)
    const untilMs = startedMs + this.#plan.maxStalenessMs
    if (this.#parts.clock.now() < untilMs) {
      const end = this.#plan.onOutage === 'serve' ? held.freshUntilMs : Math.min(held.freshUntilMs, untilMs)
      const { staleUntilMs, errorUntilMs } = this.#plan.onOutage === 'serve' ? held : { staleUntilMs: end, errorUntilMs: end }
      this.#parts.near.keep(registration, { ...held, freshUntilMs: end, staleUntilMs, errorUntilMs })
    }
    this.#parts.tell({ type: 'fill-refused', cache: at.cache, key: at.key, why: 'unanswered' })
    return { state: 'fresh', value: found.value, tier: 'origin', createdMs: startedMs, why: undefined }
  }

  /** A place among the loads; or why there is none. A refresh that was turned away is not tried again at once. */
  async #enter(at: EntryAddress, job: Job): Promise<Place | ForebayError> {
    try {
      return await (job.doors ?? this.gate).enter(at, job)
    } catch (error) {
      if (!(error instanceof ForebayError && error.code === 'E_OVERLOADED')) throw error
      if (job.background) this.#parts.near.hold(at.key, this.#parts.clock.now() + errorHoldMs)
      return error
    }
  }

  async #turnedAway(registration: Registration, at: EntryAddress, previous: Held | undefined, error: ForebayError): Promise<Served> {
    const old = await this.#oldInstead(registration, at, previous)
    if (old === undefined) throw error
    return old
  }

  async #acquire(
    at: EntryAddress,
    ask: { token: string; force: boolean; takeover: string | undefined; soonMs: number | undefined; waitedMs: number },
  ): Promise<AcquireAnswer | undefined> {
    const { far, shards, ids, tell } = this.#parts
    if (shards.away(at)) return undefined
    try {
      const answer = await far.acquire(at, { ...ask, leaseMs, newInc: ids.incarnation() })
      if (answer.kind === 'lease') this.#leases.hold(ask.token)
      return answer
    } catch (error) {
      if (!isAway(error)) throw error
      if (error.code !== 'E_REDIS_SHED') this.#leases.abandon(at, ask.token)
      tell({ type: 'degraded', cache: at.cache, error })
      return undefined
    }
  }

  #heard(at: EntryAddress): boolean {
    const { shards, clock } = this.#parts
    return shards.proven(shards.of(at), clock.now(), this.#plan.maxStalenessMs)
  }

  async #loadUnderLease(registration: Registration, at: EntryAddress, job: Job, lease: Lease): Promise<Served> {
    const { clock, near } = this.#parts
    const startedMs = clock.now()
    const renewal = renewLease(this.#parts, at, lease.token)
    try {
      const outcome = await this.#load(at, job, lease)
      const found = this.#storable(job, outcome, clock.now() - startedMs)
      if (typeof found === 'string') {
        this.#release(at, lease.token)
        return this.#passed(at, outcome.value, startedMs, found)
      }
      const fill = this.#fill(registration, at, lease, found)
      job.track(fill)
      await this.#atMost(fillPatienceMs, fill)
      return { state: 'fresh', value: found.value, tier: 'origin', createdMs: startedMs, why: undefined }
    } catch (error) {
      this.#release(at, lease.token)
      if (isMisuse(error)) throw error
      if (job.background) near.hold(at.key, clock.now() + errorHoldMs)
      const old = mayBeOld(job) ? await this.#oldInstead(registration, at, lease.previous) : undefined
      if (old === undefined) throw error
      return old
    } finally {
      renewal.cancel()
    }
  }

  async #load(at: EntryAddress, job: Job, { place, previous }: Basis): Promise<Settled> {
    const { clock, tell } = this.#parts
    const startedMs = clock.now()
    const told = { cache: at.cache, key: at.key }
    try {
      const context = { key: job.key, previous: handOut(previous?.value), validator: previous?.validator }
      const outcome = await runLoader(job.load, context, job.controller(), { clock, hardTimeoutMs: this.#plan.hardTimeoutMs })
      tell({ type: 'load', ...told, ms: clock.now() - startedMs, background: job.background })
      return settle(this.#plan, outcome, { previous, options: job.options, wallMs: clock.wall() })
    } catch (error) {
      tell({ type: 'load-error', ...told, ms: clock.now() - startedMs, error })
      throw error
    } finally {
      place.leave()
    }
  }

  /** What is to be stored, or why nothing is. One value of many that cannot be kept must not fail the others: it is handed out only. */
  #storable(job: Job, outcome: Settled, costMs: number): Storable | 'asked' | 'unstorable' {
    if (outcome.kind === 'pass') return 'asked'
    const { value, options } = outcome
    const what = { key: job.key, value, costMs, validator: options?.validator }
    try {
      return storable(this.#plan, what, [options, job.options], this.#parts)
    } catch (error) {
      // What the schema refuses is not what callers were promised: it is an error of that key.
      if (job.doors === undefined || !isMisuse(error) || error.code === 'E_VALUE_SCHEMA') throw error
      return 'unstorable'
    }
  }

  #passed(at: EntryAddress, value: unknown, startedMs: number, why: RefusalReason): Served {
    this.#parts.tell({ type: 'fill-refused', cache: at.cache, key: at.key, why })
    return { state: 'fresh', value, tier: 'origin', createdMs: startedMs, why: undefined }
  }

  async #fill(registration: Registration, at: EntryAddress, lease: Lease, found: Storable): Promise<void> {
    const { far, clock, tell, near, ids, payloads } = this.#parts
    const told = { cache: at.cache, key: at.key }
    try {
      const value = await payloads.pack(at, found.stored)
      const { inc, seq } = lease.answer
      const sentMs = clock.now()
      const answer = await far.fill(at, { token: lease.token, nonce: ids.next(), inc, seq, value })
      this.#leases.end(at, lease.token)
      if (answer.kind === 'refused') return tell({ type: 'fill-refused', ...told, why: answer.why })
      if (mayKeep(registration, found.stored.tags)) near.keepStored(registration, heldFrom(found, sentMs))
      tell({ type: 'fill', ...told, bytes: value.payload.length })
    } catch (error) {
      this.#leases.abandon(at, lease.token)
      if (!isAway(error)) throw error
      tell({ type: 'fill-refused', ...told, why: 'unanswered' })
    }
  }

  /** After a failed load: the old value, if the shard still finds it valid and `staleIfError` covers it. */
  async #oldInstead(registration: Registration, at: EntryAddress, previous: Held | undefined): Promise<Served | undefined> {
    const { reads, near, clock } = this.#parts
    if (previous === undefined || clock.now() >= previous.errorUntilMs) return undefined
    try {
      const old = await reads.check(at, registration)
      if (old === undefined || clock.now() >= old.errorUntilMs) return undefined
      near.keep(registration, old, clock.now() + errorHoldMs)
      return served('redis', old, 'error')
    } catch (error) {
      if (!isAway(error)) throw error
      return undefined
    }
  }

  /** The flight ends without waiting for this: whoever comes now must not join a load that has failed, or whose value is not kept. */
  #release(at: EntryAddress, token: string): void {
    const { far, ids, tell, track } = this.#parts
    const failed = (error: unknown): void => {
      this.#leases.abandon(at, token)
      tell({ type: 'degraded', cache: at.cache, error })
    }
    const released = far.release(at, { token, nonce: ids.next() }).then(() => this.#leases.end(at, token), failed)
    track(released)
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let elapse = (): void => {}
    const elapsed = new Promise<void>((resolve) => {
      elapse = resolve
    })
    const timer = this.#parts.clock.after(ms, elapse)
    await Promise.race([work, elapsed]).finally(() => timer.cancel())
  }
}

interface SlowLoad {
  readonly registration: Registration
  readonly at: EntryAddress
  readonly job: Job
  readonly previous: Held | undefined
  readonly waitMs: number
}

/** Whether the answer may be an old value. */
function mayBeOld({ options }: Job): boolean {
  return options?.mustRevalidate !== true
}

/** What a load begins with: its place, and the old value if one is known. */
interface Basis {
  readonly place: Place
  readonly previous: Held | undefined
}

interface Lease extends Basis {
  readonly answer: Extract<AcquireAnswer, { kind: 'lease' }>
  readonly token: string
}

export function served(tier: Tier, held: Pick<Held, 'value' | 'createdMs'>, why?: StaleReason): Served {
  return { state: why === undefined ? 'fresh' : 'stale', value: held.value, tier, createdMs: held.createdMs, why }
}
