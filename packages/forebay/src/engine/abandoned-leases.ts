import type { Clock } from '../core/clock.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import { leaseMs } from '../core/plan.js'
import type { Ids } from './parts.js'
import type { Shards } from './shards.js'

/** Far more than are abandoned within the life of a lease; what is beyond ends by itself. */
const mostKnown = 10_000
const giveBackEveryMs = 250

interface Parts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
}

/**
 * Leases that may stand in the far store for nobody: one was asked for, and the answer was late or lost; or the link broke before the value
 * was stored or the lease given back. Until such a lease ends, every reader of its key would wait for a load that nobody runs. So this
 * process's readers take it over, and it is given back, for those of other processes, as soon as its shard can be reached again.
 */
export class AbandonedLeases {
  readonly #parts: Parts
  readonly #sinceMs = new Map<string, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  has(token: string): boolean {
    return this.#sinceMs.has(token)
  }

  add(at: EntryAddress, token: string): void {
    const nowMs = this.#parts.clock.now()
    // The oldest come first. What was sent may arrive late, so they are known for two lives.
    for (const [known, sinceMs] of this.#sinceMs) {
      if (nowMs - sinceMs < 2 * leaseMs && this.#sinceMs.size < mostKnown) break
      this.#sinceMs.delete(known)
    }
    this.#sinceMs.set(token, nowMs)
    this.#giveBackLater(at, token)
  }

  #giveBackLater(at: EntryAddress, token: string): void {
    const { far, shards, clock, ids } = this.#parts
    clock.after(giveBackEveryMs, () => {
      if (clock.now() - (this.#sinceMs.get(token) ?? 0) > leaseMs) return
      if (shards.away(at)) return this.#giveBackLater(at, token)
      far.release(at, { token, nonce: ids.next() }).catch(() => this.#giveBackLater(at, token))
    })
  }
}
