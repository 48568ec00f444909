import { ForebayError } from '../../src/core/errors.js'
import type { SimClock } from '../../src/testing/sim-clock.js'
import type { SimRandom } from '../../src/testing/sim-random.js'
import type { Checker } from './checker.js'
import type { WorldNode } from './node.js'
import type { Origin } from './origin.js'
import type { CacheModel, WorldPlan } from './plan.js'

export interface ClientsParts {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly plan: WorldPlan
  readonly origin: Origin
  readonly checker: Checker
  readonly trace: (text: string) => void
  readonly count: (what: string) => void
  readonly complain: (text: string) => void
}

/** A call under way. */
export interface Call {
  readonly node: WorldNode
  readonly text: string
  readonly beganMs: number
  readonly stalledMs: number
  readonly limitMs: number
}

/** The origin's own error. */
export class OriginDown extends Error {}
/** The reason of a caller who leaves. */
export class GivenUp extends Error {}

/** Keeps the time of every call: each must be answered within its limit, and may only fail in a way that was asked for. */
export class Calls {
  readonly #parts: ClientsParts
  readonly #underWay = new Set<Call>()

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  /** Calls of living processes that have not been answered. */
  get waiting(): number {
    return [...this.#underWay].filter((call) => call.node.process.alive).length
  }

  has(call: Call): boolean {
    return this.#underWay.has(call)
  }

  /** Makes a call and follows it to its end. */
  async follow(given: Pick<Call, 'node' | 'text' | 'limitMs'>, run: (call: Call) => Promise<void>): Promise<void> {
    const call = { ...given, beganMs: this.#parts.clock.now(), stalledMs: given.node.stalledMs }
    this.#underWay.add(call)
    this.#parts.trace(call.text)
    try {
      await run(call)
    } catch (error) {
      this.#parts.trace(`${call.text} failed: ${error}`)
      if (!expected(error, call.node, this.#parts.plan)) this.#parts.complain(`${call.text} failed with ${error}`)
    } finally {
      this.#underWay.delete(call)
      this.#checkTime(call)
    }
  }

  /** Reports calls that have taken longer than they ever may. */
  checkPatience(): void {
    for (const call of this.#underWay) if (call.node.process.alive && !call.node.process.stalled) this.#checkTime(call)
  }

  #checkTime({ node, text, beganMs, stalledMs, limitMs }: Call): void {
    const tookMs = this.#parts.clock.now() - beganMs - (node.stalledMs - stalledMs)
    if (tookMs > limitMs) this.#parts.complain(`${text} took ${tookMs.toFixed(0)} ms, at most ${limitMs} ms are allowed`)
  }
}

/** A write is one act and its deadline. */
export function writeLimitMs(plan: WorldPlan): number {
  return 2 * plan.deadlineMs + slackMs
}

/**
 * The wait for three earlier loads of the key (each for a lease that nobody gives back), then a load of its own, with their retries; where few
 * loads run at once, each may wait for its place first.
 */
export function loadLimitMs(plan: WorldPlan, cache: CacheModel): number {
  const queueMs = plan.features.has('load-bounds') ? 4 * cache.hardTimeoutMs : 0
  return 10 * plan.deadlineMs + 2 * (2 * cache.hardTimeoutMs + leaseMs) + queueMs + slackMs
}

const leaseMs = 5_000
const slackMs = 500

/** An origin that fails, a caller who leaves, a load that is too slow or for which there is no room: these are passed on. */
function expected(error: unknown, node: WorldNode, { features }: WorldPlan): boolean {
  if (error instanceof OriginDown || error instanceof GivenUp) return true
  if (!(error instanceof ForebayError)) return false
  if (error.code === 'E_OVERLOADED') return features.has('load-bounds')
  return error.code === 'E_LOAD_TIMEOUT' || (error.code === 'E_CLOSED' && node.closing)
}

export function show(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value)
}
