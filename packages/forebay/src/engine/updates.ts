import type { Clock, Random } from '../core/clock.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress, FarStore, GivenLease } from '../core/far-store.js'
import { type CachePlan, leaseMs } from '../core/plan.js'
import type { Token } from '../core/token.js'
import { handOut } from '../core/kept-value.js'
import type { FarReads } from './far-reads.js'
import { outcomeOf } from './loader.js'
import { type Settled, settle } from './outcomes.js'
import type { Held } from './held.js'
import type { Near } from './near.js'
import type { Ids } from './parts.js'
import type { OwnLeases } from './own-leases.js'
import type { Placing } from './placing.js'
import type { Commit, Key, SetOptions } from './public.js'
import type { Registry } from './registry.js'
import { renewLease } from './renewal.js'
import type { Shards } from './shards.js'
import { heldFrom, storable } from './storable.js'
import type { Writes } from './writes.js'

export interface UpdatesParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly tell: Tell
  readonly reads: FarReads
  readonly near: Near
  readonly registry: Registry
  readonly writes: Writes
  readonly placing: Placing
  readonly leases: OwnLeases
}

/** A lease taken by force before the origin is changed, and the old value that stood there. */
interface Ticket {
  readonly lease: GivenLease
  readonly previous: Held | undefined
}

/**
 * Changes the origin and the cache in an order that no other writer can break: a ticket first (the lease, by force), then the commit, then
 * the new value is stored only if the ticket still holds. Whoever commits later has taken the ticket, so an earlier value never replaces a
 * later one; the loser's write is an invalidation. Without a ticket to be had: commit, then invalidate.
 */
export class Updates {
  readonly #plan: CachePlan
  readonly #parts: UpdatesParts

  constructor(plan: CachePlan, parts: UpdatesParts) {
    this.#plan = plan
    this.#parts = parts
  }

  async run(at: EntryAddress, key: Key, commit: Commit<unknown>, options: SetOptions | undefined): Promise<Token> {
    const { writes, registry, shards, clock, leases } = this.#parts
    const ticket = await this.#ticket(at)
    const renewal = ticket && renewLease(this.#parts, at, ticket.lease.token)
    const registration = registry.begin(at.key, shards.of(at).view, clock.now())
    try {
      const answer = outcomeOf(await commit({ key, previous: handOut(ticket?.previous?.value) }))
      const outcome = settle(this.#plan, answer, { previous: ticket?.previous, options, wallMs: clock.wall() })
      renewal?.cancel()
      if (ticket === undefined || outcome.kind === 'pass') return (await writes.key(at, 'key')).token
      return await this.#store(at, key, { outcome, options, registration, lease: ticket.lease })
    } catch (error) {
      // Whether the origin was changed is not known: what is cached goes.
      await writes.key(at, 'key')
      throw error
    } finally {
      renewal?.cancel()
      if (ticket !== undefined) leases.end(at, ticket.lease.token)
      registry.end(registration)
    }
  }

  async #store(at: EntryAddress, key: Key, set: NewValue): Promise<Token> {
    const { writes, near, clock, placing } = this.#parts
    const { value: given, options } = set.outcome
    const what = { key, value: given, costMs: 0, validator: options?.validator }
    const found = storable(this.#plan, what, [options, set.options], this.#parts)
    const value = await placing.pack(at, set.registration.shard, found)
    const sentMs = clock.now()
    const { token, stored } = await writes.key(at, 'key', { value, registration: set.registration, lease: set.lease })
    if (stored && value.onStored === undefined) near.keepStored(set.registration, heldFrom(found, sentMs))
    return token
  }

  async #ticket(at: EntryAddress): Promise<Ticket | undefined> {
    const { far, shards, ids, clock, reads, tell, leases } = this.#parts
    if (shards.away(at)) return undefined
    const token = ids.next()
    const sentMs = clock.now()
    try {
      const answer = await far.acquire(at, { token, leaseMs, newInc: ids.incarnation(), force: true, takeover: undefined })
      if (answer.kind === 'lease') leases.hold(token)
      const old = await reads.old(at, answer, sentMs)
      return answer.kind === 'lease' ? { lease: { token, inc: answer.inc, seq: answer.seq }, previous: old } : undefined
    } catch (error) {
      if (!isAway(error)) throw error
      tell({ type: 'degraded', cache: at.cache, error })
      return undefined
    }
  }
}

interface NewValue {
  readonly outcome: Extract<Settled, { kind: 'store' }>
  readonly options: SetOptions | undefined
  readonly registration: ReturnType<Registry['begin']>
  readonly lease: GivenLease
}
