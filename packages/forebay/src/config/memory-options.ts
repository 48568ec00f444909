import { parseDuration } from '../core/duration.js'
import { type CachePlan, unlimitedMs } from '../core/plan.js'
import type { Strategy } from '../core/strategy.js'
import { between, noOption, oneOf, refusal, whole, withoutUndefined } from './option-checks.js'

const otherwise = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024, policy: 's3fifo', ttl: undefined, hotOnly: false }
/** Copies of hot keys are few, and Redis need not be spared more than one read a second. */
const hotOtherwise = { maxEntries: 1_000, ttl: '1s' }
/** Far above what chance makes of a key that is read a few times a second, of whose reads one in eight is counted. */
const hotPerSecondOtherwise = 100

/** The option `memory` of a cache. */
export function memoryBounds(where: string, memory: unknown, strategy: Strategy | undefined): CachePlan['memory'] {
  if (memory === false) return undefined
  if (memory !== undefined && (memory === null || typeof memory !== 'object')) {
    throw refusal(where, 'memory', memory, 'an object of maxEntries, maxBytes, policy, ttl and hotOnly, or false')
  }
  const said = withoutUndefined(memory)
  const hotPerSecond = hotOption(where, said.hotOnly)
  const ofStrategy = strategy === 'lru' || strategy === 'lfu' ? { policy: strategy } : {}
  const all: Record<string, unknown> = { ...otherwise, ...(hotPerSecond > 0 ? hotOtherwise : {}), ...ofStrategy, ...said }
  const { maxEntries, maxBytes, policy, ttl, hotOnly: _, ...rest } = all
  for (const option of Object.keys(rest)) throw noOption(where, `memory.${option}`, ['maxEntries', 'maxBytes', 'policy', 'ttl', 'hotOnly'])
  return {
    maxEntries: whole(where, 'memory.maxEntries', maxEntries, 1),
    maxBytes: whole(where, 'memory.maxBytes', maxBytes, 1),
    policy: oneOf(where, 'memory.policy', policy, ['s3fifo', 'lru', 'lfu']),
    ttlMs: ttl === undefined ? unlimitedMs : parseDuration(`${where}memory.ttl`, ttl),
    hotPerSecond,
  }
}

function hotOption(where: string, hotOnly: unknown): number {
  if (hotOnly === undefined || hotOnly === false) return 0
  if (hotOnly === true) return hotPerSecondOtherwise
  if (hotOnly === null || typeof hotOnly !== 'object') {
    throw refusal(where, 'memory.hotOnly', hotOnly, 'true, false or { perSecond }')
  }
  const { perSecond, ...rest } = withoutUndefined(hotOnly)
  for (const option of Object.keys(rest)) throw noOption(where, `memory.hotOnly.${option}`, ['perSecond'])
  return between(where, 'memory.hotOnly.perSecond', perSecond, 1, 1_000_000)
}
