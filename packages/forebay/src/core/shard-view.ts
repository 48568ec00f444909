import type { Header } from './envelope.js'
import {
  type EntryAddress,
  mostPatterns,
  type PatternStamp,
  type Position,
  type SyncAnswer,
  stampName,
  versionScope,
  wholeService,
} from './far-store.js'
import { firstNonce, type Notice, type Tidings } from './notice.js'
import { fits } from './pattern.js'
import { mostRecents, mostStamps, resendWindowMs } from './plan.js'

/** Counts what this process has heard. Memory obeys the order of arrival, never a comparison of numbers from two histories. */
export interface Arrivals {
  last: number
}

/** A notice heard, or an own write acknowledged, that a failover could still lose. */
interface Recent {
  readonly tidings: Tidings
  readonly seq: number
  readonly sinceMs: number
  /** Whether the chain has shown it. An own acknowledged write that it has passed without showing was lost. */
  heard: boolean
}

/** `known`: heard before. `gap`: something is missing before it, or it belongs to another history. */
export type Hearing = 'applied' | 'known' | 'gap'

/**
 * One shard as this process knows it: how far it has heard the chain of notices, which stamps that covers, and as of when it is proven
 * that nothing is missing. Decides whether an entry read from Redis by a plain read is valid.
 */
export class ShardView {
  readonly index: number
  /** The question that last proved this shard was sent at this own monotonic time, to this node. */
  provenAtMs = Number.NEGATIVE_INFINITY
  provenNode: string | undefined
  /** The arrival at which this shard's memory was last dropped. */
  droppedAt = 0
  #inc: string | undefined
  #seq = 0
  #head = ''
  #ackedSeq = 0
  #doubtedMs = Number.NEGATIVE_INFINITY
  #floor = 0
  #base = 0
  readonly #stamps = new Map<string, number>()
  readonly #clears = new Map<string, number>()
  readonly #patterns = new Map<string, PatternStamp[]>()
  readonly #nonces = new Map<number, string>()
  /** By the nonce under which each was first sent. */
  readonly #recents = new Map<string, Recent>()
  readonly #own = new Set<string>()

  constructor(index: number) {
    this.index = index
  }

  /** The incarnation known; `undefined` before the first sync. */
  get inc(): string | undefined {
    return this.#inc
  }

  get seq(): number {
    return this.#seq
  }

  /** The least seq that a truthful answer to a question sent now can show. */
  get leastSeq(): number {
    return Math.max(this.#seq, this.#ackedSeq)
  }

  /** Whether what Redis holds for this shard has been proven within `maxAgeMs` by the node that `node` names. */
  provenBy(node: string | undefined, nowMs: number, maxAgeMs: number): boolean {
    return node !== undefined && node === this.provenNode && nowMs - this.provenAtMs < maxAgeMs
  }

  /** Takes a notice in: moves along the chain if it is the next one. */
  hear(notice: Notice, nowMs: number): Hearing {
    if (notice.inc !== this.#inc) return 'gap'
    if (notice.seq <= this.#seq) return this.covers({ inc: notice.inc, seq: notice.seq, head: notice.nonce }) ? 'known' : 'gap'
    if (notice.seq !== this.#seq + 1 || notice.previous !== this.#head) return 'gap'
    this.#seq = notice.seq
    this.#head = notice.nonce
    this.#rememberNonce(notice.seq, notice.nonce)
    this.#stampFrom(notice, notice.seq)
    if (notice.kind !== 'filled')
      this.#remember(firstNonce(notice.nonce), { tidings: notice, seq: notice.seq, sinceMs: nowMs, heard: true })
    return 'applied'
  }

  /** Whether the chain as heard runs through this position. */
  covers(position: Position): boolean {
    if (position.inc !== this.#inc || position.seq > this.#seq) return false
    if (position.seq === this.#seq) return position.head === this.#head
    const nonce = this.#nonces.get(position.seq)
    return nonce === undefined || nonce === position.head
  }

  /**
   * Whether who stands at this position has everything that was known here when the least seq was `leastSeq`. The numbers alone do not say so:
   * after a failover that lost notices another history counts on. The nonce does, for each is written once and stands for all before it.
   */
  vouchesFor({ inc, seq, head }: Position, leastSeq: number): boolean {
    if (inc !== this.#inc || seq < leastSeq || seq > this.#seq) return false
    return (seq === this.#seq ? this.#head : this.#nonces.get(seq)) === head
  }

  /**
   * Whether a write's place in the history has been heard, nonce and all. `perhaps`: it lies further back than what is known by name, so
   * it may as well belong to a history that has since taken the place of the one heard.
   */
  heardWrite(inc: string, seq: number, nonce: string): 'heard' | 'perhaps' | 'no' {
    if (seq < 0 || !this.covers({ inc, seq, head: nonce })) return 'no'
    return seq === this.#seq || this.#nonces.has(seq) ? 'heard' : 'perhaps'
  }

  /** A proof asked for since has shown that this is still the history in which the write has its place. */
  confirmWrite(seq: number, nonce: string): void {
    if (seq < this.#seq) this.#rememberNonce(seq, nonce)
  }

  /** Starts anew from a sync: everything known before is forgotten. */
  adopt(answer: SyncAnswer): void {
    this.#inc = answer.inc
    this.#seq = answer.seq
    this.#head = answer.head
    this.#ackedSeq = answer.seq
    this.#floor = answer.floor
    this.#clears.clear()
    for (const [scope, seq] of answer.clears) this.#clears.set(scope, seq)
    this.#patterns.clear()
    for (const [cache, stamps] of answer.patterns) this.#patterns.set(cache, [...stamps])
    this.#stamps.clear()
    for (const [name, seq] of answer.stamps.toReversed()) this.#stamps.set(name, seq)
    const oldest = answer.stamps.at(-1)?.[1] ?? answer.seq
    this.#base = answer.moreStamps ? oldest : answer.floor
    this.#nonces.clear()
    this.#own.clear()
  }

  /**
   * Whether an entry read by a plain read may be used. `unknown`: it belongs to another incarnation, or is older than the stamps known
   * here; only the shard itself can tell.
   */
  judge(header: Header, at: Pick<EntryAddress, 'cache' | 'version' | 'key'>): 'valid' | 'invalid' | 'unknown' {
    if (header.inc !== this.#inc) return 'unknown'
    const { epoch, tags } = header
    const { cache } = at
    if (this.#clearedSince(epoch, at) || this.#patternSince(epoch, at)) return 'invalid'
    if (tags.length === 0) return 'valid'
    if (epoch < this.#floor) return 'invalid'
    for (const tag of tags) {
      if ((this.#stamps.get(stampName(cache, tag)) ?? 0) > epoch) return 'invalid'
      if ((this.#stamps.get(stampName(wholeService, tag)) ?? 0) > epoch) return 'invalid'
    }
    return epoch < this.#base ? 'unknown' : 'valid'
  }

  #clearedSince(epoch: number, { cache, version }: Pick<EntryAddress, 'cache' | 'version'>): boolean {
    if (this.#clears.size === 0) return false
    const clears = this.#clears
    const scopes = [cache, wholeService, versionScope(cache, version)]
    return scopes.some((scope) => (clears.get(scope) ?? 0) > epoch)
  }

  #patternSince(epoch: number, { cache, key }: Pick<EntryAddress, 'cache' | 'key'>): boolean {
    const stamps = this.#patterns.get(cache) ?? []
    return stamps.some(([seq, parts]) => seq > epoch && fits(parts, key))
  }

  /** An own write is about to be sent: its notice will be no news, for memory is cleaned at the send and at the answer. */
  sending(nonce: string): void {
    this.#own.add(nonce)
  }

  /** An own write was not answered: should it be executed all the same, its notice is news like any other. */
  unanswered(nonce: string): void {
    this.#own.delete(nonce)
  }

  /** An own write was acknowledged at this position. */
  acknowledged(position: Position, tidings: Tidings, nowMs: number): void {
    // The answer comes from another history than the one heard: nothing proven about that one holds here.
    if (position.inc !== this.#inc || (position.seq <= this.#seq && !this.covers(position))) this.doubt(nowMs)
    if (position.inc !== this.#inc) return
    this.#ackedSeq = Math.max(this.#ackedSeq, position.seq)
    this.#stampFrom(tidings, position.seq)
    const nonce = firstNonce(position.head)
    if (!this.#recents.has(nonce)) this.#remember(nonce, { tidings, seq: position.seq, sinceMs: nowMs, heard: false })
  }

  /** Whether a notice is of an own write that has been sent and not given up; true once. */
  takeOwn(nonce: string): boolean {
    return this.#own.delete(nonce)
  }

  /** A question sent at `sentMs` proved everything up to here. Answers the own acknowledged writes that the chain has passed without showing. */
  proven(sentMs: number, node: string): Map<string, Tidings> {
    if (sentMs >= this.#doubtedMs) {
      this.provenAtMs = sentMs
      this.provenNode = node
    }
    const lost = new Map<string, Tidings>()
    for (const [nonce, recent] of this.#recents) {
      if (recent.heard) {
        if (recent.sinceMs <= sentMs - resendWindowMs) this.#recents.delete(nonce)
      } else if (recent.sinceMs < sentMs && recent.seq <= this.#seq) {
        this.#recents.delete(nonce)
        lost.set(nonce, recent.tidings)
      }
    }
    return lost
  }

  /** After a broken chain: of what was heard or acknowledged lately, that which the log no longer shows. */
  takeLost(present: ReadonlySet<string>): Map<string, Tidings> {
    const shown = new Set([...present].map(firstNonce))
    const lost = new Map<string, Tidings>()
    for (const [nonce, recent] of this.#recents) if (!shown.has(nonce)) lost.set(nonce, recent.tidings)
    for (const nonce of lost.keys()) this.#recents.delete(nonce)
    for (const recent of this.#recents.values()) recent.heard = true
    return lost
  }

  get hasRecents(): boolean {
    return this.#recents.size > 0
  }

  /** Forgets that anything was proven, and does not believe answers to questions sent before. */
  doubt(nowMs: number): void {
    this.provenAtMs = Number.NEGATIVE_INFINITY
    this.#doubtedMs = nowMs
  }

  /** As the shard does: the same pattern again takes the older one's place, and one too many makes them a clear. */
  #stampPattern(cache: string, seq: number, parts: readonly string[]): void {
    const name = JSON.stringify(parts)
    const stamps = (this.#patterns.get(cache) ?? []).filter((known) => JSON.stringify(known[1]) !== name)
    stamps.push([seq, parts])
    if (stamps.length <= mostPatterns) return void this.#patterns.set(cache, stamps)
    this.#patterns.delete(cache)
    this.#clears.set(cache, Math.max(seq, this.#clears.get(cache) ?? 0))
  }

  #remember(nonce: string, recent: Recent): void {
    this.#recents.delete(nonce)
    this.#recents.set(nonce, recent)
    dropFirst(this.#recents, mostRecents)
  }

  #rememberNonce(seq: number, nonce: string): void {
    this.#nonces.set(seq, nonce)
    dropFirst(this.#nonces, mostRecents)
  }

  #stampFrom(tidings: Tidings, seq: number): void {
    if (tidings.kind === 'clear') this.#clears.set(tidings.scope, Math.max(seq, this.#clears.get(tidings.scope) ?? 0))
    if (tidings.kind === 'pattern') this.#stampPattern(tidings.scope, seq, tidings.parts)
    if (tidings.kind !== 'tags') return
    for (const tag of tidings.tags) {
      const name = stampName(tidings.scope, tag)
      const known = this.#stamps.get(name) ?? 0
      this.#stamps.delete(name)
      this.#stamps.set(name, Math.max(seq, known))
    }
    const forgotten = dropFirst(this.#stamps, mostStamps)
    if (forgotten !== undefined) this.#base = Math.max(this.#base, forgotten)
  }
}

/** Drops the longest-standing items of a map down to its bound; answers the last value dropped. */
function dropFirst<K, V>(map: Map<K, V>, most: number): V | undefined {
  let dropped: V | undefined
  for (const [key, value] of map) {
    if (map.size <= most) break
    map.delete(key)
    dropped = value
  }
  return dropped
}
