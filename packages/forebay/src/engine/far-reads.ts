import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { decodeValue, deepFreeze } from '../core/codec.js'
import { type Header, openHeader, payloadStart } from '../core/envelope.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import type { Held } from './near.js'
import type { Ids } from './parts.js'
import type { Shards } from './shards.js'

export interface FarReadsParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
}

/** Reads one cache's entries from the far store. */
export class FarReads {
  readonly #plan: CachePlan
  readonly #parts: FarReadsParts

  constructor(plan: CachePlan, parts: FarReadsParts) {
    this.#plan = plan
    this.#parts = parts
  }

  /**
   * One plain read where the shard is proven by the node it goes to, and what is heard here suffices to judge the entry; else the checked
   * read. `away`: the far store cannot be used now.
   */
  async read(at: EntryAddress, nowMs: number): Promise<Held | 'miss' | 'away'> {
    const { far, shards } = this.#parts
    if (shards.away(at)) return 'away'
    const shard = shards.of(at)
    try {
      if (shards.proven(shard, nowMs, this.#plan.maxStalenessMs)) {
        const bytes = await far.get(at)
        if (bytes === undefined) return 'miss'
        const header = openHeader(bytes)
        const verdict = header === undefined ? 'invalid' : shard.view.judge(header, at.cache)
        if (header === undefined) this.#corrupt(at)
        else if (verdict === 'valid') return this.#decode(at, bytes, header, shard.offsetMs) ?? 'miss'
        if (verdict === 'invalid') return 'miss'
      }
      return (await this.check(at)) ?? 'miss'
    } catch (error) {
      if (!isAway(error)) throw error
      this.#parts.tell({ type: 'degraded', cache: at.cache, error })
      return 'away'
    }
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
    return {
      value,
      createdMs: header.createdMs - offsetMs,
      freshUntilMs: header.freshUntilMs - offsetMs,
      staleUntilMs: header.staleUntilMs - offsetMs,
      errorUntilMs: header.errorUntilMs - offsetMs,
      tags: header.tags,
      bytes: bytes.length,
    }
  }

  #corrupt(at: EntryAddress): undefined {
    this.#parts.tell({ type: 'corrupt', cache: at.cache, key: at.key })
    return undefined
  }
}
