import { DailyEnd } from '../core/daily-end.js'
import { parseDuration } from '../core/duration.js'
import type { CachePlan } from '../core/plan.js'
import type { CacheOptions } from '../engine/public.js'
import { noOption, refusal, withoutUndefined } from './option-checks.js'

type Options = Readonly<Record<string, unknown>>
type ReadDuration = (option: keyof CacheOptions, otherwiseMs: number) => number
type Lives = Pick<CachePlan, 'softTimeoutMs' | 'negativeMs' | 'sliding' | 'expireDaily' | 'earlyBeta' | 'keepMs'>

/** What is used very often is prolonged by so many spans at once. */
const mostSpansByUse = 8

/** The options of a cache about how long values live, besides `ttl` and its windows. */
export function lifetimeOptions(where: string, options: Options, duration: ReadDuration): Lives {
  const sliding = slidingOption(where, options)
  const expireDaily = dailyOption(where, options.expireDaily)
  if (sliding !== undefined && expireDaily !== undefined) {
    throw refusal(where, 'sliding', options.sliding, 'not together with expireDaily: such lives have a fixed end')
  }
  if (sliding !== undefined && sliding.maxMs > 0 && sliding.maxMs < duration('ttl', 0)) {
    throw refusal(where, 'sliding.max', sliding.maxMs, 'at least ttl')
  }
  return {
    softTimeoutMs: duration('softTimeout', 0),
    negativeMs: options.negativeTtl === false ? 0 : options.negativeTtl === undefined ? undefined : Math.max(1, duration('negativeTtl', 0)),
    sliding,
    expireDaily,
    earlyBeta: betaOption(where, options.earlyRefresh),
    keepMs: Math.round(duration('keepForRevalidation', 0)),
  }
}

function slidingOption(where: string, options: Options): CachePlan['sliding'] {
  const { sliding } = options
  if (sliding === undefined || sliding === false) return undefined
  const mostSpans = options.strategy === 'lfu' ? mostSpansByUse : 1
  if (sliding === true) return { maxMs: 0, mostSpans }
  const { max, ...rest } = partsOf(where, 'sliding', sliding, 'true, false or { max }')
  refuseOthers(where, 'sliding', rest, ['max'])
  return { maxMs: Math.round(parseDuration(`${where}sliding.max`, max)), mostSpans }
}

function dailyOption(where: string, daily: unknown): DailyEnd | undefined {
  if (daily === undefined) return undefined
  const { at, timeZone = 'UTC', ...rest } = partsOf(where, 'expireDaily', daily, "{ at: '04:00', timeZone: 'Europe/Berlin' }")
  refuseOthers(where, 'expireDaily', rest, ['at', 'timeZone'])
  const time = typeof at === 'string' ? /^([01]\d|2[0-3]):([0-5]\d)$/.exec(at) : null
  if (time === null) throw refusal(where, 'expireDaily.at', at, "a time of day from '00:00' to '23:59'")
  if (typeof timeZone === 'string') {
    try {
      return new DailyEnd(Number(time[1]) * 60 + Number(time[2]), timeZone)
    } catch {
      // Intl knows no such time zone: refused below
    }
  }
  throw refusal(where, 'expireDaily.timeZone', timeZone, "the IANA name of a time zone, such as 'Europe/Berlin'")
}

function betaOption(where: string, early: unknown): number {
  if (early === undefined || early === false) return 0
  if (early === true) return 1
  const { beta, ...rest } = partsOf(where, 'earlyRefresh', early, 'true, false or { beta }')
  refuseOthers(where, 'earlyRefresh', rest, ['beta'])
  if (typeof beta !== 'number' || !(beta > 0 && beta <= 100))
    throw refusal(where, 'earlyRefresh.beta', beta, 'a number above 0, at most 100')
  return beta
}

function partsOf(where: string, option: string, value: unknown, wanted: string): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw refusal(where, option, value, wanted)
  return withoutUndefined(value)
}

function refuseOthers(where: string, option: string, rest: Options, known: readonly string[]): void {
  for (const name of Object.keys(rest)) throw noOption(where, `${option}.${name}`, known)
}
