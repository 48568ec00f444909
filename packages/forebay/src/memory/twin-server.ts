import type { Bytes } from '../core/bytes.js'
import type { Extension } from '../core/envelope.js'
import { ForebayError } from '../core/errors.js'
import type {
  AcquireAnswer,
  AcquireRequest,
  CheckAnswer,
  EntryAddress,
  ExtendAnswer,
  FillAnswer,
  FillRequest,
  HeadsAnswer,
  LeaseRequest,
  Position,
  ReplayRequest,
  ReplicaAnswer,
  StampRequest,
  SweepRequest,
  SyncAnswer,
  SyncRequest,
  WriteAnswer,
  WriteRequest,
} from '../core/far-store.js'
import { type Notice, tidingsOf } from '../core/notice.js'
import { fits } from '../core/pattern.js'
import { TwinEntries } from './twin-entries.js'
import { TwinKeys, whole } from './twin-keys.js'
import { addressOf, isIn, nameOf } from './twin-names.js'
import { TwinShard } from './twin-shard.js'
import { type TwinListener, TwinShards } from './twin-shards.js'

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
  readonly #shards: TwinShards
  readonly #entries: TwinEntries
  readonly #leases: TwinKeys<Lease>

  constructor(options: TwinServerOptions, origin?: TwinServer) {
    this.runId = options.runId
    this.marks = origin?.marks ?? new Map()
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
    const mark = (outcome: string) => this.#mark(outcome)
    const shards = origin ? origin.#shards.copies(mark) : Array.from({ length: options.shards }, () => new TwinShard(mark))
    this.#shards = new TwinShards(shards, mark)
    this.#entries = new TwinEntries(this.#maxBytes, this.#shards, mark)
    this.#leases = new TwinKeys(Number.POSITIVE_INFINITY, () => 1)
    if (origin === undefined) return
    origin.#entries.keys.copyInto(this.#entries.keys)
    origin.#leases.copyInto(this.#leases)
  }

  get shards(): number {
    return this.#shards.count
  }

  /** A replica as of now: it holds what this server holds, and hears nothing more. */
  clone(runId: string): TwinServer {
    const replica = new TwinServer({ runId, shards: this.shards, maxBytes: this.#maxBytes }, this)
    replica.writable = false
    return replica
  }

  /** A shard moves here from another server, with all that it holds. */
  adopt(shard: number, from: TwinServer): void {
    this.#shards.adopt(shard, from.#shards)
    this.#entries.keys.adopt(from.#entries.keys, isIn(shard))
    this.#leases.adopt(from.#leases, isIn(shard))
    from.#evictAll(shard)
  }

  /** Tells `listener` every notice from now on; the answer ends it. */
  listen(listener: TwinListener): () => void {
    return this.#shards.listen(listener)
  }

  get(at: EntryAddress, nowMs: number): Bytes | undefined {
    const bytes = this.#entries.read(at, nowMs)
    this.#mark(bytes ? 'get:bytes' : 'get:none')
    return bytes
  }

  /** A plain read together with the shard's position, as a replica is asked for it. */
  placedGet(at: EntryAddress, nowMs: number): ReplicaAnswer {
    return { position: this.#shards.of(at.shard).position, bytes: this.get(at, nowMs) }
  }

  check(at: EntryAddress, request: { readonly newInc: string }, nowMs: number): CheckAnswer {
    return this.#act(() => {
      this.#shards.of(at.shard).ensure(request.newInc)
      const bytes = this.#entries.valid(at, nowMs)?.bytes
      this.#mark(bytes ? 'check:entry' : 'check:none')
      return { nowMs, bytes }
    })
  }

  acquire(at: EntryAddress, request: AcquireRequest, nowMs: number): AcquireAnswer {
    return this.#act(() => {
      const position = this.#shards.of(at.shard).ensure(request.newInc)
      const entry = this.#entries.valid(at, nowMs)
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
      const { inc, seq } = this.#shards.admit(at, request.token) ?? position
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
      const shard = this.#shards.of(at.shard)
      this.#leases.drop(nameOf(at))
      shard.mendStamps()
      const ours = lease.seq === seq
      const kept =
        ours && this.#shards.judge({ inc, epoch: seq, tags: value.tags }, at) && !this.#entries.isOutdated(value.version, at, nowMs)
      if (kept && !this.full) this.#entries.store(at, { inc, epoch: seq, value }, nowMs)
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
      this.#shards.of(at.shard).mendStamps()
      const times = this.#entries.extend(at, request, nowMs)
      return times && { nowMs, ...times }
    })
  }

  /** In every version the lease goes first, which refuses a load under way; what must go of the entry goes before anything is added. */
  write(at: EntryAddress, request: WriteRequest, nowMs: number): WriteAnswer {
    return this.#act(() => {
      const lease = this.#leases.read(nameOf(at), nowMs)
      this.#mark(`write:${request.kind}${lease ? ':leased' : ''}`)
      const everywhere = this.#shards.inEveryVersion(at)
      if (everywhere.length > 1) this.#mark(`write:${request.kind}:versions`)
      for (const one of everywhere) this.#leases.drop(nameOf(one))
      this.#shards.of(at.shard).ensure(request.newInc)
      const stored = request.kind === 'set' && this.#mayStore(at, { held: lease, ...request }, nowMs)
      for (const one of everywhere) {
        if (request.kind === 'stale') this.#entries.endFreshness(one, nowMs)
        else this.#entries.drop(one)
      }
      if (stored) this.#shards.admit(at, `${request.nonce}+`)
      const { cache, key } = at
      const position = this.#shards.announce(at.shard, { kind: request.kind === 'stale' ? 'stale' : 'key', cache, key }, request.nonce)
      if (stored) this.#entries.store(at, { inc: position.inc, epoch: position.seq, value: request.value }, nowMs)
      return { stored, ...position }
    })
  }

  stamp(shard: number, request: StampRequest): Position {
    return this.#act(() => {
      const state = this.#shards.of(shard)
      state.ensure(request.newInc)
      const tidings = tidingsOf(request)
      const position = this.#shards.announce(shard, tidings, request.nonce)
      this.#mark(`stamp:${tidings.kind}`)
      if (tidings.kind === 'pattern') state.stampPattern(tidings.scope, tidings.parts)
      else if (tidings.kind === 'tags') state.stampTags(tidings.scope, tidings.tags)
      else state.stampClear(request.scope)
      return position
    })
  }

  sync(shard: number, { newInc, stamps, withLog }: SyncRequest, nowMs: number): SyncAnswer {
    return this.#act(() => {
      const state = this.#shards.of(shard)
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
        const position = this.#shards.of(shard).position
        this.#mark(position ? 'ask:position' : 'ask:missing')
        if (position) positions.set(shard, position)
      }
      return { node: this.runId, nowMs, positions, elsewhere: new Set() }
    })
  }

  replay(shard: number, { afterSeq, limit }: ReplayRequest): readonly Notice[] {
    const { log } = this.#shards.of(shard)
    const heard = log.filter((notice) => notice.seq > afterSeq)
    this.#mark(heard.length === 0 ? 'replay:nothing' : heard.length > limit ? 'replay:cut' : 'replay:all')
    return heard.slice(0, limit)
  }

  /** The names of all entries in these shards, for `sweep`. */
  entryNames(shards: readonly number[]): readonly string[] {
    return this.#entries.keys.names().filter((name) => shards.includes(addressOf(name).shard))
  }

  /** Deletes of these entries those that are sought and not valid; answers how many. */
  sweep(names: readonly string[], { cache, parts, newInc }: Omit<SweepRequest, 'pause'>, nowMs: number): number {
    const sought = names.map(addressOf).filter((at) => at.cache === cache && (parts.length === 0 || fits(parts, at.key)))
    const living = sought.filter((at) => this.#entries.read(at, nowMs) !== undefined)
    const deleted = living.filter((at) => this.check(at, { newInc }, nowMs).bytes === undefined).length
    this.#mark(deleted > 0 ? 'sweep:deleted' : 'sweep:nothing')
    return deleted
  }

  /** Loses a part of a shard, as memory pressure on the server would. Entries and leases go alone (`at`), or all of the shard's. */
  evict(kind: 'meta' | 'stamps' | 'log' | 'entry' | 'lease', shard: number, at?: EntryAddress | undefined): void {
    if (kind === 'entry') this.#evictKeys(this.#entries.keys, shard, at)
    else if (kind === 'lease') this.#evictKeys(this.#leases, shard, at)
    else this.#shards.of(shard).lose(kind)
  }

  /** Loses everything, as `FLUSHALL` or a restart without a disk would. */
  flush(): void {
    for (let shard = 0; shard < this.shards; shard++) this.#evictAll(shard)
  }

  #evictAll(shard: number): void {
    for (const kind of ['meta', 'stamps', 'log', 'entry', 'lease'] as const) this.evict(kind, shard)
  }

  #evictKeys(keys: Pick<TwinKeys<unknown>, 'drop' | 'dropWhere'>, shard: number, at: EntryAddress | undefined): void {
    if (at === undefined) keys.dropWhere(isIn(shard))
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
      this.#shards.ring()
    }
  }

  #outOfMemory(act: string): ForebayError {
    this.#mark(`${act}:full`)
    return new ForebayError('E_REDIS_REFUSED', "OOM command not allowed when used memory > 'maxmemory'.")
  }

  /** Whether a set stores its value: there is room, the lease under which alone it may is still held, and nothing newer is there. */
  #mayStore(at: EntryAddress, set: SetRequest & { readonly held: Lease | undefined }, nowMs: number): boolean {
    if (this.full) return this.#refuseSet('full')
    const { lease, held } = set
    if (lease !== undefined && (lease.token !== held?.token || lease.seq !== held.seq)) return this.#refuseSet('lease')
    if (lease !== undefined && !this.#shards.judge({ inc: lease.inc, epoch: lease.seq, tags: set.value.tags }, at))
      return this.#refuseSet('epoch')
    if (this.#entries.isOutdated(set.value.version, at, nowMs)) return this.#refuseSet('version')
    this.#mark('set:stored')
    return true
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

  /** Whoever waits for the end of this lease is told. */
  #wake(at: EntryAddress, lease: Lease, nonce: string): void {
    if (lease.waitedFor) this.#shards.announceFilled(at, nonce)
  }

  #mark(outcome: string): void {
    this.marks.set(outcome, (this.marks.get(outcome) ?? 0) + 1)
  }
}
