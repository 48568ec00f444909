import type { Clock, Random } from '../core/clock.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import { handOut } from '../core/kept-value.js'
import { sameValue } from '../core/same.js'
import type { Place } from './gate.js'
import { runLoader } from './loader.js'
import type { Key, Loader } from './public.js'
import type { MonitorStats } from './reports.js'

/**
 * The consistency monitor: asks the origin about a share of what was served from the cache. A value is compared with the origin's and then
 * with what is cached by then (the order of DialCache's shadow reads): if it was replaced meanwhile, the sample says nothing, so that writes
 * in between are not reported. A copy that differs is followed until it is gone, at growing intervals: an invalidation under way removes it
 * within milliseconds, a lost one never does. After 1, 10 and 60 s (the time scales are Polaris') the origin is asked again, and a copy that still
 * differs is counted and told.
 */
export interface MonitorParts {
  readonly clock: Clock
  readonly random: Random
  readonly tell: Tell
  readonly detached: <T>(work: () => T) => T
  readonly isClosed: () => boolean
  /** What a caller would be served now without a load. */
  readonly look: (at: EntryAddress) => Promise<Copy | undefined>
  /** A place among the loads of the cache, if nobody else wants it: what the monitor asks is never worth a wait. */
  readonly spare: () => Place | undefined
}

/** A cached value, and when its load began. */
export interface Copy {
  /** As it is kept; `handOut` gives it. */
  readonly value: unknown
  readonly createdMs: number
}

export interface Sampled {
  readonly at: EntryAddress
  readonly key: Key
  readonly load: Loader<unknown>
}

/** When a copy that differs is looked at again, counted from when it was seen; in between it cannot be told how long it lasted. */
const looksMs = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000] as const
const countedMs: readonly number[] = [1_000, 10_000, 60_000]
/** Most copies followed at once, and most samples that wait for the origin. */
const mostFollowed = 100
const mostAsked = 4
/** A copy from Redis tells its age by another clock, which is known to within the time of a question. */
const clockErrorMs = 250

export class Monitor {
  readonly #plan: CachePlan
  readonly #parts: MonitorParts
  readonly #share: number
  readonly #gapMs: number
  readonly #counts = { samples: 0, consistent: 0, inconclusive: 0, mismatches: 0 }
  readonly #stale = new Map<number, number>()
  readonly #lasted = new Map<number, number>()
  #lastMs = Number.NEGATIVE_INFINITY
  #asked = 0
  #followed = 0

  constructor(plan: CachePlan, settings: { readonly share: number; readonly maxPerSecond: number }, parts: MonitorParts) {
    this.#plan = plan
    this.#parts = parts
    this.#share = settings.share
    this.#gapMs = 1_000 / settings.maxPerSecond
  }

  /** A value was served from the cache: perhaps it is looked at. */
  saw(read: Sampled, copy: Copy): void {
    const { random, clock, detached, isClosed } = this.#parts
    if (random.unit() >= this.#share || isClosed()) return
    const nowMs = clock.now()
    if (nowMs - this.#lastMs < this.#gapMs || this.#asked >= mostAsked || this.#followed >= mostFollowed) return
    const place = this.#parts.spare()
    if (place === undefined) return
    this.#lastMs = nowMs
    this.#asked++
    this.#counts.samples++
    const sample = detached(() => this.#sample(read, copy, place))
    const over = (): void => {
      this.#asked--
    }
    sample.then(over, over)
  }

  /** So many were served by one call: none of them is likelier to be looked at for its place among them. */
  sawMany(served: readonly (readonly [Sampled, Copy])[]): void {
    const from = Math.floor(this.#parts.random.unit() * served.length)
    for (const [read, copy] of served.slice(from)) this.saw(read, copy)
    for (const [read, copy] of served.slice(0, from)) this.saw(read, copy)
  }

  report(): MonitorStats {
    const [s1 = 0, s10 = 0, s60 = 0] = countedMs.map((ms) => this.#stale.get(ms) ?? 0)
    const histogram = [...looksMs, Number.POSITIVE_INFINITY].map((atMostMs) => ({ atMostMs, count: this.#lasted.get(atMostMs) ?? 0 }))
    return { ...this.#counts, staleAfter: { '1s': s1, '10s': s10, '60s': s60 }, histogram }
  }

  async #sample(read: Sampled, copy: Copy, place: Place): Promise<void> {
    const verdict = await this.#compare(read, copy, { place, isSame: () => true })
    this.#counts[verdict === 'differs' ? 'mismatches' : verdict]++
    if (verdict === 'differs') void this.#follow(read, copy)
  }

  /** Cached, origin, and cached again: `inconclusive` if the copy is not the same any more, or the origin cannot be asked. */
  async #compare(
    read: Sampled,
    copy: Copy,
    { place, isSame }: { readonly place: Place | undefined; readonly isSame: (copy: Copy) => boolean },
  ): Promise<'consistent' | 'inconclusive' | 'differs'> {
    if (place === undefined) return 'inconclusive'
    try {
      const origin = await this.#ask(read).finally(() => place.leave())
      const again = await this.#parts.look(read.at)
      if (origin === undefined || again === undefined || !this.#alike(again, copy) || !isSame(again)) return 'inconclusive'
      return this.#same(origin.value, handOut(copy.value)) ? 'consistent' : 'differs'
    } catch {
      return 'inconclusive' // a loader or a codec that fails, or Redis that does not answer, says nothing about the copy
    }
  }

  async #ask({ key, load }: Sampled): Promise<{ readonly value: unknown } | undefined> {
    const { clock } = this.#parts
    const limit = { clock, hardTimeoutMs: this.#plan.hardTimeoutMs }
    const outcome = await runLoader(load, { key, previous: undefined, validator: undefined }, new AbortController(), limit)
    return outcome.kind === 'store' ? outcome : undefined
  }

  /** Waits for a copy that differs to go. */
  async #follow(read: Sampled, followed: Copy): Promise<void> {
    this.#followed++
    const seenMs = this.#parts.clock.now()
    // A copy of a later load is another one, even if it is alike.
    const isSame = (copy: Copy): boolean => copy.createdMs <= seenMs + clockErrorMs
    const lastedMs = await this.#lastsUntil(read, followed, { seenMs, isSame }).catch(() => undefined)
    this.#followed--
    if (lastedMs !== undefined) this.#lasted.set(lastedMs, (this.#lasted.get(lastedMs) ?? 0) + 1)
  }

  /** At which look the copy was gone; `undefined` if it cannot be said. */
  async #lastsUntil(
    read: Sampled,
    followed: Copy,
    seen: { readonly seenMs: number; readonly isSame: (copy: Copy) => boolean },
  ): Promise<number | undefined> {
    const { clock, look, spare, isClosed } = this.#parts
    for (const lookMs of looksMs) {
      await new Promise<void>((resolve) => clock.after(Math.max(0, seen.seenMs + lookMs - clock.now()), resolve))
      if (isClosed()) return undefined
      const copy = await look(read.at).catch(() => undefined) // Redis that does not answer serves no copy
      if (copy === undefined || !this.#alike(copy, followed) || !seen.isSame(copy)) return lookMs
      if (!countedMs.includes(lookMs)) continue
      const verdict = await this.#compare(read, followed, { place: spare(), isSame: seen.isSame })
      if (verdict === 'consistent') return lookMs
      if (verdict === 'differs') this.#count(read, lookMs)
    }
    return Number.POSITIVE_INFINITY
  }

  #alike(a: Copy, b: Copy): boolean {
    return this.#same(handOut(a.value), handOut(b.value))
  }

  #same(a: unknown, b: unknown): boolean {
    return sameValue(a, b, this.#plan.codecs)
  }

  #count({ at }: Sampled, afterMs: number): void {
    this.#stale.set(afterMs, (this.#stale.get(afterMs) ?? 0) + 1)
    this.#parts.tell({ type: 'inconsistent', cache: at.cache, key: at.key, afterMs })
  }
}
