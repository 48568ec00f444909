import type { Control } from './control.js'
import type { DailyEnd } from './daily-end.js'
import type { CompressionPlan, SealPlan } from './packing.js'
import type { Schema } from './schema.js'
import type { ValuesPlan } from './kept-value.js'
import type { NearBounds } from './near-store.js'
import type { Strategy } from './strategy.js'

/** What options become at the door: everything resolved, checked and in milliseconds. The engine sees nothing else. */
export interface CachePlan extends ValuesPlan {
  readonly name: string
  /** '' = none. */
  readonly version: string
  /** `endlessMs`: values do not end by time. */
  readonly ttlMs: number
  /** By which idea entries go, where the cache names one; what it means is in the other fields. */
  readonly strategy: Strategy | undefined
  readonly staleMs: number
  readonly errorMs: number
  readonly jitter: number
  /** The same for every value, or by the value; the function is not called for null and undefined. */
  readonly tags: readonly string[] | ((value: NonNullable<unknown>, key: unknown) => readonly string[])
  readonly maxStalenessMs: number
  readonly onOutage: 'reload' | 'serve'
  readonly hardTimeoutMs: number
  /** A load that takes longer than this is not waited for where an old value may be served; 0 = it is. */
  readonly softTimeoutMs: number
  /** In place of `ttlMs` for null and undefined; 0 = they are not kept, `undefined` = no difference. */
  readonly negativeMs: number | undefined
  /** Each hit prolongs freshness, up to this age (0 = without end), and by up to so many spans the more often it is used (1 = by one). */
  readonly sliding: { readonly maxMs: number; readonly mostSpans: number } | undefined
  readonly expireDaily: DailyEnd | undefined
  /** How eagerly a value is refreshed before its freshness ends; 0 = not at all. */
  readonly earlyBeta: number
  /** Past its freshness a value is kept in Redis at least so long, for a load that asks whether it has changed. */
  readonly keepMs: number
  /**
   * `undefined`: no memory in this process. `ttlMs`: the longest life there, `unlimitedMs` = no bound. `hotPerSecond`: only keys read so often
   * are kept; 0 = all.
   */
  readonly memory: (NearBounds & { readonly ttlMs: number; readonly hotPerSecond: number }) | undefined
  readonly maxValueBytes: number
  readonly control: Control
  readonly loads: LoadBounds
  /** `undefined`: the origin is not asked about what was served. */
  readonly monitor: { readonly share: number; readonly maxPerSecond: number } | undefined
  /** `undefined`: values are stored as they are encoded. */
  readonly compression: CompressionPlan | undefined
  /** `undefined`: values are stored in the clear. */
  readonly seal: SealPlan | undefined
  readonly schema: Schema | undefined
  /** What is probably not meant as it was said: told when the cache is made. */
  readonly doubts: readonly string[]
  /** Makes a value of today's shape of one that the schema does not take; `undefined` where it cannot. */
  readonly migrate: ((old: unknown) => unknown) | undefined
}

/** Longer than anything lives. */
export const unlimitedMs = Number.MAX_SAFE_INTEGER

/** How many loads of one cache run at once in this process, and how many more may wait. */
export interface LoadBounds {
  readonly max: number
  readonly queue: number
}

/** Whether memory keeps only keys that are read often: hits there count then too. */
export function isHotOnly({ memory }: CachePlan): boolean {
  return memory !== undefined && memory.hotPerSecond > 0
}

/** A lease lives this long and is renewed at a third of it while its loader runs. */
export const leaseMs = 5_000
/** Notices heard, and answers to own writes, are kept until a proof asked this much later shows them in the chain. */
export const resendWindowMs = 10_000
/** Most notices kept for that, per shard; the oldest go first. */
export const mostRecents = 1_024
/** Most invalidations that wait in one shard's outbox before they are coarsened to whole caches. */
export const mostUnsent = 1_000
/** Tag stamps known per shard; an entry older than the ones forgotten is read by the checked read. */
export const mostStamps = 4_096
/** Tag stamps fetched when a shard is first met. */
export const firstStamps = 256
/** A caller waits this long for its value to be shared before he gets it; a slow Redis must not delay a finished load more. */
export const fillPatienceMs = 25
/** After a failed load that was answered with an old value, the origin is left alone this long. */
export const errorHoldMs = 1_000
/** A sliding life is prolonged once this share of it has been used, so that most hits ask nothing more than a hit must. */
export const slideShare = 0.25
/** Most prolongations of one cache that are under way at once; a hit that finds more leaves it to the next. */
export const mostSlides = 64
/** An early refresh is considered in the last so many load times (times beta) of freshness; earlier its chance is below 1 in 22,000. */
export const earlyReach = 10
/** Most loads of one key that run at once in this process: one good, two that an invalidation has overtaken. */
export const mostLoadsPerKey = 3
