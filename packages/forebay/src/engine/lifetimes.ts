import type { Clock, Random } from '../core/clock.js'
import { parseDuration, show } from '../core/duration.js'
import { endlessMs } from '../core/envelope.js'
import { ForebayError } from '../core/errors.js'
import type { StoredValue } from '../core/far-store.js'
import { type CachePlan, earlyReach, slideShare } from '../core/plan.js'
import type { EntryOptions } from './public.js'

/** Options in the order in which they count: the value's own (a loader's `entry`, or a `set`'s) before those of the call. */
export type EntryOptionsInOrder = readonly (EntryOptions | undefined)[]

type Life = Pick<StoredValue, 'freshMs' | 'staleMs' | 'errorMs' | 'keepMs' | 'extendMs'>

/**
 * How long a value lives. Jitter only shortens, and no end that a calendar sets is passed, not by a stale window either: the wall clock is
 * read for the span that is left until then, never for an order. Such a life is not extended later.
 */
export function lifeOf(plan: CachePlan, value: unknown, options: EntryOptionsInOrder, parts: { random: Random; clock: Clock }): Life {
  const ttlMs = ttlOf(plan, value, options)
  const longestMs = plan.sliding !== undefined && plan.sliding.maxMs > 0 ? plan.sliding.maxMs : Number.POSITIVE_INFINITY
  const leftMs = leftUntilEnd(plan, options, parts.clock.wall())
  const jittered = ttlMs === endlessMs ? endlessMs : Math.round(ttlMs * (1 - plan.jitter * parts.random.unit()))
  const freshMs = Math.max(1, Math.min(jittered, longestMs, leftMs))
  const within = (windowMs: number): number => Math.max(0, Math.min(windowMs, leftMs - freshMs))
  return {
    freshMs,
    staleMs: within(pick(options, 'staleWhileRevalidate') ?? plan.staleMs),
    errorMs: within(pick(options, 'staleIfError') ?? plan.errorMs),
    keepMs: plan.keepMs,
    extendMs: leftMs === Number.POSITIVE_INFINITY && freshMs < endlessMs ? freshMs : 0,
  }
}

/** Whether a value is kept at all: not the absence of one where the cache says so, nor what has ended already. */
export function isKept(plan: CachePlan, value: unknown, options: EntryOptionsInOrder, wallMs: number): boolean {
  return ttlOf(plan, value, options) > 0 && leftUntilEnd(plan, options, wallMs) > 0
}

/** Until when a fresh copy needs nothing but to be served: from then on it may be time to prolong its life, or to refresh it early. */
export function easyUntil(plan: CachePlan, life: Aging): number {
  return Math.min(life.freshUntilMs, slideFrom(plan, life), life.freshUntilMs - earlyReach * plan.earlyBeta * life.costMs)
}

/** What of an entry decides about its prolongation and its early refresh. */
export interface Aging {
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly extendMs: number
  readonly costMs: number
}

/** From when on a hit prolongs a life: once a share of it has been used; never if it cannot last longer. */
export function slideFrom({ sliding }: CachePlan, { createdMs, freshUntilMs, extendMs }: Aging): number {
  if (sliding === undefined || extendMs === 0) return Number.POSITIVE_INFINITY
  if (sliding.maxMs > 0 && freshUntilMs >= createdMs + sliding.maxMs) return Number.POSITIVE_INFINITY
  return freshUntilMs - (1 - slideShare) * extendMs
}

/**
 * By which span a hit prolongs a life; 0 = by its own. `uses`: how often it was used in the last such span, as far as that was counted. Where
 * frequency counts, each doubling of it adds a span, up to so many; what is used less is prolonged by less the next time, and ends.
 */
export function slideBy({ sliding }: CachePlan, { extendMs }: Aging, uses: number): number {
  const spans = Math.min(sliding?.mostSpans ?? 1, 1 + Math.log2(Math.max(1, uses)))
  return spans === 1 ? 0 : Math.round(extendMs * spans)
}

/**
 * Whether this hit is the one that refreshes before freshness ends: XFetch (A. Vattani, F. Chierichetti, K. Lowenstein, Optimal Probabilistic
 * Cache Stampede Prevention, VLDB 2015). The time before the end is drawn anew by each hit from an exponential distribution whose mean
 * is the load's cost, so a value that is dear to load and often read is refreshed in time, and one that is not is mostly left to end.
 */
export function isEarly({ earlyBeta }: CachePlan, { freshUntilMs, costMs }: Aging, nowMs: number, random: Random): boolean {
  const spanMs = earlyBeta * costMs
  if (spanMs === 0 || nowMs < freshUntilMs - earlyReach * spanMs) return false
  return nowMs - spanMs * Math.log(1 - random.unit()) >= freshUntilMs
}

/** For the absence of a value (null and undefined) the cache's own ttl for that counts, unless the value itself comes with one. */
function ttlOf(plan: CachePlan, value: unknown, options: EntryOptionsInOrder): number {
  const negative = (value === null || value === undefined) && plan.negativeMs !== undefined
  return pick(negative ? options.slice(0, 1) : options, 'ttl') ?? (negative ? plan.negativeMs : undefined) ?? plan.ttlMs
}

function leftUntilEnd(plan: CachePlan, options: EntryOptionsInOrder, wallMs: number): number {
  const daily = plan.expireDaily?.after(wallMs) ?? Number.POSITIVE_INFINITY
  return Math.floor(Math.min(daily, givenEnd(options)) - wallMs)
}

function givenEnd(options: EntryOptionsInOrder): number {
  for (const given of options) {
    const at: unknown = given?.expiresAt
    if (at === undefined) continue
    if (at instanceof Date && Number.isFinite(at.getTime())) return at.getTime()
    throw new ForebayError('E_OPTION', `expiresAt is ${show(at)}; a valid Date`)
  }
  return Number.POSITIVE_INFINITY
}

function pick(options: EntryOptionsInOrder, name: 'ttl' | 'staleWhileRevalidate' | 'staleIfError'): number | undefined {
  for (const given of options) if (given?.[name] !== undefined) return Math.round(parseDuration(name, given[name]))
  return undefined
}
