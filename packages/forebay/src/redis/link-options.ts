import { parts, span, wrong } from './option-parts.js'
import { type Deadlines, deadlinesFor, defaultReconnect, type ReconnectPlan } from './plan.js'
import type { RedisClusterOption, RedisServerOption } from './redis-option.js'

type Given = RedisServerOption | RedisClusterOption

/** How long to wait for what, by these options, where a read waits so long at most; throws `E_OPTION` naming what cannot be used. */
export function parseDeadlines(option: Given, readMs: number): Deadlines {
  const { deadline, connectTimeout, handshakeTimeout, silenceTimeout } = option
  const { miss = undefined, write = undefined } = typeof deadline === 'object' ? deadline : {}
  const lookMs = span('redis.deadline.miss', miss, deadlinesFor(readMs).lookMs)
  if (lookMs < readMs) throw wrong('redis.deadline.miss', miss, `no shorter than redis.deadline.max, ${readMs} ms`)
  const usual = deadlinesFor(readMs, lookMs)
  const silentMs = span('redis.silenceTimeout', silenceTimeout, usual.silentMs)
  // Else a slow answer to a reader would cost the connection before it cost the reader his patience.
  if (silentMs <= lookMs) throw wrong('redis.silenceTimeout', silenceTimeout, `longer than redis.deadline.miss, ${lookMs} ms`)
  return {
    connectMs: span('redis.connectTimeout', connectTimeout, usual.connectMs),
    readMs,
    lookMs,
    actMs: span('redis.deadline.write', write, usual.actMs),
    silentMs,
    handshakeMs: span('redis.handshakeTimeout', handshakeTimeout, usual.handshakeMs),
  }
}

/** How far apart attempts to connect are, by this option; throws `E_OPTION` naming what cannot be used. */
export function parseReconnect(given: Given['reconnect'] = {}): ReconnectPlan {
  const { min, max, refused } = parts('redis.reconnect', given, ['min', 'max', 'refused'])
  const halfMs = span('redis.reconnect.max', max, defaultReconnect.maxMs) / 2
  const minMs = span('redis.reconnect.min', min, Math.min(defaultReconnect.minMs, halfMs))
  const maxMs = span('redis.reconnect.max', max, Math.max(defaultReconnect.maxMs, 2 * minMs))
  const refusedMs = span('redis.reconnect.refused', refused, Math.max(defaultReconnect.refusedMs, maxMs))
  // Half of a wait is chance, and no wait is shorter than the least.
  if (maxMs < 2 * minMs) throw wrong('redis.reconnect.min', min, `at most half of redis.reconnect.max, ${maxMs} ms`)
  if (refusedMs < maxMs) throw wrong('redis.reconnect.refused', refused, `no shorter than redis.reconnect.max, ${maxMs} ms`)
  return { minMs, maxMs, refusedMs }
}
