import type { Clock, Random } from '../core/clock.js'
import { ForebayError, isAway, isMisuse } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import { type CachePlan, errorHoldMs, fillPatienceMs } from '../core/plan.js'
import type { FarReads } from './far-reads.js'
import { Gate, type Place } from './gate.js'
import type { Held } from './held.js'
import { type Job, mayBeOld } from './job.js'
import { type Lease, Leasing } from './leasing.js'
import type { LoadChain } from './load-chain.js'
import type { Near } from './near.js'
import { type Basis, type Brought, Origin } from './origin.js'
import type { OwnLeases } from './own-leases.js'
import { type Ids, processIn } from './parts.js'
import type { Placing } from './placing.js'
import type { Registration } from './registry.js'
import { renewLease } from './renewal.js'
import { loaded, type Served, served } from './served.js'
import type { Shards } from './shards.js'
import { SoftTimeout } from './soft-timeout.js'
import { heldFrom } from './storable.js'
import { Waiting } from './waiting.js'
import type { Wakes } from './wakes.js'

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
  readonly placing: Placing
  readonly leases: OwnLeases
  readonly chain: LoadChain
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
  readonly #leasing: Leasing
  readonly #origin: Origin

  constructor(plan: CachePlan, parts: LoadsParts) {
    this.#plan = plan
    this.#parts = parts
    this.gate = new Gate(plan, parts)
    this.#leasing = new Leasing(parts)
    this.#origin = new Origin(plan, parts)
  }

  tick(): void {
    this.#parts.leases.tick()
  }

  /** One load in the whole fleet: ours under the lease, or somebody else's whose value we wait for. `previous`: the old value, if known. */
  async obtain(registration: Registration, at: EntryAddress, job: Job, previous: Held | undefined): Promise<Served> {
    const { clock, tell, wakes, reads, near, leases, chain } = this.#parts
    const waiting = new Waiting(clock, this.#plan.hardTimeoutMs, leases)
    const soft = new SoftTimeout(this.#plan, this.#parts, { registration, at, job })
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
        const answer = await this.#leasing.acquire(at, {
          token,
          force,
          takeover: waiting.takeover,
          soonMs: job.soonMs,
          waitedMs: first ? sentMs - registration.startedMs : 0,
        })
        first = false
        if (answer === undefined) return await this.#loadHere(registration, at, job, { place, previous })
        const old = await reads.old(at, answer, sentMs, registration)
        const inMemory = answer.kind !== 'entry' && answer.bytes === undefined ? old : undefined
        if (inMemory !== undefined && !force && clock.now() + (job.soonMs ?? 0) < inMemory.freshUntilMs) {
          // It has come into memory since that was looked at.
          if (answer.kind === 'lease') this.#leasing.release(at, token)
          return served('memory', inMemory)
        }
        if (answer.kind === 'lease') {
          // What was read before counts no more: the shard has just said whether there is a valid old value.
          leave = () => {} // it is the load's, which may go on when its caller has been served
          const { inc, seq } = answer
          return await soft.unlessSlow(this.#loadUnderLease(registration, at, job, { place, previous: old, token, inc, seq }), old)
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
        if (old !== undefined && soft.isOver(old)) return soft.serve(old)
        const refusal = chain.refusal(at)
        if (refusal !== undefined) throw refusal
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
    const { value, startedMs } = await this.#origin.load(at, job, { place, previous: undefined })
    return loaded(value, startedMs)
  }

  async #loadHere(registration: Registration, at: EntryAddress, job: Job, basis: Basis): Promise<Served> {
    const brought = await this.#origin.load(at, job, basis)
    if (brought.kind === 'passed') return this.#passed(at, brought)
    const { value, startedMs } = brought
    const held = heldFrom(brought.storable, startedMs)
    const untilMs = startedMs + this.#plan.maxStalenessMs
    if (this.#parts.clock.now() < untilMs) {
      const end = this.#plan.onOutage === 'serve' ? held.freshUntilMs : Math.min(held.freshUntilMs, untilMs)
      const { staleUntilMs, errorUntilMs } = this.#plan.onOutage === 'serve' ? held : { staleUntilMs: end, errorUntilMs: end }
      this.#parts.near.keep(registration, { ...held, freshUntilMs: end, staleUntilMs, errorUntilMs })
    }
    this.#parts.tell({ type: 'fill-refused', cache: at.cache, key: at.key, why: 'unanswered' })
    return loaded(value, startedMs)
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

  #heard(at: EntryAddress): boolean {
    const { shards, clock } = this.#parts
    return shards.proven(shards.of(at), clock.now(), this.#plan.maxStalenessMs)
  }

  async #loadUnderLease(registration: Registration, at: EntryAddress, job: Job, lease: Basis & Lease): Promise<Served> {
    const { clock, near } = this.#parts
    const renewal = renewLease(this.#parts, at, lease.token)
    try {
      const brought = await this.#origin.load(at, job, lease)
      if (brought.kind === 'passed') {
        this.#leasing.release(at, lease.token)
        return this.#passed(at, brought)
      }
      const fill = this.#leasing.fill(registration, at, lease, brought.storable)
      job.track(fill)
      await this.#atMost(fillPatienceMs, fill)
      return loaded(brought.value, brought.startedMs)
    } catch (error) {
      this.#leasing.release(at, lease.token)
      if (isMisuse(error)) throw error
      if (job.background) near.hold(at.key, clock.now() + errorHoldMs)
      const old = mayBeOld(job) ? await this.#oldInstead(registration, at, lease.previous) : undefined
      if (old === undefined) throw error
      return old
    } finally {
      renewal.cancel()
    }
  }

  #passed({ cache, key }: EntryAddress, { value, startedMs, why }: Extract<Brought, { kind: 'passed' }>): Served {
    this.#parts.tell({ type: 'fill-refused', cache, key, why })
    return loaded(value, startedMs)
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

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let elapse = (): void => {}
    const elapsed = new Promise<void>((resolve) => {
      elapse = resolve
    })
    const timer = this.#parts.clock.after(ms, elapse)
    await Promise.race([work, elapsed]).finally(() => timer.cancel())
  }
}
