import type { Bytes } from './bytes.js'
import type { Extension, Times } from './envelope.js'
import type { ForebayError } from './errors.js'
import type { Notice } from './notice.js'
import type { NodeStats } from './supervisor/node-state.js'

/**
 * The port to the far store: Redis, or its in-memory twin. Each method is one atomic act on one shard. An answer may be lost after the
 * act was done, so every method either repeats safely or carries a token made for this one attempt. A rejected promise is always a
 * `ForebayError` with a code `E_REDIS_…`, and tells nothing about whether the act happened.
 */
export interface FarStore {
  /** Number of shards of this service; fixed once `nodeOf` has answered for the first time. */
  readonly shards: number
  /** The node that readers of this shard may ask now, by its run id; `undefined` = no usable link, or it is given a rest. */
  nodeOf(shard: number): string | undefined
  /** The shards by the node that serves them: one question goes to one group. Never empty; a group without a link rejects its questions. */
  groups(): readonly ShardGroup[]
  /** Plain read of an entry's bytes: one command, perhaps shared with others. Proves nothing. */
  get(at: EntryAddress): Promise<Bytes | undefined>
  /** Plain reads of many, in their order, by few commands. Never rejects: a key whose read has failed has its error in its place. */
  getMany(ats: readonly EntryAddress[]): Promise<readonly (Bytes | undefined | ForebayError)[]>
  /** Checked read: refused by anything that is not a writing primary; answers an entry only if it is valid in the shard. */
  check(at: EntryAddress, request: { readonly newInc: string }): Promise<CheckAnswer>
  /** Miss: the valid and fresh entry, or the lease, or the wait for the one who holds it. */
  acquire(at: EntryAddress, request: AcquireRequest): Promise<AcquireAnswer>
  /** Stores what a load returned, if its lease and epoch still hold; drops the lease if it is ours; wakes waiters. */
  fill(at: EntryAddress, request: FillRequest): Promise<FillAnswer>
  /** Gives the lease up without a value and wakes waiters; nothing if the lease is not ours. */
  release(at: EntryAddress, request: LeaseRequest): Promise<void>
  /** Prolongs the lease if it is still ours. */
  renew(at: EntryAddress, request: LeaseRequest & { readonly leaseMs: number }): Promise<boolean>
  /**
   * Prolongs an entry that is valid and still fresh: its times, and its stay in the store. Nothing else of it changes, and one whose life
   * has a fixed end keeps that. Answers its times then; nothing where there is no such entry.
   */
  extend(at: EntryAddress, request: Extension): Promise<ExtendAnswer | undefined>
  /** One key's fence: drops the lease, then the entry (`invalidate`), its freshness (`stale`), or replaces it (`set`); then the notice. */
  write(at: EntryAddress, request: WriteRequest): Promise<WriteAnswer>
  /** A group's fence on one shard: the notice, then the stamps of the tags, or of the clear. */
  stamp(shard: number, request: StampRequest): Promise<Position>
  /** Where the shard stands: its position, its clears, its newest stamps. Creates what is missing. */
  sync(shard: number, request: SyncRequest): Promise<SyncAnswer>
  /**
   * A question to one group: the write check, then every shard's position. Tells where the history stands on a node that may write;
   * the notices themselves are pushed (`onNotice`), or fetched (`replay`) where the chain shows that a push was missed.
   */
  ask(group: ShardGroup): Promise<HeadsAnswer>
  /** The notices that the log still holds after `afterSeq`, oldest first, at most `limit`. */
  replay(shard: number, request: ReplayRequest): Promise<readonly Notice[]>
  /**
   * Frees the memory of entries that a group has voided: goes through the keys of a cache in small steps, and deletes what is not valid.
   * Not one act: it takes as long as it takes, ends early where the store is away, and never rejects for that. Answers how many it deleted.
   */
  sweep(request: SweepRequest): Promise<number>
  /** Where reads may also go to replicas. */
  readonly replicas?: Replicas | undefined
  /** What is wrong with the links now, where there are links. */
  linkErrors?(): readonly LinkError[]
  /** How each server is held, where there are servers. */
  nodes?(): readonly NodeStats[]
  /**
   * There is this process only. Each act is pushed to it while it happens, so memory always stands as the store does: it needs no proof, and
   * what it keeps need not be kept here as well (`StoredValue.elsewhere`).
   */
  readonly alone?: true | undefined
  /** Registers the one listener for pushed notices. Pushes may be lost, never altered; the chain shows the gap. */
  onNotice(listener: (shard: number, notice: Notice) => void): void
  /** Ends all links; what is under way is rejected. */
  close(): Promise<void>
}

/** The replicas of the shards' servers. They lag by a time that nobody knows, so an answer tells where in its history the shard stood there. */
export interface Replicas {
  readonly plan: ReplicaPlan
  /** A plain read at a replica, and the position of the shard there, both of one moment; `undefined` = none can be asked now. Proves nothing. */
  get(at: EntryAddress): Promise<ReplicaAnswer> | undefined
}

export interface ReplicaPlan {
  /** `hedge`: a replica is asked too where the primary is late. `prefer`: replicas are asked first. */
  readonly reads: 'hedge' | 'prefer'
  /** For how long the one asked first has the read alone; `undefined` = for as long as nearly all of its answers have taken lately. */
  readonly hedgeAfterMs: number | undefined
  /** The share of the reads that may be hedged. */
  readonly budget: number
}

export interface ReplicaAnswer {
  /** `undefined`: the replica has no metadata of the shard. */
  readonly position: Position | undefined
  readonly bytes: Bytes | undefined
}

/** A connection that cannot be used. */
export interface LinkError {
  /** `host:port`, or a socket's path. */
  readonly node: string
  /** What went wrong last, in the words of the server or the system. */
  readonly error: string
  /** How long it has not been usable. */
  readonly forMs: number
}

export interface ShardGroup {
  readonly id: string
  readonly shards: readonly number[]
}

/** Where an entry lives. `key` is the canonical key. */
export interface EntryAddress {
  readonly shard: number
  readonly cache: string
  /** The cache's version, '' where it has none: processes of different versions never read each other's entries. */
  readonly version: string
  readonly key: string
}

/** A place in a shard's history: the incarnation, the number of notices in it, and the nonce of the last one. */
export interface Position {
  readonly inc: string
  readonly seq: number
  readonly head: string
}

/** Lifetimes and description of a value to store; the store turns the spans into its own server times. */
export interface StoredValue {
  readonly payload: Bytes
  readonly codec: number
  readonly tags: readonly string[]
  /** Span of freshness, and the two stale windows, which both begin when it ends. `endlessMs` = none but a fence ends it, nor its stay. */
  readonly freshMs: number
  readonly staleMs: number
  readonly errorMs: number
  /** The span after freshness in which it is kept in any case, for a load that asks whether it has changed. */
  readonly keepMs: number
  /** The span by which its freshness may be extended; 0 = its life has a fixed end. */
  readonly extendMs: number
  /** What the load cost, 0 where unknown. */
  readonly costMs: number
  /** The value's version at its origin, 0 where it has none: a lower one never replaces a higher one. */
  readonly version: number
  /** Of a store that is `alone`: called in the act that stores it, when its notice has been heard; this is when memory takes it. */
  readonly onStored?: (() => void) | undefined
  /** Memory is the only place where it is kept: whether it may be is decided here as always. */
  readonly elsewhere?: boolean | undefined
}

export interface CheckAnswer {
  readonly nowMs: number
  readonly bytes: Bytes | undefined
}

export interface AcquireRequest {
  /** Made for this one attempt. */
  readonly token: string
  readonly leaseMs: number
  readonly newInc: string
  /** Take the lease whatever stands there: a caller wants a load that begins now. */
  readonly force: boolean
  /** Take the lease over if it is still this one, whose time is over. */
  readonly takeover: string | undefined
  /** An entry whose freshness ends within this time counts as no longer fresh. Default 0. */
  readonly soonMs?: number | undefined
  /** For so long its reader has waited already: there is less patience left. Default 0. */
  readonly waitedMs?: number | undefined
}

export type AcquireAnswer =
  | { readonly kind: 'entry'; readonly nowMs: number; readonly bytes: Bytes }
  /** `bytes`: a valid entry that is no longer fresh. */
  | { readonly kind: 'lease'; readonly nowMs: number; readonly inc: string; readonly seq: number; readonly bytes: Bytes | undefined }
  | {
      readonly kind: 'wait'
      readonly nowMs: number
      readonly holder: string
      readonly remainingMs: number
      readonly bytes: Bytes | undefined
    }

export interface ExtendAnswer extends Times {
  readonly nowMs: number
}

export interface LeaseRequest {
  readonly token: string
  /** Names the notice that wakes the waiters. */
  readonly nonce: string
}

export interface FillRequest extends LeaseRequest {
  readonly inc: string
  readonly seq: number
  readonly value: StoredValue
}

export type FillAnswer =
  | { readonly kind: 'stored'; readonly nowMs: number }
  /** `lease`: invalidated, taken over or expired meanwhile. `epoch`: the incarnation changed, or a tag or the cache was stamped. */
  | { readonly kind: 'refused'; readonly why: 'lease' | 'epoch' }

export type WriteRequest = { readonly nonce: string; readonly newInc: string } & (
  | { readonly kind: 'invalidate' | 'stale' }
  /** `lease`: store only if this lease is still held and no group's fence has come since it was given; else it is an invalidation. */
  | { readonly kind: 'set'; readonly value: StoredValue; readonly lease: GivenLease | undefined }
)

/** A lease as it was given: its token, and the shard's incarnation and seq at that moment. */
export interface GivenLease {
  readonly token: string
  readonly inc: string
  readonly seq: number
}

/** The position after a write's notice, and whether a `set` has stored its value or became an invalidation. */
export interface WriteAnswer extends Position {
  readonly stored: boolean
}

export interface StampRequest {
  readonly nonce: string
  readonly newInc: string
  /** A cache's name, or `*` for the whole service. */
  readonly scope: string
  /** Empty = clear, or the pattern. */
  readonly tags: readonly string[]
  /** The literals of a pattern over the cache's keys. */
  readonly parts?: readonly string[] | undefined
}

export interface SyncRequest {
  readonly newInc: string
  /** How many of the newest tag stamps to bring. */
  readonly stamps: number
  /** Whether to bring the nonces that stand in the log. */
  readonly withLog: boolean
}

export interface SyncAnswer extends Position {
  readonly node: string
  readonly nowMs: number
  /** Tagged entries older than this are not valid. */
  readonly floor: number
  /** All clear stamps: scope → seq. */
  readonly clears: ReadonlyMap<string, number>
  /** All pattern stamps: cache → seq and literals, oldest first. */
  readonly patterns: ReadonlyMap<string, readonly PatternStamp[]>
  /** The newest tag stamps, newest first: the stamped name (`stampName`) and its seq. */
  readonly stamps: readonly (readonly [name: string, seq: number])[]
  /** Whether there are older stamps than those. */
  readonly moreStamps: boolean
  /** The nonces that stand in the log, where asked for. */
  readonly nonces: readonly string[]
}

export type PatternStamp = readonly [seq: number, parts: readonly string[]]

export interface SweepRequest {
  readonly cache: string
  /** The literals of the pattern whose keys are looked at; none = all keys of the cache. */
  readonly parts: readonly string[]
  readonly newInc: string
  /** Awaited between the steps. */
  readonly pause: () => Promise<void>
}

/** Most pattern stamps of one cache and shard; with one more they become a clear. */
export const mostPatterns = 32

export interface ReplayRequest {
  readonly afterSeq: number
  readonly limit: number
}

export interface HeadsAnswer {
  readonly node: string
  readonly nowMs: number
  /** Per shard asked about; one that has no metadata is missing, and so is one that could not be asked here. */
  readonly positions: ReadonlyMap<number, Position>
  /** Shards that could not be asked here: moved away, or moving. Nothing is known of them, in particular not that they have lost anything. */
  readonly elsewhere: ReadonlySet<number>
}

/** The name under which a tag's stamp stands in a shard: the scope (a cache, or `*`), a line feed, the tag. */
export function stampName(scope: string, tag: string): string {
  return `${scope}\n${tag}`
}

/** The scope that covers one version of a cache. */
export function versionScope(cache: string, version: string): string {
  return `${cache}@${version}`
}

/** The scope that covers every cache of the service. */
export const wholeService = '*'
