import type { Clock } from '../core/clock.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import { leaseMs } from '../core/plan.js'
import { type Ids, processIn } from './parts.js'
import type { Shards } from './shards.js'
import type { Wakes } from './wakes.js'

/** Far more than are given back, or end, within the life of a lease; what is beyond ends by itself. */
const mostReturned = 10_000
const mostEnded = 1_000
/** How soon the giving back is tried, and how rarely at most where it fails. */
const giveBackSoonMs = 25
const giveBackEveryMs = 100
/** By then a request that was late has arrived, if it ever does. */
const giveBackAgainMs = 250

interface Parts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly wakes: Wakes
}

interface Ended {
  readonly at: EntryAddress
  readonly node: string | undefined
  readonly atMs: number
}

/**
 * The leases of this process, and those of its making that stand in the far store for nobody: one was asked for, and the answer was late or
 * lost; or the link broke before the value was stored or the lease given back; or that had been done, and a failover has undone it. Until
 * such a lease ends, every reader of its key would wait for a load that nobody runs. So this process's readers take it over, and it is given
 * back, for those of other processes, as soon as its shard can be reached again.
 */
export class OwnLeases {
  readonly #parts: Parts
  readonly #held = new Set<string>()
  /** Ended within the last life of a lease, the oldest first. */
  readonly #ended = new Map<string, Ended>()
  #returned = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether a lease that stands is of this process, and none of its loads goes on under it. */
  isForNobody(token: string): boolean {
    return processIn(token) === this.#parts.ids.process && !this.#held.has(token)
  }

  hold(token: string): void {
    this.#held.add(token)
  }

  /** The far store has said that the lease is over. */
  end(at: EntryAddress, token: string): void {
    const { far, clock } = this.#parts
    this.#held.delete(token)
    this.#ended.set(token, { at, node: far.nodeOf(at.shard), atMs: clock.now() })
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > mostEnded && oldest !== undefined) this.#ended.delete(oldest)
  }

  /** The lease may stand, and no load goes on under it. Who waits for it here is told at once: no notice comes until it is given back. */
  abandon(at: EntryAddress, token: string): void {
    this.#held.delete(token)
    this.#parts.wakes.wake(at.cache, at.key)
    if (this.#returned >= mostReturned) return
    this.#returned += 1
    this.#giveBackLater(at, token, this.#parts.clock.now() + leaseMs)
  }

  /**
   * Called every now and then. A node that has taken over may not have heard of the end of a lease, as replicas are told later than we are: it
   * is told again.
   */
  tick(): void {
    const { far, clock } = this.#parts
    for (const [token, { at, node, atMs }] of this.#ended) {
      const present = far.nodeOf(at.shard)
      const isElsewhere = present !== undefined && present !== node
      if (isElsewhere) this.abandon(at, token)
      if (isElsewhere || clock.now() - atMs > leaseMs) this.#ended.delete(token)
    }
  }

  /** Given back twice: soon, for those who wait, and when a request for it that was late will have arrived, which would let it stand again. */
  #giveBackLater(at: EntryAddress, token: string, untilMs: number): void {
    const { far, shards, clock, ids } = this.#parts
    const over = () => {
      this.#returned -= 1
    }
    const after = (pauseMs: number, then: () => void): void => {
      const again = () => after(Math.min(2 * pauseMs, giveBackEveryMs), then)
      clock.after(pauseMs, () => {
        if (clock.now() > untilMs) over()
        else if (shards.away(at)) again()
        else far.release(at, { token, nonce: ids.next() }).then(then, again)
      })
    }
    after(giveBackSoonMs, () => after(giveBackAgainMs, over))
  }
}
