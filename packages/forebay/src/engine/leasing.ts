import type { Clock } from '../core/clock.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { AcquireAnswer, AcquireRequest, EntryAddress, FarStore } from '../core/far-store.js'
import { leaseMs } from '../core/plan.js'
import type { Near } from './near.js'
import type { OwnLeases } from './own-leases.js'
import type { Ids } from './parts.js'
import type { Placing } from './placing.js'
import { mayKeep, type Registration } from './registry.js'
import type { Shards } from './shards.js'
import { heldFrom, type Storable } from './storable.js'

export interface LeasingParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
  readonly near: Near
  readonly placing: Placing
  readonly leases: OwnLeases
  /** Work that `settled()` and `close()` wait for. */
  readonly track: (work: Promise<unknown>) => void
}

/** A lease of ours, with the place in the shard's history at which it was given. */
export interface Lease {
  readonly token: string
  readonly inc: string
  readonly seq: number
}

/**
 * The life of a lease in the far store: asked for, then ended by storing a value under it or by giving it back. One that may stand after all,
 * as no answer came, is left to `OwnLeases`.
 */
export class Leasing {
  readonly #parts: LeasingParts

  constructor(parts: LeasingParts) {
    this.#parts = parts
  }

  /** `undefined`: the far store cannot be used. */
  async acquire(at: EntryAddress, ask: Omit<AcquireRequest, 'leaseMs' | 'newInc'>): Promise<AcquireAnswer | undefined> {
    const { far, shards, ids, tell, leases } = this.#parts
    if (shards.away(at)) return undefined
    try {
      const answer = await far.acquire(at, { leaseMs, newInc: ids.incarnation(), ...ask })
      if (answer.kind === 'lease') leases.hold(ask.token)
      return answer
    } catch (error) {
      if (!isAway(error)) throw error
      if (error.code !== 'E_REDIS_SHED') leases.abandon(at, ask.token)
      tell({ type: 'degraded', cache: at.cache, error })
      return undefined
    }
  }

  /** Stores the value, unless the fence refuses it; what is stored is kept in memory too. */
  async fill(registration: Registration, at: EntryAddress, { token, inc, seq }: Lease, found: Storable): Promise<void> {
    const { far, clock, tell, near, ids, placing, leases } = this.#parts
    const told = { cache: at.cache, key: at.key }
    try {
      const value = await placing.pack(at, registration.shard, found)
      const sentMs = clock.now()
      const answer = await far.fill(at, { token, nonce: ids.next(), inc, seq, value })
      leases.end(at, token)
      if (answer.kind === 'refused') return tell({ type: 'fill-refused', why: answer.why, ...told })
      if (value.onStored === undefined && mayKeep(registration, found.stored.tags)) near.keepStored(registration, heldFrom(found, sentMs))
      tell({ type: 'fill', bytes: value.payload.length, ...told })
    } catch (error) {
      leases.abandon(at, token)
      if (!isAway(error)) throw error
      tell({ type: 'fill-refused', why: 'unanswered', ...told })
    }
  }

  /** The flight ends without waiting for this: whoever comes now must not join a load that has failed, or whose value is not kept. */
  release(at: EntryAddress, token: string): void {
    const { far, ids, tell, track, leases } = this.#parts
    const failed = (error: unknown): void => {
      leases.abandon(at, token)
      tell({ type: 'degraded', cache: at.cache, error })
    }
    const released = far.release(at, { token, nonce: ids.next() }).then(() => leases.end(at, token), failed)
    track(released)
  }
}
