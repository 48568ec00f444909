import type { Clock, Random } from '../core/clock.js'
import type { OpenContext } from '../core/context.js'
import type { Tell } from '../core/events.js'
import type { FarStore } from '../core/far-store.js'
import type { HealthPlan } from '../core/health.js'
import type { Journal } from '../core/journal.js'
import type { Digest } from '../core/key.js'
import type { OpenNearStore } from '../core/near-store.js'
import type { Packing } from '../core/packing.js'

/** What the engine is put together from. `create-forebay.ts` supplies the real parts, a world the simulated ones. */
export interface EngineParts {
  readonly service: string
  /** Makes the far store; `tell` and `onShards` are how it speaks back. */
  readonly openFarStore: (back: FarStoreBack) => FarStore
  readonly clock: Clock
  readonly random: Random
  readonly digest: Digest
  readonly packing: Packing
  readonly openNearStore: OpenNearStore
  /** How a key is shown in events; `undefined`: as it is. */
  readonly redactKey?: ((key: string, cache: string) => string) | undefined
  /** Runs background work outside every caller's async context. */
  readonly detached: <T>(work: () => T) => T
  /** Bound of each shard's outbox, and where what waits there survives the process. Default: 1,000, and nowhere. */
  readonly outbox?: { readonly most: number; readonly journal?: Journal | undefined } | undefined
  /** What `health()` looks at. Default: Redis every 5 s from its first call on. */
  readonly health?: HealthPlan | undefined
  /** Makes a value that follows a caller's calls. */
  readonly openContext: OpenContext
  /** Whether each load runs in a context of its own (see `LoadChain`). Default: no, until `withToken` makes use of contexts. */
  readonly followsLoads?: boolean | undefined
}

export interface FarStoreBack {
  readonly tell: Tell
  /** The number of shards is known, or turned out to be another: everything known so far is void. */
  readonly onShards: (shards: number) => void
  /** The far store can never be used as configured (`E_REDIS_SHARDS`); the cache goes on without it. */
  readonly onUnusable: (error: Error) => void
  /** A server of the far store can be used, or asked, again: it is asked at once. */
  readonly onUp: () => void
  /** What a server does when its memory is full (`maxmemory-policy`), where that has a bound. */
  readonly onEvictionPolicy: (policy: string) => void
}

/** Makes names that nobody else makes: this process's random name and a counter. */
export class Ids {
  readonly #process: string
  readonly #random: Random
  #count = 0

  constructor(random: Random) {
    this.#random = random
    this.#process = random.id()
  }

  /** The first part of every name made here. */
  get process(): string {
    return this.#process
  }

  next(): string {
    return `${this.#process}.${(this.#count++).toString(36)}`
  }

  /** A name for a shard's incarnation, should the shard have none. */
  incarnation(): string {
    return this.#random.id()
  }
}

/** The process that made a name. */
export function processIn(name: string): string {
  return name.split('.', 1)[0] ?? ''
}
