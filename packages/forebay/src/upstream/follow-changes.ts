import type { Clock } from '../core/clock.js'
import { show } from '../core/duration.js'
import { ForebayError, isMisuse } from '../core/errors.js'
import type { Forebay } from '../engine/public.js'
import { systemClock } from '../system/clock.js'
import { type Act, Acts } from './acts.js'
import type { Change, ChangeSource, Deliver, Invalidation } from './change.js'
import { backoffMs, Rest } from './rest.js'
import { Seen } from './seen.js'
import { Turns } from './turns.js'

export interface FollowOptions<C extends Change> {
  /** Its caches are found by their names: create them before. */
  readonly forebay: Forebay
  /** What a change makes invalid; an empty list if nothing. Called once per delivery, and at once: whatever it needs is in the change. */
  readonly map: (change: C) => readonly Invalidation[]
  /**
   * Told of a change that cannot be used, which is then parked: confirmed, and not tried again. Put it where somebody looks; if this
   * throws or rejects, the change is not confirmed. Without a change: the source is in trouble, and goes on trying.
   */
  readonly onError: (error: unknown, change: C | undefined) => void | PromiseLike<void>
  /** Where the changes come from. Leave it out to hand them over yourself, by `deliver`. */
  readonly source?: ChangeSource<C> | undefined
  /** Invalidations sent at once. Default 16. */
  readonly concurrency?: number | undefined
  /** How many ids of changes are remembered. Default 10,000. */
  readonly remember?: number | undefined
  /** For tests: a simulated clock in place of the real one. */
  readonly clock?: Pick<Clock, 'after'> | undefined
}

/** Counters since the start. */
export interface FollowStats {
  /** Changes whose invalidations have all been acknowledged. */
  readonly delivered: number
  /** Deliveries of a change that was under way or had been delivered. */
  readonly duplicates: number
  /** Changes that could not be used. */
  readonly parked: number
  /** Invalidations acknowledged by Redis. */
  readonly invalidations: number
  /** Attempts that were not acknowledged, and made again. */
  readonly retries: number
  /** Changes under way now. */
  readonly underWay: number
}

export interface Following<C extends Change> {
  readonly deliver: Deliver<C>
  stats(): FollowStats
  /** Ends the source, finishes the attempts under way, and rejects what could not be acknowledged, so that it stays unconfirmed. */
  stop(): Promise<void>
}

const firstRetryMs = 50
const longestRetryMs = 2_000

/** Invalidates what changes upstream make old: each change at least once, confirmed only after Redis has acknowledged. Throws `E_OPTION`. */
export function followChanges<C extends Change>(options: FollowOptions<C>): Following<C> {
  for (const name of ['map', 'onError'] as const) {
    if (typeof options[name] !== 'function') throw new ForebayError('E_OPTION', `${name} is ${show(options[name])}; a function`)
  }
  const follower = new Follower(options)
  follower.start()
  // Bound, so that each can be handed on alone.
  return { deliver: follower.deliver, stats: () => follower.stats(), stop: () => follower.stop() }
}

/**
 * A change goes: mapped → its invalidations sent, each until acknowledged → its id remembered → confirmed. `queued` is not acknowledged:
 * such an invalidation waits in this process only, and would die with it. An id is remembered last, so that a failure on the way leaves a
 * change that is delivered again. A second delivery that comes meanwhile shares the first one's fate: both were committed before it began.
 */
class Follower<C extends Change> {
  readonly #options: FollowOptions<C>
  readonly #acts: Acts
  readonly #turns: Turns
  readonly #seen: Seen
  readonly #rest: Rest
  readonly #byId = new Map<unknown, Promise<void>>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #counts = { delivered: 0, duplicates: 0, parked: 0, invalidations: 0, retries: 0 }
  #stopSource: () => void | PromiseLike<void> = () => {}
  #stopping: Promise<void> | undefined

  constructor(options: FollowOptions<C>) {
    this.#options = options
    this.#acts = new Acts(options.forebay)
    this.#turns = new Turns(checkCount('concurrency', options.concurrency ?? 16))
    this.#seen = new Seen(checkCount('remember', options.remember ?? 10_000))
    this.#rest = new Rest(options.clock ?? systemClock)
  }

  start(): void {
    const stop = this.#options.source?.start({ deliver: this.deliver, failed: (error) => void this.#tellTrouble(error) })
    if (stop !== undefined) this.#stopSource = stop
  }

  readonly deliver = async (change: C): Promise<void> => {
    if (this.#stopping !== undefined) throw stopped()
    const { id } = change
    const before = id === undefined ? undefined : this.#seen.has(id) ? Promise.resolve() : this.#byId.get(id)
    if (before !== undefined) {
      this.#counts.duplicates++
      return before
    }
    return this.#track(id, this.#handle(change))
  }

  stats(): FollowStats {
    return { ...this.#counts, underWay: this.#underWay.size }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const ended = this.#stopSource()
    this.#rest.wake()
    await ended
    await Promise.allSettled([...this.#underWay])
  }

  async #track(id: C['id'], work: Promise<void>): Promise<void> {
    this.#underWay.add(work)
    if (id !== undefined) this.#byId.set(id, work)
    try {
      await work
    } finally {
      this.#underWay.delete(work)
      this.#byId.delete(id)
    }
  }

  async #handle(change: C): Promise<void> {
    let acts: readonly Act[]
    try {
      acts = this.#acts.of(this.#options.map(change))
    } catch (error) {
      if (isClosed(error)) throw error
      return this.#park(error, change)
    }
    const outcomes = await Promise.allSettled(acts.map((act) => this.#acknowledged(act)))
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    if (errors.length > 0) {
      const unfinished = errors.find((error) => !isMisuse(error))
      if (unfinished !== undefined) throw unfinished
      return this.#park(errors[0], change)
    }
    if (change.id !== undefined) this.#seen.add(change.id)
    this.#counts.delivered++
  }

  async #acknowledged(act: Act): Promise<void> {
    for (let failures = 0; ; failures++) {
      const { state } = await this.#turns.take(act)
      if (state === 'acknowledged') break
      this.#counts.retries++
      if (this.#stopping === undefined) await this.#rest.wait(backoffMs(failures, firstRetryMs, longestRetryMs))
      if (this.#stopping !== undefined) throw stopped()
    }
    this.#counts.invalidations++
  }

  async #park(cause: unknown, change: C): Promise<void> {
    const known = cause instanceof ForebayError
    const error = known
      ? cause
      : new ForebayError('E_CHANGE', `map() threw ${show(cause instanceof Error ? cause.message : cause)}`, { cause })
    await this.#options.onError(error, change)
    this.#counts.parked++
  }

  async #tellTrouble(error: unknown): Promise<void> {
    try {
      await this.#options.onError(error, undefined)
    } catch {
      // Nobody is left to be told; the source goes on trying.
    }
  }
}

/** Checks an option that counts something; throws `E_OPTION`. */
export function checkCount(option: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new ForebayError('E_OPTION', `${option} is ${show(value)}; a whole number from 1`)
  return value
}

/** The caches were closed before the changes were: no fault of the change. */
function isClosed(error: unknown): boolean {
  return error instanceof ForebayError && error.code === 'E_CLOSED'
}

function stopped(): ForebayError {
  return new ForebayError('E_CLOSED', 'changes are no longer followed; this one was not confirmed')
}
