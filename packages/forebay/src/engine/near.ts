import { isCopied, keptBytes } from '../core/kept-value.js'
import { endlessMs, type Times } from '../core/envelope.js'
import type { StaleReason } from '../core/events.js'
import type { FarStore } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import type { Arrivals, ShardView } from '../core/shard-view.js'
import { countUse, type NearEntry, type NearPage, type NearStore, noSlot, type OpenNearStore, pageMask } from '../core/near-store.js'
import type { Held } from './held.js'
import { type Aging, easyUntil } from './lifetimes.js'
import { NearDrops } from './near-drops.js'
import type { MemoryState } from './reports.js'
import { type Registration, mayKeep } from './registry.js'
import type { TagCell } from './tags.js'

/** Of a copy that may become worth an effort while it is fresh, what decides when. */
export interface Attended extends Aging {
  /** When its freshness ends in this memory. */
  readonly hereUntilMs: number
  /** No copy of it stays here longer. */
  readonly cappedMs: number
  /** When it was kept, or a little before. */
  readonly keptMs: number
  readonly bytes: number
  /** Since when its uses are counted, and how many there had been by then. */
  readonly sinceMs: number
  readonly usesBefore: number
  /** When its prolongation was last tried. */
  triedMs: number
}

/** What `fresh` gives where there is nothing: `undefined` may be a value. */
export const absent = Symbol('absent')

// Own bindings: the optimizing compiler takes them for constants, and fetches what was imported or is exported each time. A hit feels it.
const [none, nowhere, inPage] = [absent, noSlot, pageMask]

/** A copy that may be served, and how. `held`: the origin was asked for it in vain a moment ago. */
interface Found {
  readonly entry: NearCopy
  readonly state: 'fresh' | StaleReason
  readonly held: boolean
  /** Fresh, but perhaps worth an effort now. */
  readonly attended: Attended | undefined
}

interface NearCopy {
  readonly value: unknown
  readonly createdMs: number
}

type NearState = 'fresh' | StaleReason | undefined
type Tags = readonly TagCell[]
type Page = NearPage<Tags>
/** What a copy is and what its right to be served rests on, besides its lifetime. */
type Standing = Omit<NearEntry<Tags>, 'freshUntilMs' | 'staleUntilMs' | 'errorUntilMs' | 'bytes'>
/** Since when what is taken counts as heard of, as true, and as here. */
type Taken = Pick<Registration, 'key' | 'shard' | 'bornAt' | 'trueAsOfMs' | 'startedMs'>
type Life = Aging & Times & Pick<Held, 'bytes'>
type Stay = Pick<Attended, 'cappedMs' | 'keptMs' | 'sinceMs'>

export interface NearParts {
  readonly far: Pick<FarStore, 'alone'>
  readonly arrivals: Arrivals
  readonly openNearStore: OpenNearStore
  readonly isWelcome: ((key: string) => boolean) | undefined
}

/**
 * This process's memory of one cache, under the staleness contract. Besides its lifetime, a copy's right to be served rests on its shard,
 * on the arrival at which its flight was registered (whatever was dropped later concerns it), and on its tags.
 */
export class Near {
  readonly #plan: CachePlan
  /** There is one process only: all that happens is heard, so nothing needs a proof. */
  readonly #alone: boolean
  /** The contract; `NaN` where nothing needs a proof, so that no age is too old. */
  readonly #maxStalenessMs: number
  /** A use is only counted, where the store's policy has it so: a call less at each hit. */
  readonly #countsUses: boolean
  readonly #arrivals: Arrivals
  readonly #isWelcome: ((key: string) => boolean) | undefined
  readonly #store: NearStore<Tags>
  /** By index: copies know their shard by it. */
  #shards: ShardView[] = []
  readonly #drops: NearDrops
  /** `undefined`: every fresh copy needs nothing but to be served. */
  readonly #easyUntil: ((aging: Aging) => number) | undefined
  /** Those of the copies in the store whose `freshUntilMs` there is only the time until which a hit needs nothing but to be served. */
  readonly #attended = new Map<string, Attended>()
  /** Old values kept after a failed load: until then the origin is not asked again. Of copies that are in the store, and of few of these. */
  readonly #holdsMs = new Map<string, number>()
  #doubtedAt = 0
  /** Some of what `fresh` gives must go through `handOut`. */
  handsOutCopies = false

  /** `isWelcome`: which keys are kept; all, where it is missing. */
  constructor(plan: CachePlan, { far, arrivals, openNearStore, isWelcome }: NearParts) {
    this.#plan = plan
    this.#alone = far.alone === true
    this.#maxStalenessMs = this.#alone ? Number.NaN : plan.maxStalenessMs
    this.#countsUses = plan.memory?.policy === 's3fifo'
    this.#easyUntil = plan.sliding !== undefined || plan.earlyBeta > 0 ? (aging) => easyUntil(plan, aging) : undefined
    this.#arrivals = arrivals
    this.#drops = new NearDrops(arrivals)
    this.#isWelcome = isWelcome
    this.#store = openNearStore<Tags>(plan.memory ?? { maxEntries: 0, maxBytes: 0, policy: 's3fifo' }, (key, tags) => {
      if (this.#holdsMs.size > 0) this.#holdsMs.delete(key)
      if (this.#easyUntil !== undefined) this.#attended.delete(key)
      if (tags !== undefined) this.#drops.release(tags)
    })
  }

  get size(): { entries: number; bytes: number } {
    return { entries: this.#store.entries, bytes: this.#store.bytes }
  }

  takeEvicted(): number {
    return this.#store.takeEvicted()
  }

  /** What is kept under this key if it is fresh and may be served, else `absent`; the whole of a memory hit. */
  fresh(key: string, nowMs: number): unknown {
    const slot = this.#store.find(key)
    if (slot === nowhere) return none
    const page = this.#store.page(slot)
    const i = slot & inPage
    if (nowMs >= (page.freshUntilMs[i] as number)) return none
    const shard = this.#shards[page.shards[i] as number] as ShardView
    if (page.bornAt[i] !== this.#arrivals.last && !this.#catchUp(page, i, shard, key)) return none
    if (nowMs - shard.provenAtMs >= this.#maxStalenessMs && !this.#isYoung(page, i, nowMs)) return none
    if (this.#countsUses) countUse(page.uses, i)
    else this.#store.touch(slot)
    return page.values[i]
  }

  /** The copy under this key if it is fresh, and perhaps worth an effort. */
  attended(key: string, nowMs: number): NearCopy | undefined {
    if (this.#easyUntil === undefined) return undefined
    const found = this.find(key, nowMs, false)
    return found?.state === 'fresh' ? found.entry : undefined
  }

  /** The copy under this key, and how it may be served. `away`: Redis cannot be asked. */
  find(key: string, nowMs: number, away: boolean): Found | undefined {
    const slot = this.#store.find(key)
    if (slot === noSlot) return undefined
    const page = this.#store.page(slot)
    const i = slot & pageMask
    const shard = this.#shardOf(page, i)
    if (this.#wasDropped(page, i, shard, key)) {
      this.#store.delete(key)
      return undefined
    }
    const holdUntilMs = this.#holdsMs.get(key) ?? 0
    const attended = this.#attended.get(key)
    const hereUntilMs = attended?.hereUntilMs ?? (page.freshUntilMs[i] as number)
    const state = this.#isTrusted(page, i, shard, nowMs)
      ? stateOf(page, i, nowMs, { hereUntilMs, holdUntilMs })
      : this.#stateInDoubt(page, i, nowMs, away)
    if (state === undefined) return undefined
    this.#store.touch(slot)
    const entry = { value: page.values[i], createdMs: page.createdMs[i] as number }
    const isDue = state === 'fresh' && nowMs >= (page.freshUntilMs[i] as number)
    return { entry, state, held: nowMs < holdUntilMs, attended: isDue ? attended : undefined }
  }

  /** The fresh copy under this key, as the far store would give it; counts as no access. */
  held(key: string, nowMs: number): Held | undefined {
    const slot = this.#store.find(key)
    if (slot === noSlot) return undefined
    const page = this.#store.page(slot)
    const i = slot & pageMask
    if (this.#standing(page, i, { key, nowMs }) !== 'fresh') return undefined
    const freshUntilMs = this.#hereUntilMs(page, i, key)
    return {
      value: page.values[i],
      createdMs: page.createdMs[i] as number,
      freshUntilMs,
      staleUntilMs: freshUntilMs,
      errorUntilMs: freshUntilMs,
      tags: page.tags?.[i]?.map(({ name }) => name) ?? [],
      costMs: 0,
      extendMs: 0,
      version: 0,
      validator: undefined,
      bytes: keptBytes(page.values[i]),
    }
  }

  /** Whether a copy of this size has room here. */
  fits(key: string, bytes: number): boolean {
    return this.#isWelcome === undefined && this.#store.fits(key, bytes)
  }

  /** How the copy under this key stands, for `explain`; counts as no access. */
  describe(key: string, nowMs: number): MemoryState | undefined {
    const slot = this.#store.find(key)
    if (slot === noSlot) return undefined
    const page = this.#store.page(slot)
    const i = slot & pageMask
    const freshForMs = this.#hereUntilMs(page, i, key) - nowMs
    return { state: this.#standing(page, i, { key, nowMs }), ageMs: nowMs - (page.createdMs[i] as number), freshForMs }
  }

  #hereUntilMs(page: Page, i: number, key: string): number {
    return this.#attended.get(key)?.hereUntilMs ?? (page.freshUntilMs[i] as number)
  }

  #standing(page: Page, i: number, { key, nowMs }: { readonly key: string; readonly nowMs: number }): MemoryState['state'] {
    const shard = this.#shardOf(page, i)
    if (this.#wasDropped(page, i, shard, key)) return 'invalidated'
    if (!this.#isTrusted(page, i, shard, nowMs)) return 'unproven'
    const times = { hereUntilMs: this.#hereUntilMs(page, i, key), holdUntilMs: this.#holdsMs.get(key) ?? 0 }
    const state = stateOf(page, i, nowMs, times)
    return state === undefined ? 'expired' : state === 'fresh' ? 'fresh' : 'stale'
  }

  /** Keeps what was read, or loaded in an outage, unless something heard since its registration concerns it, or a newer value has come since. */
  keep(registration: Registration, held: Held, holdUntilMs = 0): void {
    if (!this.#mayKeep(registration, held)) return
    if (!this.#hasNewer(registration, held) && !this.#isFromHere(registration, held)) this.#take(registration, held)
    this.hold(registration.key, holdUntilMs)
  }

  /** The same for what was made here and has just been stored: whatever stands here is older, whenever a server's clock says that it was made. */
  keepStored(registration: Registration, held: Held): void {
    if (this.#mayKeep(registration, held)) this.#take(registration, held)
  }

  /**
   * Takes what a store that is alone has just stored: whatever was heard before is older, and whatever comes will be heard. `ownMs`: the
   * span by which `extend` prolongs it here, 0 where that is the store's. It stands in the column of the trust that nothing needs here.
   */
  keepNow(key: string, shard: ShardView, held: Held, ownMs: number): void {
    const { createdMs } = held
    this.#meet(shard)
    this.#take({ key, shard, bornAt: this.#arrivals.last, trueAsOfMs: createdMs, startedMs: createdMs }, held, ownMs)
  }

  #mayKeep(registration: Registration, { tags }: Held): boolean {
    const { shard, bornAt } = registration
    if (this.#plan.memory === undefined || !mayKeep(registration, tags) || bornAt < shard.droppedAt) return false
    this.#meet(shard)
    return bornAt >= this.#drops.allAt
  }

  #take({ key, shard, bornAt, trueAsOfMs, startedMs }: Taken, held: Held, ownMs = 0): void {
    if (this.#plan.memory === undefined) return
    if (this.#isWelcome !== undefined && !this.#isWelcome(key)) return this.drop(key) // what is there is older
    const { value, createdMs } = held
    const tags = this.#drops.take(held.tags)
    const trustedUntilMs = this.#alone ? createdMs + ownMs : trueAsOfMs + this.#plan.maxStalenessMs
    const standing = { key, value, shard: shard.index, bornAt, trustedUntilMs, createdMs, tags }
    this.#put(standing, held, { cappedMs: startedMs + this.#plan.memory.ttlMs, keptMs: startedMs, sinceMs: startedMs })
  }

  /** Whether it is the very copy that is here, as `held` has given it; its times may have changed since. */
  #isFromHere({ key }: Registration, { value, createdMs }: Held): boolean {
    const slot = this.#alone ? this.#store.find(key) : noSlot
    if (slot === noSlot) return false
    const page = this.#store.page(slot)
    const i = slot & pageMask
    return page.createdMs[i] === createdMs && Object.is(page.values[i], value)
  }

  /**
   * Whether the copy here is newer, and came while the flight was under way: a read that is slow to come back must not undo a forced load.
   * Two copies of one value may differ in age by a round trip, so what was there when the flight began, and was not good enough, goes.
   */
  #hasNewer({ key, shard, startedMs }: Registration, { createdMs }: Held): boolean {
    const slot = this.#store.find(key)
    if (slot === noSlot) return false
    const page = this.#store.page(slot)
    const i = slot & pageMask
    if (createdMs >= (page.createdMs[i] as number) || startedMs >= this.#hereUntilMs(page, i, key)) return false
    return this.#isTrusted(page, i, shard, startedMs) && !this.#wasDropped(page, i, shard, key)
  }

  /** What is known of the copy under this key that may become worth an effort; it names that copy for `prolong`. */
  attendedAt(key: string): Attended | undefined {
    return this.#attended.get(key)
  }

  /** How often the copy that was found has been used, in a span by which it is prolonged, since that was last done. */
  usesOf(key: string, { usesBefore, sinceMs, extendMs }: Attended, nowMs: number): number {
    const slot = this.#store.find(key)
    const uses = slot === noSlot ? 0 : this.#store.uses(slot) - usesBefore
    return uses * Math.min(1, extendMs / Math.max(1, nowMs - sinceMs))
  }

  /**
   * The copy has been given a longer life in the far store. What its right to be served rests on is not renewed: whatever would have
   * dropped it still does. Nothing happens if it is not the copy that was found.
   */
  prolong(key: string, found: Attended, times: Times): void {
    const slot = this.#store.find(key)
    if (slot === noSlot || this.#attended.get(key) !== found) return
    const page = this.#store.page(slot)
    const i = slot & pageMask
    const createdMs = page.createdMs[i] as number
    const standing = {
      key,
      value: page.values[i],
      shard: page.shards[i] as number,
      bornAt: page.bornAt[i] as number,
      trustedUntilMs: createdMs + (page.trustedForMs[i] as number),
      createdMs,
      tags: page.tags?.[i] && this.#drops.take(page.tags[i].map(({ name }) => name)),
    }
    this.#put(standing, { ...found, ...times, createdMs }, { ...found, sinceMs: Math.max(found.sinceMs, found.triedMs) })
  }

  /** Prolongs the freshness of a copy that is nowhere else, by this span or its own (0); false where there is no fresh one. */
  extend(key: string, byMs: number, nowMs: number): boolean {
    const slot = this.#store.find(key)
    if (slot === noSlot) return false
    const page = this.#store.page(slot)
    const i = slot & pageMask
    const ownMs = page.trustedForMs[i] as number
    if (ownMs === 0 || this.#standing(page, i, { key, nowMs }) !== 'fresh') return false
    if (ownMs < endlessMs) this.#store.prolong(slot, nowMs + (byMs > 0 ? byMs : ownMs))
    return true
  }

  #put(standing: Standing, life: Life, { cappedMs, keptMs, sinceMs }: Stay): void {
    const { createdMs, freshUntilMs, staleUntilMs, errorUntilMs, extendMs, costMs, bytes } = life
    const easyUntilMs = this.#easyUntil?.(life) ?? freshUntilMs
    if (isCopied(standing.value)) this.handsOutCopies = true
    const entry = {
      freshUntilMs: Math.min(easyUntilMs, cappedMs),
      staleUntilMs: Math.min(staleUntilMs, cappedMs),
      errorUntilMs: Math.min(errorUntilMs, cappedMs),
      bytes,
      ...standing,
    }
    this.#store.put(entry, keptMs)
    const slot = this.#store.find(standing.key)
    if (easyUntilMs >= freshUntilMs || slot === noSlot) return
    const hereUntilMs = Math.min(freshUntilMs, cappedMs)
    const stay = { hereUntilMs, cappedMs, keptMs, sinceMs, usesBefore: this.#store.uses(slot), triedMs: Number.NEGATIVE_INFINITY }
    this.#attended.set(standing.key, { createdMs, freshUntilMs, extendMs, costMs, bytes, ...stay })
  }

  /** A refresh has failed: the old copy is served on, and the origin is left alone for a while. */
  hold(key: string, untilMs: number): void {
    if (untilMs > 0 && this.#store.find(key) !== noSlot) this.#holdsMs.set(key, untilMs)
  }

  drop(key: string): void {
    this.#store.delete(key)
  }

  dropTags(tags: readonly string[]): void {
    this.#drops.dropTags(tags)
  }

  dropPattern(parts: readonly string[]): void {
    if (!this.#drops.dropPattern(parts)) this.dropAll()
  }

  dropAll(): void {
    this.#drops.dropAll()
    this.#holdsMs.clear()
    this.#attended.clear()
    this.#shards = []
    this.#store.clear()
  }

  /** The clock has not told the truth: youth proves nothing for what was begun before. */
  doubt(): void {
    this.#doubtedAt = ++this.#arrivals.last
  }

  /** The shards have been dealt anew if another one has this index now: then no copy here is of any of them. */
  #meet(shard: ShardView): void {
    const known = this.#shards[shard.index]
    if (known === shard) return
    if (known !== undefined) this.dropAll()
    this.#shards[shard.index] = shard
  }

  /** Something was dropped since this copy was looked at last. Was it not this one, later hits need not ask again; a doubt they must still see. */
  #catchUp(page: Page, i: number, shard: ShardView, key: string): boolean {
    if (this.#wasDropped(page, i, shard, key)) return false
    if ((page.bornAt[i] as number) >= this.#doubtedAt) page.bornAt[i] = this.#arrivals.last
    return true
  }

  #wasDropped(page: Page, i: number, shard: ShardView, key: string): boolean {
    const bornAt = page.bornAt[i] as number
    if (bornAt < shard.droppedAt) return true
    return this.#drops.concern(key, bornAt, page.tags?.[i])
  }

  #isTrusted(page: Page, i: number, shard: ShardView, nowMs: number): boolean {
    return !(nowMs - shard.provenAtMs >= this.#maxStalenessMs) || this.#isYoung(page, i, nowMs)
  }

  /** Younger than the staleness contract, proof or no proof. */
  #isYoung(page: Page, i: number, nowMs: number): boolean {
    return nowMs < (page.createdMs[i] as number) + (page.trustedForMs[i] as number) && (page.bornAt[i] as number) >= this.#doubtedAt
  }

  #shardOf(page: Page, i: number): ShardView {
    return this.#shards[page.shards[i] as number] as ShardView
  }

  /** Nothing proves this copy: it is served only in an outage, and only where the cache says so. */
  #stateInDoubt(page: Page, i: number, nowMs: number, away: boolean): NearState {
    if (!away || this.#plan.onOutage !== 'serve') return undefined
    const windowMs = Math.max(0, page.staleForMs[i] as number, page.errorForMs[i] as number)
    return nowMs < (page.freshUntilMs[i] as number) + windowMs ? 'outage' : undefined
  }
}

function stateOf(page: Page, i: number, nowMs: number, until: { readonly hereUntilMs: number; readonly holdUntilMs: number }): NearState {
  const freshUntilMs = page.freshUntilMs[i] as number
  if (nowMs < until.hereUntilMs) return 'fresh'
  if (nowMs < freshUntilMs + (page.staleForMs[i] as number)) return 'revalidating'
  return nowMs < freshUntilMs + (page.errorForMs[i] as number) && nowMs < until.holdUntilMs ? 'error' : undefined
}
