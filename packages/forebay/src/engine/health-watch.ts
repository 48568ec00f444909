import type { Clock, Random, Timer } from '../core/clock.js'
import { ForebayError, isAway } from '../core/errors.js'
import type { EntryAddress, FarStore, ShardGroup } from '../core/far-store.js'
import {
  type Health,
  type HealthCheck,
  type HealthPlan,
  type HealthStatus,
  type HealthVerdict,
  lagLooks,
  livenessOf,
  readinessOf,
  type Steady,
  steadied,
  unseen,
  weighed,
} from '../core/health.js'
import type { NodeState, NodeStats } from '../core/supervisor/node-state.js'
import type { Ids } from './parts.js'
import type { Shards } from './shards.js'

/**
 * Looks after the process's health in the background, so that whoever asks is answered at once with what was seen last, however Redis is.
 *
 * A look at Redis is what a load needs of it: a lease is taken and given back on one shard of each node, by scripts that only a primary that may
 * write, and has room, executes. Looks follow each other, and each has an end, so they never pile up.
 */
export interface HealthParts {
  readonly plan: HealthPlan
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  /** How many shards are proven now. */
  readonly proven: () => number
}

/** A look at Redis takes at most this long; the store's own deadlines end it sooner, unless they were raised. */
const longestLookMs = 2_000
/** After a look that contradicts what was seen before, the next one comes in this share of the interval. */
const doubtShare = 0.2
/** Looks are spread, so that a fleet that was started at once does not look at once. */
const jitter = 0.1
const lagEveryMs = 500
/** No cache of a user can be called so. */
const cacheName = '~health'

/** What a look at Redis brought. */
interface Look {
  readonly ms: number
  readonly error: string | undefined
  readonly time: string
}

export class HealthWatch {
  readonly #parts: HealthParts
  readonly #timers = new Map<'lag' | 'look', Timer>()
  #lagsMs: readonly number[] = []
  #lagTime = ''
  #look: Look | undefined
  #steady: Steady = unseen
  #started = false
  #watching = false
  #draining: 'draining' | 'closed' | undefined

  constructor(parts: HealthParts) {
    this.#parts = parts
    if (parts.plan.eager) this.#watch()
  }

  report(): Health {
    this.#watch()
    const started = this.#startedVerdict()
    const [redis, shards, outbox] = [this.#redisVerdict(), this.#shardsVerdict(), this.#outboxVerdict()]
    const live = livenessOf(this.#lagsMs, this.#parts.plan)
    const weighedRedis = weighed(redis, this.#parts.plan.redis === 'critical')
    return {
      live,
      ready: readinessOf({ started, draining: this.#draining, checks: [weighedRedis, shards, outbox] }),
      started,
      checks: { ...this.#redisChecks(redis), ...this.#ownChecks({ live, shards, outbox }) },
    }
  }

  /** Readiness fails from now on; nothing else changes. */
  drain(): void {
    this.#draining ??= 'draining'
  }

  close(): void {
    this.#draining = 'closed'
    for (const timer of this.#timers.values()) timer.cancel()
  }

  #watch(): void {
    if (this.#watching || this.#draining === 'closed') return
    this.#watching = true
    this.#lagTime = this.#time()
    this.#feelLag()
    if (this.#parts.plan.redis !== 'none') void this.#lookAtRedis()
  }

  // ---- the event loop ----

  #feelLag(): void {
    const { clock } = this.#parts
    const dueMs = clock.now() + lagEveryMs
    const feel = (): void => {
      this.#lagsMs = [...this.#lagsMs, Math.max(0, clock.now() - dueMs)].slice(-lagLooks)
      this.#lagTime = this.#time()
      this.#feelLag()
    }
    this.#timers.set('lag', clock.after(lagEveryMs, feel))
  }

  // ---- Redis ----

  async #lookAtRedis(): Promise<void> {
    const { clock, random, plan, far } = this.#parts
    const sentMs = clock.now()
    const error = await this.#within(Promise.all(far.groups().map((group) => this.#lease(group))))
    const ms = clock.now() - sentMs
    this.#look = { ms, error, time: this.#time() }
    this.#steady = steadied(this.#steady, seenIn(this.#look, { slowMs: plan.slowMs, nodes: far.nodes?.() ?? [] }))
    if (this.#draining === 'closed') return
    const spanMs = plan.intervalMs * (this.#steady.against > 0 ? doubtShare : 1) * (1 + jitter * (2 * random.unit() - 1))
    this.#timers.set(
      'look',
      clock.after(spanMs, () => void this.#lookAtRedis()),
    )
  }

  /** What was wrong, if anything; after a while that nothing has come. */
  async #within(work: Promise<unknown>): Promise<string | undefined> {
    const { clock } = this.#parts
    let timer: Timer | undefined
    const late = new Promise<string>((resolve) => {
      timer = clock.after(longestLookMs, () => clock.afterInput(() => resolve(`no answer within ${longestLookMs} ms`)))
    })
    const wrong = work.then(() => undefined, wordsOf)
    const first = await Promise.race([wrong, late])
    timer?.cancel()
    return first
  }

  async #lease({ shards: [shard] }: ShardGroup): Promise<void> {
    if (shard === undefined) return
    const { far, ids } = this.#parts
    const at: EntryAddress = { shard, cache: cacheName, version: '', key: ids.process }
    const token = ids.next()
    await far.acquire(at, { token, leaseMs: longestLookMs, newInc: ids.incarnation(), force: true, takeover: undefined })
    await far.release(at, { token, nonce: ids.next() })
  }

  // ---- what follows ----

  #startedVerdict(): HealthVerdict {
    const { shards, plan } = this.#parts
    const reached = shards.all.every(({ view }) => view.provenAtMs !== Number.NEGATIVE_INFINITY)
    this.#started ||= reached || (plan.redis === 'optional' && this.#steady.status !== undefined)
    return this.#started ? { status: 'pass' } : { status: 'fail', output: 'Redis has not been reached yet' }
  }

  #redisVerdict(): HealthVerdict {
    const { redis, slowMs } = this.#parts.plan
    if (redis === 'none') return { status: 'pass' }
    const { status } = this.#steady
    if (status === undefined) return { status: 'warn', output: 'it is not known yet whether Redis can be used' }
    if (status === 'pass') return this.#stateVerdict()
    const error = this.#look?.error
    if (status === 'warn') return { status, output: error ?? `Redis answers in more than ${slowMs} ms` }
    return { status, output: error === undefined ? 'Redis could not be used until a moment ago' : `Redis cannot be used: ${error}` }
  }

  /** A look may go well where callers' reads do not: then the supervisor knows. */
  #stateVerdict(): HealthVerdict {
    const troubled = (this.#parts.far.nodes?.() ?? []).filter(({ state }) => state !== 'healthy')
    if (troubled.length === 0) return { status: 'pass' }
    return { status: 'warn', output: troubled.map(({ node, state, why }) => `Redis at ${node} is ${state}: ${why}`).join('; ') }
  }

  #shardsVerdict(): HealthVerdict {
    const { shards, proven } = this.#parts
    const missing = shards.all.length - proven()
    return missing === 0 ? { status: 'pass' } : { status: 'warn', output: `${missing} of ${shards.all.length} shards are not proven` }
  }

  #outboxVerdict(): HealthVerdict {
    const waiting = this.#parts.shards.unsent()
    return waiting === 0 ? { status: 'pass' } : { status: 'warn', output: `invalidations that wait to be sent: ${waiting}` }
  }

  #redisChecks(verdict: HealthVerdict): Health['checks'] {
    if (this.#parts.plan.redis === 'none') return {}
    const { ms, error, time = this.#time() } = this.#look ?? {}
    const looked = { componentType: 'datastore', time, status: verdict.status, output: error ?? verdict.output } as const
    return {
      'redis:responseTime': [{ ...looked, observedValue: ms === undefined ? undefined : rounded(ms), observedUnit: 'ms' }],
      'redis:writable': [{ ...looked, observedValue: ms === undefined ? undefined : error === undefined }],
      'redis:state': this.#nodes(),
    }
  }

  /** Each node as its supervisor holds it. */
  #nodes(): readonly HealthCheck[] {
    const errors = new Map(this.#parts.far.linkErrors?.().map(({ node, error }) => [node, error]))
    const time = this.#time()
    return (this.#parts.far.nodes?.() ?? []).map(({ node, state, forMs, why }) => {
      const output = `for ${Math.round(forMs)} ms: ${errors.get(node) ?? why}`
      return { componentId: node, componentType: 'datastore', observedValue: state, status: statusOf[state], time, output }
    })
  }

  #ownChecks(verdicts: { readonly live: HealthVerdict; readonly shards: HealthVerdict; readonly outbox: HealthVerdict }): Health['checks'] {
    const { shards, proven } = this.#parts
    const time = this.#time()
    const lagMs = this.#lagsMs.at(-1)
    const observed = (observedValue: number | undefined, observedUnit: string, verdict: HealthVerdict): HealthCheck[] => [
      { componentType: 'component', observedValue, observedUnit, time, ...verdict },
    ]
    const [lag] = observed(lagMs === undefined ? undefined : rounded(lagMs), 'ms', verdicts.live)
    return {
      'shards:proven': observed(proven(), `of ${shards.all.length} shards`, verdicts.shards),
      'outbox:waiting': observed(shards.unsent(), `of ${shards.mostUnsent} for each of ${shards.all.length} shards`, verdicts.outbox),
      'eventLoop:lag': lag === undefined ? [] : [{ ...lag, componentType: 'system', time: this.#lagTime }],
    }
  }

  #time(): string {
    return new Date(this.#parts.clock.wall()).toISOString()
  }
}

/** What a node's state is worth. */
const statusOf: Readonly<Record<NodeState, HealthStatus>> = {
  healthy: 'pass',
  degraded: 'warn',
  probing: 'warn',
  connecting: 'fail',
  open: 'fail',
}

/**
 * A server without room serves what it has and takes invalidations, and one that is given no more reads than it bears answers those: that is
 * no reason to stop.
 */
function seenIn({ error, ms }: Look, { slowMs, nodes }: { readonly slowMs: number; readonly nodes: readonly NodeStats[] }): HealthStatus {
  if (error === undefined) return ms > slowMs ? 'warn' : 'pass'
  const isShed = error.startsWith('E_REDIS_SHED') && nodes.every(({ state }) => state === 'healthy' || state === 'degraded')
  return isShed || /\bOOM\b/.test(error) ? 'warn' : 'fail'
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** Ours are made to be shown; of anything else nobody knows what stands in it. */
function wordsOf(error: unknown): string {
  return error instanceof ForebayError && isAway(error) ? error.message : 'an unexpected error'
}
