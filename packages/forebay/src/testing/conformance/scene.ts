import assert from 'node:assert/strict'
import type { Bytes } from '../../core/bytes.js'
import { type Envelope, openEnvelope } from '../../core/envelope.js'
import type {
  AcquireAnswer,
  AcquireRequest,
  EntryAddress,
  FarStore,
  FillAnswer,
  Position,
  ReplayRequest,
  StoredValue,
  SyncAnswer,
  WriteAnswer,
  GivenLease,
} from '../../core/far-store.js'
import type { Notice } from '../../core/notice.js'

/** What a far store lays before the conformance suite: two clients of one empty service with at least two shards, and power over it. */
export interface ConformanceWorld {
  readonly store: FarStore
  readonly store2: FarStore
  /** Returns when the service's own time has moved on by at least this much. */
  advance(ms: number): Promise<void>
  /** Loses one key of a shard, as memory pressure would. */
  evict(kind: 'meta' | 'stamps' | 'log' | 'entry' | 'lease', shard: number, at?: EntryAddress | undefined): Promise<void>
  /** Full: out of memory, with eviction off. Read-only: a replica, or a demoted primary. */
  condition(state: 'well' | 'full' | 'read-only'): Promise<void>
  close(): Promise<void>
}

/** One rule of the far store's contract; `run` rejects where the store breaks it. Any test framework can run it. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/** A case before it knows its store. */
export type Rule = readonly [name: string, run: (scene: Scene) => Promise<void>]

/** A lease in somebody's hands. */
export interface Held {
  readonly token: string
  readonly inc: string
  readonly seq: number
  readonly bytes: Bytes | undefined
}

/** Spans are either so long that no test reaches their end, or so short that `advance(short)` passes it: real time is never measured. */
export const longMs = 600_000
export const shortMs = 20

/** Asks until a push has come, at most so often. */
const patience = 2_000

/** A world with the words in which the rules are told. Tokens and names are counted, never drawn. */
export class Scene {
  readonly world: ConformanceWorld
  readonly store: FarStore
  readonly other: FarStore
  /** The notices that each client was pushed, of shard 0. */
  readonly heard: Notice[] = []
  readonly heardByOther: Notice[] = []
  #names = 0

  constructor(world: ConformanceWorld) {
    this.world = world
    this.store = world.store
    this.other = world.store2
    assert.ok(this.store.shards >= 2, 'the suite needs two shards')
    this.store.onNotice((shard, notice) => void (shard === 0 && this.heard.push(notice)))
    this.other.onNotice((shard, notice) => void (shard === 0 && this.heardByOther.push(notice)))
  }

  /** Eight characters that no other name of this scene has. */
  name(letter: string): string {
    this.#names += 1
    return `${letter}${String(this.#names).padStart(7, '0')}`
  }

  async acquire(at: EntryAddress, request: Partial<AcquireRequest> = {}): Promise<AcquireAnswer> {
    return this.store.acquire(at, this.#request(request))
  }

  /** Takes the lease, which must be free, or given to this request. */
  async lease(at: EntryAddress, request: Partial<AcquireRequest> = {}): Promise<Held> {
    const full = this.#request(request)
    const answer = await this.store.acquire(at, full)
    assert.ok(answer.kind === 'lease', `expected a lease, got ${answer.kind}`)
    return { token: full.token, inc: answer.inc, seq: answer.seq, bytes: answer.bytes }
  }

  /** Asks for a lease that another holds. */
  async wait(at: EntryAddress, request: Partial<AcquireRequest> = {}) {
    const answer = await this.other.acquire(at, this.#request(request))
    assert.ok(answer.kind === 'wait', `expected to wait, got ${answer.kind}`)
    return answer
  }

  fill(at: EntryAddress, held: Held, stored: Partial<StoredValue> = {}): Promise<FillAnswer> {
    const { token, inc, seq } = held
    return this.store.fill(at, { token, inc, seq, nonce: this.name('n'), value: value(stored) })
  }

  /** A whole load: lease and fill, both of which must succeed. */
  async load(at: EntryAddress, stored: Partial<StoredValue> = {}): Promise<void> {
    const answer = await this.fill(at, await this.lease(at), stored)
    assert.equal(answer.kind, 'stored')
  }

  async release(at: EntryAddress, held: Held): Promise<void> {
    await this.store.release(at, { token: held.token, nonce: this.name('n') })
  }

  renew(at: EntryAddress, token: string, leaseMs: number): Promise<boolean> {
    return this.store.renew(at, { token, leaseMs, nonce: this.name('n') })
  }

  async invalidate(at: EntryAddress): Promise<Position> {
    const { stored, ...position } = await this.store.write(at, { kind: 'invalidate', nonce: this.name('n'), newInc: this.name('i') })
    assert.equal(stored, false)
    return position
  }

  async markStale(at: EntryAddress): Promise<Position> {
    const { stored, ...position } = await this.store.write(at, { kind: 'stale', nonce: this.name('n'), newInc: this.name('i') })
    assert.equal(stored, false)
    return position
  }

  /** Under a lease where one is given, else in any case. */
  set(at: EntryAddress, stored: Partial<StoredValue> = {}, lease?: GivenLease): Promise<WriteAnswer> {
    return this.store.write(at, { kind: 'set', nonce: this.name('n'), newInc: this.name('i'), value: value(stored), lease })
  }

  stamp(scope: string, tags: readonly string[], shard = 0): Promise<Position> {
    return this.store.stamp(shard, { nonce: this.name('n'), newInc: this.name('i'), scope, tags })
  }

  stampPattern(scope: string, parts: readonly string[], shard = 0): Promise<Position> {
    return this.store.stamp(shard, { nonce: this.name('n'), newInc: this.name('i'), scope, tags: [], parts })
  }

  sync(request: { readonly stamps?: number; readonly withLog?: boolean } = {}, shard = 0): Promise<SyncAnswer> {
    return this.store.sync(shard, { newInc: this.name('i'), stamps: 100, withLog: false, ...request })
  }

  replay(request: Partial<ReplayRequest> = {}, shard = 0): Promise<readonly Notice[]> {
    return this.store.replay(shard, { afterSeq: 0, limit: 10_000, ...request })
  }

  async ask(shard = 0, store = this.store) {
    const group = store.groups().find((candidate) => candidate.shards.includes(shard))
    assert.ok(group, `no group serves shard ${shard}`)
    return store.ask(group)
  }

  /** What a checked read sees, from the other client. */
  async checked(at: EntryAddress): Promise<Envelope | undefined> {
    return opened((await this.other.check(at, { newInc: this.name('i') })).bytes)
  }

  /** The payload that a checked read sees. */
  async served(at: EntryAddress): Promise<string | undefined> {
    const envelope = await this.checked(at)
    return envelope && textOf(envelope.payload)
  }

  async raw(at: EntryAddress): Promise<Envelope | undefined> {
    return opened(await this.other.get(at))
  }

  /** The kinds of all notices in the log. */
  async told(): Promise<string> {
    return (await this.replay()).map((notice) => notice.kind).join(' ')
  }

  /** Resolves when both clients have been pushed as many notices as that; rejects where a push was lost without cause. */
  async untilHeard(count: number): Promise<void> {
    for (let asked = 0; this.heard.length < count || this.heardByOther.length < count; asked++) {
      assert.ok(asked < patience, `expected ${count} pushes, got ${this.heard.length} and ${this.heardByOther.length}`)
      await this.ask()
      await this.ask(0, this.other)
    }
  }

  #request(request: Partial<AcquireRequest>): AcquireRequest {
    return { token: this.name('t'), newInc: this.name('i'), leaseMs: longMs, force: false, takeover: undefined, ...request }
  }
}

/** An address in shard 0. */
export function book(key = 'b42', cache = 'books'): EntryAddress {
  return { shard: 0, cache, version: '', key }
}

export function value(given: Partial<StoredValue> = {}): StoredValue {
  return {
    payload: payload('loaded'),
    codec: 0,
    tags: [],
    freshMs: longMs,
    staleMs: 0,
    errorMs: 0,
    keepMs: 0,
    extendMs: 0,
    costMs: 0,
    version: 0,
    ...given,
  }
}

export function payload(text: string): Bytes {
  return new TextEncoder().encode(text)
}

export function textOf(bytes: Bytes): string {
  return new TextDecoder().decode(bytes)
}

/** Reads an envelope that must be one; its payload as a plain array, so that it compares with any other. */
export function opened(bytes: Bytes | undefined): Envelope | undefined {
  if (bytes === undefined) return undefined
  const envelope = openEnvelope(bytes)
  assert.ok(envelope, 'the stored bytes are no envelope')
  return { ...envelope, payload: Uint8Array.from(envelope.payload) }
}
