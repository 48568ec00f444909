import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { defaultSupervision, type CircuitPlan, type HealthPlan, type SupervisorPlan } from '../core/supervisor/supervisor-plan.js'
import { count, parts, span, wrong } from './option-parts.js'
import type { RedisClusterOption, RedisServerOption } from './redis-option.js'

const deadlineParts = ['min', 'max', 'miss', 'write'] as const

type Given = Pick<RedisServerOption | RedisClusterOption, 'deadline' | 'maxInFlight' | 'circuit' | 'health'>

/** When a server counts as ill, by these options; throws `E_OPTION` naming what cannot be used. */
export function parseSupervision({ deadline, maxInFlight, circuit, health }: Given): SupervisorPlan {
  return {
    deadline: deadlineOf(deadline),
    maxInFlight: count('redis.maxInFlight', maxInFlight, defaultSupervision.maxInFlight),
    circuit: circuitOf(circuit),
    health: healthOf(health),
  }
}

function deadlineOf(given: Given['deadline']): SupervisorPlan['deadline'] {
  const { minMs, maxMs } = defaultSupervision.deadline
  const { min, max } =
    typeof given === 'object' && given !== null ? parts('redis.deadline', given, deadlineParts) : { min: undefined, max: given }
  const whole = span(
    typeof given === 'object' ? 'redis.deadline.max' : 'redis.deadline',
    max,
    Math.max(maxMs, span('redis.deadline.min', min, 0)),
  )
  const least = span('redis.deadline.min', min, Math.min(minMs, whole))
  if (least > whole) throw new ForebayError('E_OPTION', `redis.deadline.min is ${show(min)}; no longer than redis.deadline.max`)
  return { minMs: least, maxMs: whole }
}

function circuitOf(given: Given['circuit'] = {}): CircuitPlan {
  const names = ['window', 'minimum', 'share', 'openFor', 'longestOpen', 'probes'] as const
  const { window, minimum, share = defaultSupervision.circuit.share, openFor, longestOpen, probes } = parts('redis.circuit', given, names)
  const usual = defaultSupervision.circuit
  const openMs = span('redis.circuit.openFor', openFor, usual.openMs)
  const longestOpenMs = span('redis.circuit.longestOpen', longestOpen, Math.max(usual.longestOpenMs, openMs))
  if (!(typeof share === 'number' && share > 0 && share <= 1)) throw wrong('redis.circuit.share', share, 'a share above 0, at most 1')
  if (longestOpenMs < openMs) throw wrong('redis.circuit.longestOpen', longestOpen, 'no shorter than redis.circuit.openFor')
  return {
    windowMs: span('redis.circuit.window', window, usual.windowMs),
    minimum: count('redis.circuit.minimum', minimum, usual.minimum, 2),
    share,
    openMs,
    longestOpenMs,
    probes: count('redis.circuit.probes', probes, usual.probes),
  }
}

function healthOf(given: Given['health'] = {}): HealthPlan {
  const { every, uneasyEvery, failures } = parts('redis.health', given, ['every', 'uneasyEvery', 'failures'])
  const usual = defaultSupervision.health
  const everyMs = span('redis.health.every', every, usual.everyMs)
  const uneasyEveryMs = span('redis.health.uneasyEvery', uneasyEvery, Math.min(usual.uneasyEveryMs, everyMs))
  if (uneasyEveryMs > everyMs) throw wrong('redis.health.uneasyEvery', uneasyEvery, 'no longer than redis.health.every')
  return {
    everyMs,
    uneasyEveryMs,
    failures: count('redis.health.failures', failures, usual.failures),
  }
}
