import type { Bytes } from '../core/bytes.js'
import {
  type Envelope,
  endFreshness,
  endlessMs,
  extendFreshness,
  type Extension,
  openEnvelope,
  sealEnvelope,
  timesIn,
} from '../core/envelope.js'
import { ForebayError } from '../core/errors.js'
import {
  type AcquireAnswer,
  type AcquireRequest,
  type CheckAnswer,
  type EntryAddress,
  type ExtendAnswer,
  type FillAnswer,
  type FillRequest,
  type HeadsAnswer,
  type LeaseRequest,
  type Position,
  type ReplayRequest,
  type ReplicaAnswer,
  type StampRequest,
  type StoredValue,
  type SweepRequest,
  type SyncAnswer,
  type SyncRequest,
  versionScope,
  type WriteAnswer,
  type WriteRequest,
} from '../core/far-store.js'
import { type Notice, type Tidings, tidingsOf } from '../core/notice.js'
import { fits } from '../core/pattern.js'
import { TwinKeys } from './twin-keys.js'
import { type Provenance, TwinShard } from './twin-shard.js'

/** Hears every notice, after the act that wrote it. */
export type TwinListener = (shard: number, notice: Notice) => void

export interface TwinServerOptions {
  readonly shards: number
  /** Names this run of this server, as Redis' `run_id` does. */
  readonly runId: string
  /** Room for entries; when it is full, the least recently used go. Metadata and leases are not counted and never go. */
  readonly maxBytes?: number | undefined
}

interface Lease {
  readonly token: string
  /** The shard's seq when it was given: a copy of the attempt that comes late, after an invalidation, brings back another lease. */
  readonly seq: number
  readonly waitedFor: boolean
}

type SetRequest = Extract<WriteRequest, { readonly kind: 'set' }>

/** An entry that the shard's history lets stand. */
type Found = Envelope & { readonly bytes: Bytes }

/** Keys and metadata of an entry cost about this much beside its bytes. */
const entryOverheadBytes = 120

/**
 * The far store's twin: all shards of one service, in memory. Each method is one atomic act with the time as an argument, and does exactly
 * what the Redis script of that name does; the conformance suite and the differential test hold the two together. It is shipped (a service
 * without Redis lives on it), and it is the server of the simulated worlds, hence the replicas, the read-only state and the evictions.
 */
export class TwinServer {
  readonly runId: string
  /** A replica or a demoted primary is not: it refuses every act but plain reads. */
  writable = true
  /**
   * Out of memory, with eviction off: new values are not taken. What frees memory, and the little that a fence adds, is, so that no
   * invalidation fails for want of room.
   */
  full = false
  /** How often each outcome occurred, so that a test can tell what it has not tried. Clones count into the same map. */
  readonly marks: Map<string, number>
  readonly #maxBytes: number
  readonly #shards: TwinShard[]
  readonly #entries: TwinKeys<Bytes>
  readonly #leases: TwinKeys<Lease>
  readonly #listeners = new Set<TwinListener>()
  #unheard: [shard: number, notice: Notice][] = []

  constructor(options: TwinServerOptions, origin?: TwinServer) {
    this.runId = options.runId
    this.marks = origin?.marks ?? new Map()
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
    this.#entries = new TwinKeys(this.#maxBytes, (name, bytes) => bytes.length + 2 * name.length + entryOverheadBytes)
    this.#leases = new TwinKeys(Number.POSITIVE_INFINITY, () => 1)
    const mark = (outcome: string) => this.#mark(outcome)
    this.#shards = origin
      ? origin.#shards.map((shard) => shard.clone(mark))
      : Array.from({ length: options.shards }, () => new TwinShard(mark))
    if (origin === undefined) return
    origin.#entries.copyInto(this.#entries)
    origin.#leases.copyInto(this.#leases)
  }

  get shards(): number {
    return this.#shards.length
  }

  /** A replica as of now: it holds what this server holds, and hears nothing more. */
  clone(runId: string): TwinServer {
    const replica = new TwinServer({ runId, shards: this.shards, maxBytes: this.#maxBytes }, this)
    replica.writable = false
    return replica
  }

  /** A shard moves here from another server, with all that it holds. */
  adopt(shard: number, from: TwinServer): void {
    const its = (name: string) => name.startsWith(`${shard}:`)
    this.#shards[shard] = from.#shard(shard).clone((outcome) => this.#mark(outcome))
    this.#entries.adopt(from.#entries, its)
    this.#leases.adopt(from.#leases, its)
    for (const kind of ['meta', 'stamps', 'log', 'entry', 'lease'] as const) from.evict(kind, shard)
  }

  /** Tells `listener` every notice from now on; the answer ends it. */
  listen(listener: TwinListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get(at: EntryAddress, nowMs: number): Bytes | undefined {
    const bytes = this.#entries.read(nameOf(at), nowMs)
    this.#mark(bytes ? 'get:bytes' : 'get:none')
    return bytes
  }

  /** A plain read together with the shard's position, as a replica is asked for it. */
  placedGet(at: EntryAddress, nowMs: number): ReplicaAnswer {
    return { position: this.#shard(at.shard).position, bytes: this.get(at, nowMs) }
  }

  check(at: EntryAddress, request: { readonly newInc: string }, nowMs: number): CheckAnswer {
    return this.#act(() => {
      this.#shard(at.shard).ensure(request.newInc)
      const bytes = this.#validEntry(at, nowMs)?.bytes
      this.#mark(bytes ? 'check:entry' : 'check:none')
      return { nowMs, bytes }
    })
  }

  acquire(at: EntryAddress, request: AcquireRequest, nowMs: number): AcquireAnswer {
    return this.#act(() => {
      const position = this.#shard(at.shard).ensure(request.newInc)
      const entry = this.#validEntry(at, nowMs)
      if (entry && !request.force && entry.freshUntilMs > nowMs + Math.round(request.soonMs ?? 0)) {
        this.#mark('acquire:entry')
        return { kind: 'entry', nowMs, bytes: entry.bytes }
      }
      if (this.full) throw this.#outOfMemory('acquire')
      const bytes = entry?.bytes
      this.#mark(bytes ? 'acquire:with-stale' : 'acquire:without-stale')
      const lease = this.#leases.read(nameOf(at), nowMs)
      if (lease && !request.force && lease.token !== request.takeover) return this.#wait(at, lease, { nowMs, bytes })
      this.#mark(lease ? `acquire:${request.force ? 'forced' : 'taken-over'}${lease.waitedFor ? ':waited-for' : ''}` : 'acquire:lease')
      const { inc, seq } = this.#admit(at, request.token) ?? position
      const taken = { token: request.token, seq, waitedFor: lease?.waitedFor ?? false }
      this.#leases.store(nameOf(at), taken, nowMs + whole(request.leaseMs), nowMs)
      return { kind: 'lease', nowMs, inc, seq, bytes }
    })
  }

  fill(at: EntryAddress, { token, nonce, inc, seq, value }: FillRequest, nowMs: number): FillAnswer {
    return this.#act(() => {
      const lease = this.#ownLease(at, token, nowMs)
      if (lease === undefined) {
        this.#mark('fill:refused:lease')
        return { kind: 'refused', why: 'lease' }
      }
      const shard = this.#shard(at.shard)
      this.#leases.drop(nameOf(at))
      shard.mendStamps()
      const ours = lease.seq === seq
      const kept = ours && this.#judge({ inc, epoch: seq, tags: value.tags }, at) && !this.#outdated(value.version, at, nowMs)
      if (kept && !this.full) this.#store(at, { inc, epoch: seq, value }, nowMs)
      this.#wake(at, lease, nonce)
      if (kept && this.full) throw this.#outOfMemory('fill')
      this.#mark(kept ? 'fill:stored' : `fill:refused:${ours ? 'epoch' : 'another-lease'}`)
      return kept ? { kind: 'stored', nowMs } : { kind: 'refused', why: ours ? 'epoch' : 'lease' }
    })
  }

  release(at: EntryAddress, { token, nonce }: LeaseRequest, nowMs: number): void {
    this.#act(() => {
      const lease = this.#ownLease(at, token, nowMs)
      this.#mark(lease ? 'release:ours' : 'release:not-ours')
      if (lease === undefined) return
      this.#leases.drop(nameOf(at))
      this.#wake(at, lease, nonce)
    })
  }

  renew(at: EntryAddress, { token, leaseMs }: LeaseRequest & { readonly leaseMs: number }, nowMs: number): boolean {
    return this.#act(() => {
      const ours = this.#ownLease(at, token, nowMs) !== undefined
      this.#mark(ours ? 'renew:ours' : 'renew:not-ours')
      if (ours) this.#leases.prolong(nameOf(at), nowMs + whole(leaseMs))
      return ours
    })
  }

  extend(at: EntryAddress, request: Extension, nowMs: number): ExtendAnswer | undefined {
    return this.#act(() => {
      const shard = this.#shard(at.shard)
      shard.mendStamps()
      const entry = shard.position && this.#validEntry(at, nowMs)
      const wanted = { freshMs: Math.round(request.freshMs), maxAgeMs: Math.round(request.maxAgeMs) }
      const extended = entry && extendFreshness(entry.bytes, nowMs, wanted)
      this.#mark(extended === undefined ? `extend:${entry ? 'not-fresh' : 'none'}` : extended.byMs > 0 ? 'extend:prolonged' : 'extend:kept')
      if (extended === undefined) return undefined
      const name = nameOf(at)
      this.#entries.replace(name, extended.bytes)
      this.#entries.prolong(name, nowMs + this.#entries.remainingMs(name, nowMs) + extended.byMs)
      return { nowMs, ...timesIn(extended.bytes, 0) }
    })
  }

  /** In every version the lease goes first, which refuses a load under way; what must go of the entry goes before anything is added. */
  write(at: EntryAddress, request: WriteRequest, nowMs: number): WriteAnswer {
    return this.#act(() => {
      const lease = this.#leases.read(nameOf(at), nowMs)
      this.#mark(`write:${request.kind}${lease ? ':leased' : ''}`)
      const everywhere = this.#inEveryVersion(at)
      if (everywhere.length > 1) this.#mark(`write:${request.kind}:versions`)
      for (const one of everywhere) this.#leases.drop(nameOf(one))
      this.#shard(at.shard).ensure(request.newInc)
      const stored = request.kind === 'set' && this.#mayStore(at, { ...request, held: lease }, nowMs)
      for (const one of everywhere) {
        if (request.kind === 'stale') this.#endFreshness(one, nowMs)
        else this.#entries.drop(nameOf(one))
      }
      if (stored) this.#admit(at, `${request.nonce}+`)
      const { cache, key } = at
      const position = this.#announce(at.shard, { kind: request.kind === 'stale' ? 'stale' : 'key', cache, key }, request.nonce)
      if (stored) this.#store(at, { inc: position.inc, epoch: position.seq, value: request.value }, nowMs)
      return { ...position, stored }
    })
  }

  stamp(shard: number, request: StampRequest): Position {
    return this.#act(() => {
      const state = this.#shard(shard)
      state.ensure(request.newInc)
      const tidings = tidingsOf(request)
      const position = this.#announce(shard, tidings, request.nonce)
      this.#mark(`stamp:${tidings.kind}`)
      if (tidings.kind === 'pattern') state.stampPattern(tidings.scope, tidings.parts)
      else if (tidings.kind === 'tags') state.stampTags(tidings.scope, tidings.tags)
      else state.stampClear(request.scope)
      return position
    })
  }

  sync(shard: number, { newInc, stamps, withLog }: SyncRequest, nowMs: number): SyncAnswer {
    return this.#act(() => {
      const state = this.#shard(shard)
      const position = state.ensure(newInc)
      const moreStamps = state.stampCount > stamps
      this.#mark(moreStamps ? 'sync:more-stamps' : 'sync:all-stamps')
      return {
        ...position,
        node: this.runId,
        nowMs,
        floor: state.floor,
        clears: state.clears,
        patterns: state.patterns,
        stamps: state.newestStamps(stamps),
        moreStamps,
        nonces: withLog ? state.log.map((notice) => notice.nonce) : [],
      }
    })
  }

  ask(shards: readonly number[], nowMs: number): HeadsAnswer {
    return this.#act(() => {
      const positions = new Map<number, Position>()
      for (const shard of shards) {
        const position = this.#shard(shard).position
        this.#mark(position ? 'ask:position' : 'ask:missing')
        if (position) positions.set(shard, position)
      }
      return { node: this.runId, nowMs, positions, elsewhere: new Set() }
    })
  }

  replay(shard: number, { afterSeq, limit }: ReplayRequest): readonly Notice[] {
    const { log } = this.#shard(shard)
    const heard = log.filter((notice) => notice.seq > afterSeq)
    this.#mark(heard.length === 0 ? 'replay:nothing' : heard.length > limit ? 'replay:cut' : 'replay:all')
    return heard.slice(0, limit)
  }

  /** The names of all entries in these shards, for `sweep`. */
  entryNames(shards: readonly number[]): readonly string[] {
    return this.#entries.names().filter((name) => shards.includes(addressOf(name).shard))
  }

  /** Deletes of these entries those that are sought and not valid; answers how many. */
  sweep(names: readonly string[], { cache, parts, newInc }: Omit<SweepRequest, 'pause'>, nowMs: number): number {
    const sought = names.map(addressOf).filter((at) => at.cache === cache && (parts.length === 0 || fits(parts, at.key)))
    const living = sought.filter((at) => this.#entries.read(nameOf(at), nowMs) !== undefined)
    const deleted = living.filter((at) => this.check(at, { newInc }, nowMs).bytes === undefined).length
    this.#mark(deleted > 0 ? 'sweep:deleted' : 'sweep:nothing')
    return deleted
  }

  /** Loses a part of a shard, as memory pressure on the server would. Entries and leases go alone (`at`), or all of the shard's. */
  evict(kind: 'meta' | 'stamps' | 'log' | 'entry' | 'lease', shard: number, at?: EntryAddress | undefined): void {
    if (kind === 'entry') this.#evictKeys(this.#entries, shard, at)
    else if (kind === 'lease') this.#evictKeys(this.#leases, shard, at)
    else this.#shard(shard).lose(kind)
  }

  /** Loses everything, as `FLUSHALL` or a restart without a disk would. */
  flush(): void {
    this.#shards.forEach((_, shard) => {
      for (const kind of ['meta', 'stamps', 'log', 'entry', 'lease'] as const) this.evict(kind, shard)
    })
  }

  #evictKeys(keys: Pick<TwinKeys<unknown>, 'drop' | 'dropWhere'>, shard: number, at: EntryAddress | undefined): void {
    if (at === undefined) keys.dropWhere((name) => name.startsWith(`${shard}:`))
    else keys.drop(nameOf(at))
  }

  #act<T>(act: () => T): T {
    if (!this.writable) {
      this.#mark('refused:read-only')
      throw new ForebayError('E_REDIS_REFUSED', "READONLY You can't write against a read only replica.")
    }
    try {
      return act()
    } finally {
      this.#ring()
    }
  }

  #ring(): void {
    const unheard = this.#unheard
    this.#unheard = []
    for (const [shard, notice] of unheard) for (const listener of this.#listeners) listener(shard, notice)
  }

  #outOfMemory(act: string): ForebayError {
    this.#mark(`${act}:full`)
    return new ForebayError('E_REDIS_REFUSED', "OOM command not allowed when used memory > 'maxmemory'.")
  }

  #shard(shard: number): TwinShard {
    const state = this.#shards[shard]
    if (state === undefined) throw new RangeError(`There is no shard ${shard}.`)
    return state
  }

  /** The entry, if the shard's history lets it stand; one that it voids is dropped. */
  #validEntry(at: EntryAddress, nowMs: number): Found | undefined {
    const bytes = this.#entries.read(nameOf(at), nowMs)
    if (bytes === undefined) return undefined
    const envelope = openEnvelope(bytes)
    if (envelope && this.#judge(envelope, at)) return { ...envelope, bytes }
    this.#entries.drop(nameOf(at))
    return undefined
  }

  #judge(provenance: Provenance, at: EntryAddress): boolean {
    const verdict = this.#shard(at.shard).judge(provenance, at)
    this.#mark(`valid:${verdict === 'valid' && provenance.tags.length > 0 ? 'valid-tagged' : verdict}`)
    return verdict === 'valid'
  }

  /** The address in its own version, and in the others that the shard knows. */
  #inEveryVersion(at: EntryAddress): readonly EntryAddress[] {
    const others = this.#shard(at.shard)
      .versionsOf(at.cache)
      .filter((version) => version !== at.version)
    return [at, ...others.map((version) => ({ ...at, version }))]
  }

  /** Makes the version known before anything is stored under it; answers the position if another had to be cleared for it. */
  #admit({ shard, cache, version }: EntryAddress, nonce: string): Position | undefined {
    const state = this.#shard(shard)
    const oldest = state.admit(cache, version)
    if (oldest === undefined) return undefined
    this.#mark('version:pushed-out')
    const scope = versionScope(cache, oldest)
    const position = this.#announce(shard, { kind: 'clear', scope }, nonce)
    state.stampClear(scope)
    return position
  }

  /** Whether a set stores its value: there is room, the lease under which alone it may is still held, and nothing newer is there. */
  #mayStore(at: EntryAddress, set: SetRequest & { readonly held: Lease | undefined }, nowMs: number): boolean {
    if (this.full) return this.#refuseSet('full')
    const { lease, held } = set
    if (lease !== undefined && (lease.token !== held?.token || lease.seq !== held.seq)) return this.#refuseSet('lease')
    if (lease !== undefined && !this.#judge({ inc: lease.inc, epoch: lease.seq, tags: set.value.tags }, at)) return this.#refuseSet('epoch')
    if (this.#outdated(set.value.version, at, nowMs)) return this.#refuseSet('version')
    this.#mark('set:stored')
    return true
  }

  /** Whether a value of this version would replace a valid entry of a higher one. */
  #outdated(version: number, at: EntryAddress, nowMs: number): boolean {
    if (version === 0) return false
    const standing = this.#validEntry(at, nowMs)?.version ?? 0
    this.#mark(`version:${standing === 0 ? 'first' : standing > version ? 'lower' : 'not-lower'}`)
    return standing > version
  }

  #refuseSet(why: string): false {
    this.#mark(`set:refused:${why}`)
    return false
  }

  #wait(at: EntryAddress, lease: Lease, found: { readonly nowMs: number; readonly bytes: Bytes | undefined }): AcquireAnswer {
    this.#mark(lease.waitedFor ? 'acquire:wait:again' : 'acquire:wait')
    this.#leases.replace(nameOf(at), { ...lease, waitedFor: true })
    return { kind: 'wait', holder: lease.token, remainingMs: this.#leases.remainingMs(nameOf(at), found.nowMs), ...found }
  }

  #ownLease(at: EntryAddress, token: string, nowMs: number): Lease | undefined {
    const lease = this.#leases.read(nameOf(at), nowMs)
    return lease?.token === token ? lease : undefined
  }

  #store(at: EntryAddress, loaded: { readonly inc: string; readonly epoch: number; readonly value: StoredValue }, nowMs: number): void {
    const { inc, epoch, value } = loaded
    const freshUntilMs = Math.min(nowMs + whole(value.freshMs), endlessMs)
    const isEndless = freshUntilMs === endlessMs
    if (isEndless) this.#mark('stored:endless')
    const envelope: Envelope = {
      codec: value.codec,
      createdMs: nowMs,
      freshUntilMs,
      staleUntilMs: freshUntilMs + Math.round(value.staleMs),
      errorUntilMs: freshUntilMs + Math.round(value.errorMs),
      inc,
      epoch,
      costMs: Math.round(value.costMs),
      extendMs: value.extendMs,
      version: value.version,
      tags: value.tags,
      payload: value.payload,
    }
    const keptUntilMs = Math.max(envelope.staleUntilMs, envelope.errorUntilMs, freshUntilMs + Math.round(value.keepMs))
    this.#entries.store(nameOf(at), sealEnvelope(envelope), isEndless ? Number.POSITIVE_INFINITY : keptUntilMs, nowMs)
  }

  #endFreshness(at: EntryAddress, nowMs: number): void {
    const bytes = this.#entries.read(nameOf(at), nowMs)
    const ended = bytes && endFreshness(bytes, nowMs)
    if (ended) this.#entries.replace(nameOf(at), ended)
  }

  /** Whoever waits for the end of this lease is told. */
  #wake(at: EntryAddress, lease: Lease, nonce: string): void {
    if (!lease.waitedFor) return
    const shard = this.#shard(at.shard)
    shard.mendStamps()
    const notice = shard.announce({ kind: 'filled', cache: at.cache, key: at.key }, nonce)
    this.#mark(notice ? 'wake:told' : 'wake:no-shard')
    if (notice) this.#unheard.push([at.shard, notice])
  }

  #announce(shard: number, tidings: Tidings, nonce: string): Position {
    const notice = this.#shard(shard).announce(tidings, nonce)
    if (notice === undefined) throw new RangeError(`Shard ${shard} has no history to tell this in.`)
    this.#unheard.push([shard, notice])
    return { inc: notice.inc, seq: notice.seq, head: notice.nonce }
  }

  #mark(outcome: string): void {
    this.marks.set(outcome, (this.marks.get(outcome) ?? 0) + 1)
  }
}

/** Lengths first, so that no two addresses share a name whatever characters they hold. */
function nameOf({ shard, cache, version, key }: EntryAddress): string {
  return `${shard}:${cache.length}:${version.length}:${cache}${version}${key}`
}

function addressOf(name: string): EntryAddress {
  const [head = '', shard = '', cacheLength = '', versionLength = ''] = /^(\d+):(\d+):(\d+):/.exec(name) ?? []
  const versionAt = head.length + Number(cacheLength)
  const keyAt = versionAt + Number(versionLength)
  return { shard: Number(shard), cache: name.slice(head.length, versionAt), version: name.slice(versionAt, keyAt), key: name.slice(keyAt) }
}

/** Redis takes whole milliseconds, at least one. */
function whole(ms: number): number {
  return Math.max(1, Math.round(ms))
}
