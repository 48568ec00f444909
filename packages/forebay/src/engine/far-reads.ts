import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { codecFor, decodeValue } from '../core/codec.js'
import { openHeader, payloadStart } from '../core/envelope.js'
import { ForebayError, isAway } from '../core/errors.js'
import type { CorruptReason, ForebayEvent, Tell } from '../core/events.js'
import type { CheckAnswer, EntryAddress, FarStore } from '../core/far-store.js'
import { splitValidator } from '../core/validator.js'
import type { CachePlan } from '../core/plan.js'
import { keptBytes, toKeep } from '../core/kept-value.js'
import { FarEntry } from './far-entry.js'
import type { HotKeys } from './hot-keys.js'
import type { Held } from './held.js'
import type { Near } from './near.js'
import type { Ids } from './parts.js'
import type { Payloads, Unpacked } from './payloads.js'
import type { Reading, Registration } from './registry.js'
import type { ReplicaReads } from './replica-reads.js'
import { readmit } from './schemas.js'
import type { Shards } from './shards.js'

export interface FarReadsParts {
  readonly far: FarStore
  /** Where reads may go to replicas. */
  readonly replicas: ReplicaReads | undefined
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
  readonly hotKeys: HotKeys
  readonly payloads: Payloads
  readonly near: Near
}

/** An entry in own monotonic time; or none; or the far store cannot be used now. */
export type Found = Held | 'miss' | 'away'

/** What a shard has found when it was asked, and its server's time. */
type Answered = Pick<CheckAnswer, 'bytes' | 'nowMs'>

/** A promise only where a large value is decompressed aside: on the path of a hit in the far store a promise more would be felt. */
type Soon<T> = T | Promise<T>

/** Reads one cache's entries from the far store. */
export class FarReads {
  readonly #plan: CachePlan
  readonly #parts: FarReadsParts
  /** Of whom it has been told that what he found cannot be read: he may meet the same bytes twice. */
  readonly #told = new WeakSet<Registration>()

  constructor(plan: CachePlan, parts: FarReadsParts) {
    this.#plan = plan
    this.#parts = parts
  }

  /** A whole read: a plain one where that suffices, else the checked one. */
  async read(at: EntryAddress, registration: Registration): Promise<Found> {
    const bytes = this.plain(at, registration)
    if (bytes === undefined) return this.ask(at, registration)
    try {
      return (await this.judge(at, await bytes, registration)) ?? (await this.ask(at, registration))
    } catch (error) {
      return this.failed(at, error)
    }
  }

  /** The plain read, if it may be trusted: where the shard is proven by the node that it goes to. */
  plain(at: EntryAddress, registration: Registration): Promise<Bytes | undefined> | undefined {
    const { far, replicas } = this.#parts
    if (this.#mayBePlain(at, registration)) return replicas === undefined ? far.get(at) : replicas.read(at)
    return replicas && this.#withoutPrimary(replicas, at, registration)
  }

  /** The primary is out of reach, and has proven the shard before that, lately: until that is too long ago, a replica may stand in for it. */
  #withoutPrimary(replicas: ReplicaReads, at: EntryAddress, registration: Registration): Promise<Bytes | undefined> | undefined {
    const { shards } = this.#parts
    const shard = shards.of(at)
    if (!shards.provenWithoutPrimary(shard, registration.startedMs, this.#plan.maxStalenessMs)) return undefined
    registration.trueAsOfMs = shard.view.provenAtMs
    return replicas.instead(at)
  }

  #mayBePlain(at: EntryAddress, registration: Registration): boolean {
    const { shards, hotKeys } = this.#parts
    hotKeys.saw(at.key)
    const shard = shards.of(at)
    if (!shards.mayReadPlainly(shard, registration.startedMs, this.#plan.maxStalenessMs)) return false
    // Of group fences, only those up to the proof are known here.
    registration.trueAsOfMs = shard.view.provenAtMs
    return true
  }

  /** What a plain read has brought; `undefined` if what is heard here does not suffice to judge it, so that the shard must be asked. */
  judge(at: EntryAddress, bytes: Bytes | undefined, registration?: Registration): Soon<Held | 'miss'> | undefined {
    if (bytes === undefined) return this.#inMemory(at) ?? 'miss'
    const shard = this.#parts.shards.of(at)
    const header = openHeader(bytes)
    if (header === undefined) return this.#corrupt(at, 'header', registration) ?? 'miss'
    const verdict = shard.view.judge(header, at)
    if (verdict !== 'valid') return verdict === 'invalid' ? 'miss' : undefined
    const held = this.#decode(at, new FarEntry(bytes, header, shard.offsetMs), registration)
    return held instanceof Promise ? held.then((found) => found ?? 'miss') : (held ?? 'miss')
  }

  /** The checked read, if the shard can be asked. */
  async ask(at: EntryAddress, registration?: Registration): Promise<Found> {
    if (registration !== undefined) registration.trueAsOfMs = registration.startedMs
    if (this.#parts.shards.away(at)) return 'away'
    try {
      return (await this.check(at, registration)) ?? 'miss'
    } catch (error) {
      return this.failed(at, error)
    }
  }

  /** Many whole reads: those that may be plain go together. */
  async readMany(ats: readonly EntryAddress[], reading: Reading): Promise<readonly Found[]> {
    this.#parts.hotKeys.sawAll(ats)
    const isPlain = this.#plainShards(reading)
    const plain = ats.filter(isPlain)
    if (plain.length === ats.length) return this.#readPlain(ats)
    const others = ats.filter((at) => !isPlain(at))
    const [brought, checked] = await Promise.all([
      plain.length === 0 ? [] : this.#readPlain(plain),
      Promise.all(others.map((at) => this.ask(at))),
    ])
    const [nextPlain, nextChecked] = [brought.values(), checked.values()]
    return ats.map((at) => (isPlain(at) ? nextPlain : nextChecked).next().value as Found)
  }

  async #readPlain(ats: readonly EntryAddress[]): Promise<readonly Found[]> {
    const brought = await this.#parts.far.getMany(ats)
    let whole = true
    const found = ats.map((at, i) => {
      const one = this.#judgeOneOfMany(at, brought[i])
      if (one instanceof Promise) whole = false
      return one
    })
    return whole ? (found as Found[]) : Promise.all(found)
  }

  #judgeOneOfMany(at: EntryAddress, bytes: Bytes | undefined | ForebayError): Soon<Found> {
    if (bytes instanceof ForebayError) return this.failed(at, bytes)
    return this.judge(at, bytes) ?? this.ask(at)
  }

  /** Which of the shards may be read plainly: each is looked at once. */
  #plainShards(reading: Reading): (at: EntryAddress) => boolean {
    const { shards } = this.#parts
    const known: (boolean | undefined)[] = []
    const look = (at: EntryAddress): boolean => {
      const shard = shards.of(at)
      if (!shards.mayReadPlainly(shard, reading.startedMs, this.#plan.maxStalenessMs)) return false
      reading.trueAsOfMs = Math.min(reading.trueAsOfMs, shard.view.provenAtMs)
      return true
    }
    return (at) => {
      const isPlain = known[at.shard] ?? look(at)
      known[at.shard] = isPlain
      return isPlain
    }
  }

  /** What a failed read means: the far store is away. Any other error is thrown again. */
  failed(at: EntryAddress, error: unknown): 'away' {
    if (!isAway(error)) throw error
    this.#parts.tell({ type: 'degraded', cache: at.cache, error })
    return 'away'
  }

  /** The checked read: the shard itself says whether the entry is valid. */
  async check(at: EntryAddress, registration?: Registration): Promise<Held | undefined> {
    const sentMs = this.#parts.clock.now()
    const answer = await this.#parts.far.check(at, { newInc: this.#parts.ids.incarnation() })
    return this.old(at, answer, sentMs, registration)
  }

  /** The valid entry that a shard has found, or what stands for it in the only process's memory; `undefined` if there is none to be read. */
  old(at: EntryAddress, found: Answered, sentMs: number, registration?: Registration): Soon<Held | undefined> {
    if (found.bytes !== undefined) return this.open(at, found.bytes, found.nowMs - sentMs, registration)
    return this.#inMemory(at)
  }

  /** What came into memory since it was looked at, where that is the only place. */
  #inMemory(at: EntryAddress): Held | undefined {
    const { far, near, clock } = this.#parts
    return far.alone && near.held(at.key, clock.now())
  }

  /** Opens bytes that the shard has found valid; `undefined` if they cannot be read. `offsetMs`: server time less own time. */
  open(at: EntryAddress, bytes: Bytes, offsetMs: number, registration?: Registration): Soon<Held | undefined> {
    const header = openHeader(bytes)
    if (header === undefined) return this.#corrupt(at, 'header', registration)
    return this.#decode(at, new FarEntry(bytes, header, offsetMs), registration)
  }

  #decode(at: EntryAddress, entry: FarEntry, registration: Registration | undefined): Soon<Held | undefined> {
    const { codec } = entry.header
    const { payloads } = this.#parts
    if (!payloads.isPacked(codec))
      return this.#held(at, entry, { codec, bytes: entry.envelope, from: payloadStart(entry.envelope) }, registration)
    const whole = (unpacked: Unpacked | CorruptReason): Held | undefined =>
      typeof unpacked === 'string' ? this.#corrupt(at, unpacked, registration) : this.#held(at, entry, unpacked, registration)
    const unpacked = payloads.unpack(at, entry.envelope)
    return unpacked instanceof Promise ? unpacked.then(whole) : whole(unpacked)
  }

  #held(at: EntryAddress, entry: FarEntry, { codec, bytes, from }: Unpacked, registration: Registration | undefined): Held | undefined {
    try {
      const validated = splitValidator(codec, bytes, from)
      const own = validated?.codec ?? codec
      const value = decodeValue(own, bytes, validated?.from ?? from, this.#plan.codecs)
      const readmitted = this.#plan.schema && readmit(this.#plan, value)
      if (readmitted === undefined) entry.value = toKeep(value, own, this.#plan)
      else if ('value' in readmitted) entry.value = toKeep(readmitted.value, codecFor(readmitted.value), this.#plan)
      else return this.#unreadable({ type: 'schema-mismatch', ...nameOf(at), place: readmitted.place }, registration)
      entry.validator = validated?.validator
    } catch {
      return this.#corrupt(at, 'value', registration) // foreign or damaged bytes are a miss, told by an event
    }
    if (this.#plan.memory !== undefined) entry.bytes = keptBytes(entry.value)
    return entry
  }

  #corrupt(at: EntryAddress, why: CorruptReason, registration: Registration | undefined): undefined {
    return this.#unreadable({ type: 'corrupt', ...nameOf(at), why }, registration)
  }

  #unreadable(event: ForebayEvent, registration: Registration | undefined): undefined {
    if (registration !== undefined && this.#told.has(registration)) return undefined
    if (registration !== undefined) this.#told.add(registration)
    this.#parts.tell(event)
    return undefined
  }
}

function nameOf({ cache, key }: EntryAddress): { readonly cache: string; readonly key: string } {
  return { cache, key }
}
