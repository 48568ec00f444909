import { mostPatterns, type PatternStamp, type Position, stampName, versionScope, wholeService } from '../core/far-store.js'
import { noNotice, type Notice, type Tidings } from '../core/notice.js'
import { fits } from '../core/pattern.js'

/** Most tag stamps that a shard keeps; the one pushed out raises the floor. */
export const stampLimit = 8192
/** A shard's log keeps at least this many notices, and, like a Redis stream, drops old ones a hundred at a time. */
export const logLimit = 4096
const logSlack = 100
/** Most versions of a cache that a shard knows; the oldest of more is cleared. */
const mostVersions = 4

/** What decides whether an entry may be served: the incarnation and epoch of its load, and its tags. */
export interface Provenance {
  readonly inc: string
  readonly epoch: number
  readonly tags: readonly string[]
}

/** Where an entry stands in its shard. */
export interface Place {
  readonly cache: string
  readonly version: string
  readonly key: string
}

export type Verdict =
  | 'valid'
  | 'incarnation'
  | 'cleared-cache'
  | 'cleared-service'
  | 'cleared-version'
  | 'pattern'
  | 'floor'
  | 'tag-cache'
  | 'tag-service'

interface Meta {
  readonly inc: string
  seq: number
  head: string
  floor: number
  readonly clears: Map<string, number>
  /** Of each cache, oldest first. */
  readonly patterns: Map<string, readonly PatternStamp[]>
  /** Of each cache that has any, newest last. */
  readonly versions: Map<string, readonly string[]>
}

/**
 * One shard's metadata. Each of its three parts (meta, stamps, log) is one key in Redis, so each can be lost alone: lost meta is a new
 * incarnation, which voids everything; lost stamps raise the floor, which voids what is tagged; a lost log shows as a gap in the chain.
 */
export class TwinShard {
  #meta: Meta | undefined
  /** Tag stamps, oldest first; `undefined` = lost (in Redis: the set without its sentinel). */
  #stamps: Map<string, number> | undefined
  #log: Notice[] = []
  readonly #mark: (outcome: string) => void

  constructor(mark: (outcome: string) => void) {
    this.#mark = mark
  }

  get position(): Position | undefined {
    return this.#meta && { inc: this.#meta.inc, seq: this.#meta.seq, head: this.#meta.head }
  }

  get floor(): number {
    return this.#meta?.floor ?? 0
  }

  get clears(): ReadonlyMap<string, number> {
    return new Map(this.#meta?.clears)
  }

  get patterns(): ReadonlyMap<string, readonly PatternStamp[]> {
    return new Map(this.#meta?.patterns)
  }

  get log(): readonly Notice[] {
    return this.#log
  }

  get stampCount(): number {
    return this.#stamps?.size ?? 0
  }

  /** The newest stamps, newest first. */
  newestStamps(limit: number): (readonly [name: string, seq: number])[] {
    const stamps = [...(this.#stamps ?? [])]
    return stamps.slice(Math.max(0, stamps.length - limit)).reverse()
  }

  /** The prelude of most acts: makes the metadata that is missing. */
  ensure(newInc: string): Position {
    if (this.#meta === undefined) {
      this.#mark('ensure:new')
      this.#meta = { inc: newInc, seq: 0, head: noNotice, floor: 0, clears: new Map(), patterns: new Map(), versions: new Map() }
      this.#stamps = new Map()
      this.#log = []
    } else this.mendStamps()
    return { inc: this.#meta.inc, seq: this.#meta.seq, head: this.#meta.head }
  }

  /** Where the stamps were lost, no entry from before may be trusted in its tags. */
  mendStamps(): void {
    if (this.#meta === undefined || this.#stamps !== undefined) return
    this.#mark('ensure:sentinel')
    this.#meta.floor = this.#meta.seq
    this.#stamps = new Map()
  }

  /** Appends a notice to the chain; `undefined` where there is no shard to tell it in. */
  announce(tidings: Tidings, nonce: string): Notice | undefined {
    const meta = this.#meta
    if (meta === undefined) return undefined
    meta.seq += 1
    const notice: Notice = { inc: meta.inc, seq: meta.seq, nonce, previous: meta.head, ...tidings }
    meta.head = nonce
    this.#log.push(notice)
    if (this.#log.length >= logLimit + logSlack) {
      this.#mark('log:trimmed')
      this.#log.splice(0, logSlack)
    }
    return notice
  }

  /** The known versions of a cache, newest last. A cache without versions has the empty one. */
  versionsOf(cache: string): readonly string[] {
    return this.#meta?.versions.get(cache) ?? ['']
  }

  /** Makes a version known; answers the one that has to be cleared for it. */
  admit(cache: string, version: string): string | undefined {
    const known = this.versionsOf(cache)
    if (known.includes(version)) return undefined
    this.#mark('version:admitted')
    const [oldest, ...others] = [...known, version]
    const excess = others.length >= mostVersions
    this.#meta?.versions.set(cache, excess ? others : [...known, version])
    return excess ? oldest : undefined
  }

  stampClear(scope: string): void {
    this.#meta?.clears.set(scope, this.#meta.seq)
  }

  /** The same pattern again counts from its last stamp; too many become a clear. */
  stampPattern(scope: string, parts: readonly string[]): void {
    const meta = this.#meta
    if (meta === undefined) return
    const stood = meta.patterns.get(scope) ?? []
    const others = stood.filter(([, otherParts]) => !sameTexts(otherParts, parts))
    if (others.length < stood.length) this.#mark('stamp:pattern:again')
    if (others.length < mostPatterns) meta.patterns.set(scope, [...others, [meta.seq, [...parts]]])
    else {
      this.#mark('stamp:pattern:overflow')
      meta.patterns.delete(scope)
      this.stampClear(scope)
    }
  }

  /** Stamps tags with the present seq. Sorted first, so that the map's order is that of a Redis sorted set: by seq, then by bytes. */
  stampTags(scope: string, tags: readonly string[]): void {
    const { seq } = this.#meta ?? { seq: 0 }
    const names = tags.map((tag) => stampName(scope, tag))
    for (const name of names.sort(byBytes)) {
      this.#stamps?.delete(name)
      this.#stamps?.set(name, seq)
    }
    this.#pushOldStampsOut()
  }

  /**
   * Whether an entry with this provenance may be served. An equal stamp does not void: the seq grows before it is stamped, so what was
   * loaded under that very seq began after the stamp.
   */
  judge({ inc, epoch, tags }: Provenance, { cache, version, key }: Place): Verdict {
    const meta = this.#meta
    if (meta === undefined || meta.inc !== inc) return 'incarnation'
    if ((meta.clears.get(cache) ?? 0) > epoch) return 'cleared-cache'
    if ((meta.clears.get(wholeService) ?? 0) > epoch) return 'cleared-service'
    if ((meta.clears.get(versionScope(cache, version)) ?? 0) > epoch) return 'cleared-version'
    if (meta.patterns.get(cache)?.some(([seq, parts]) => seq > epoch && fits(parts, key))) return 'pattern'
    if (tags.length === 0) return 'valid'
    if (epoch < meta.floor) return 'floor'
    const stamped = (scope: string) => tags.some((tag) => (this.#stamps?.get(stampName(scope, tag)) ?? 0) > epoch)
    if (stamped(cache)) return 'tag-cache'
    return stamped(wholeService) ? 'tag-service' : 'valid'
  }

  /** Loses one part, as eviction would. */
  lose(part: 'meta' | 'stamps' | 'log'): void {
    if (part === 'meta') this.#meta = undefined
    else if (part === 'stamps') this.#stamps = undefined
    else this.#log = []
  }

  clone(mark: (outcome: string) => void): TwinShard {
    const copy = new TwinShard(mark)
    copy.#meta = this.#meta && {
      ...this.#meta,
      clears: new Map(this.#meta.clears),
      patterns: new Map(this.#meta.patterns),
      versions: new Map(this.#meta.versions),
    }
    copy.#stamps = this.#stamps && new Map(this.#stamps)
    copy.#log = [...this.#log]
    return copy
  }

  #pushOldStampsOut(): void {
    const meta = this.#meta
    if (meta === undefined || this.#stamps === undefined) return
    for (const [name, seq] of this.#stamps) {
      if (this.#stamps.size <= stampLimit) return
      this.#mark('stamp:overflow')
      this.#stamps.delete(name)
      meta.floor = Math.max(meta.floor, seq)
    }
  }
}

function sameTexts(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, i) => text === others[i])
}

/** The order of UTF-8 bytes, which is not that of JavaScript's UTF-16 units. */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
