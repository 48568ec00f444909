import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { decodeValue, deepFreeze } from '../core/codec.js'
import { type Header, openHeader, payloadStart, timesIn } from '../core/envelope.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import type { HotKeys } from './hot-keys.js'
import type { Held } from './near.js'
import type { Ids } from './parts.js'
import type { Registration } from './registry.js'
import type { Shards } from './shards.js'

export interface FarReadsParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
  readonly hotKeys: HotKeys
}

/** An entry in own monotonic time; or none; or the far store cannot be used now. */
export type Found = Held | 'miss' | 'away'

/** Reads one cache's entries from the far store. */
export class FarReads {
  readonly #plan: CachePlan
  readonly #parts: FarReadsParts

  constructor(plan: CachePlan, parts: FarReadsParts) {
    this.#plan = plan
    this.#parts = parts
  }

  /** A whole read: a plain one where that suffices, else the checked one. */
  async read(at: EntryAddress, registration: Registration): Promise<Found> {
    const bytes = this.plain(at, registration)
    if (bytes === undefined) return this.ask(at, registration)
    try {
      return this.judge(at, await bytes) ?? (await this.ask(at, registration))
    } catch (error) {
      return this.failed(at, error)
    }
  }

  /** The plain read, if it may be trusted: where the shard is proven by the node that it goes to. */
  plain(at: EntryAddress, registration: Registration): Promise<Bytes | undefined> | undefined {
    const { far, shards, hotKeys } = this.#parts
    hotKeys.saw(at.key)
    const shard = shards.of(at)
    if (shards.away(at) || !shards.proven(shard, registration.startedMs, this.#plan.maxStalenessMs)) return undefined
    // Of group fences, only those up to the proof are known here.
    registration.trueAsOfMs = shard.view.provenAtMs
    return far.get(at)
  }

  /** What a plain read has brought; `undefined` if what is heard here does not suffice to judge it, so that the shard must be asked. */
  judge(at: EntryAddress, bytes: Bytes | undefined): Held | 'miss' | undefined {
    if (bytes === undefined) return 'miss'
    const shard = this.#parts.shards.of(at)
    const header = openHeader(bytes)
    if (header === undefined) return this.#corrupt(at) ?? 'miss'
    const verdict = shard.view.judge(header, at)
    if (verdict === 'valid') return this.#decode(at, bytes, header, shard.offsetMs) ?? 'miss'
    return verdict === 'invalid' ? 'miss' : undefined
  }

  /** The checked read, if the shard can be asked. */
  async ask(at: EntryAddress, registration: Registration): Promise<Found> {
    registration.trueAsOfMs = registration.startedMs
    if (this.#parts.shards.away(at)) return 'away'
    try {
      return (await this.check(at)) ?? 'miss'
    } catch (error) {
      return this.failed(at, error)
    }
  }

  /** What a failed read means: the far store is away. Any other error is thrown again. */
  failed(at: EntryAddress, error: unknown): 'away' {
    if (!isAway(error)) throw error
    this.#parts.tell({ type: 'degraded', cache: at.cache, error })
    return 'away'
  }

  /** The checked read: the shard itself says whether the entry is valid. */
  async check(at: EntryAddress): Promise<Held | undefined> {
    const sentMs = this.#parts.clock.now()
    const answer = await this.#parts.far.check(at, { newInc: this.#parts.ids.incarnation() })
    return answer.bytes && this.open(at, answer.bytes, answer.nowMs - sentMs)
  }

  /** Opens bytes that the shard has found valid; `undefined` if they are corrupt. `offsetMs`: server time less own time. */
  open(at: EntryAddress, bytes: Bytes, offsetMs: number): Held | undefined {
    const header = openHeader(bytes)
    return header === undefined ? this.#corrupt(at) : this.#decode(at, bytes, header, offsetMs)
  }

  #decode(at: EntryAddress, bytes: Bytes, header: Header, offsetMs: number): Held | undefined {
    let value: unknown
    try {
      value = deepFreeze(decodeValue(header.codec, bytes, payloadStart(bytes)))
    } catch {
      return this.#corrupt(at) // foreign or damaged bytes are a miss, told by an event
    }
    const { createdMs, freshUntilMs, staleUntilMs, errorUntilMs } = timesIn(bytes, offsetMs)
    return { value, createdMs, freshUntilMs, staleUntilMs, errorUntilMs, tags: header.tags, bytes: bytes.length }
  }

  #corrupt(at: EntryAddress): undefined {
    this.#parts.tell({ type: 'corrupt', cache: at.cache, key: at.key })
    return undefined
  }
}
