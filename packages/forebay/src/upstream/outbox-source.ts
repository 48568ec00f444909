import type { Clock } from '../core/clock.js'
import { parseDuration } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { Duration } from '../engine/public.js'
import { systemClock } from '../system/clock.js'
import type { Change, ChangeSource, Feed } from './change.js'
import { checkCount } from './follow-changes.js'
import { backoffMs, Rest } from './rest.js'

export interface OutboxOptions<C extends Change> {
  /** Reads up to `limit` committed rows, and claims them for a while if other processes read too. */
  readonly read: (limit: number) => PromiseLike<readonly C[]>
  /** Removes rows whose invalidations have been acknowledged. Those it was not called for, or failed for, are read again. */
  readonly done: (changes: readonly C[]) => PromiseLike<unknown>
  /** How often the table is looked at when nobody pokes. Default 1 s. */
  readonly poll?: Duration | undefined
  /** Rows read at once. Default 100. */
  readonly batch?: number | undefined
  /** For tests: a simulated clock in place of the real one. */
  readonly clock?: Pick<Clock, 'after'> | undefined
}

export interface OutboxSource<C extends Change> extends ChangeSource<C> {
  start(feed: Feed<C>): () => Promise<void>
  /** Says that there may be new rows: they are read now and not at the next poll. */
  poke(): void
}

/** After failures in a row the table is looked at less often, down to this. */
const longestPauseMs = 30_000

/** The rows of a transactional outbox table, as a source of changes. Throws `E_OPTION`. */
export function outboxSource<C extends Change>(options: OutboxOptions<C>): OutboxSource<C> {
  return new Outbox(options)
}

class Outbox<C extends Change> implements OutboxSource<C> {
  readonly #options: OutboxOptions<C>
  readonly #pollMs: number
  readonly #batch: number
  readonly #rest: Rest
  #state: 'new' | 'well' | 'failing' | 'stopped' = 'new'
  #failures = 0
  #poked = false

  constructor(options: OutboxOptions<C>) {
    this.#options = options
    this.#pollMs = options.poll === undefined ? 1_000 : parseDuration('poll', options.poll)
    this.#batch = checkCount('batch', options.batch ?? 100)
    this.#rest = new Rest(options.clock ?? systemClock)
  }

  start(feed: Feed<C>): () => Promise<void> {
    if (this.#state !== 'new') throw new ForebayError('E_OPTION', 'source has been started before; make one for each followChanges')
    this.#state = 'well'
    const ended = this.#run(feed)
    return () => {
      this.#state = 'stopped'
      this.#rest.wake()
      return ended
    }
  }

  poke(): void {
    this.#poked = true
    // A database in trouble is not asked more often because others write.
    if (this.#state === 'well') this.#rest.wake()
  }

  async #run(feed: Feed<C>): Promise<void> {
    while (this.#state !== 'stopped') {
      this.#poked = false
      const { found, trouble } = await this.#round(feed)
      if (this.#stopped()) return
      this.#state = trouble === undefined ? 'well' : 'failing'
      this.#failures = trouble === undefined ? 0 : this.#failures + 1
      if (trouble !== undefined) {
        feed.failed(trouble.error)
        await this.#rest.wait(Math.max(this.#pollMs, backoffMs(this.#failures - 1, this.#pollMs, longestPauseMs)))
      } else if (found < this.#batch && !this.#poked) await this.#rest.wait(this.#pollMs)
    }
  }

  /** Reads once, delivers what was found, and removes what was acknowledged. */
  async #round(feed: Feed<C>): Promise<{ readonly found: number; readonly trouble?: { readonly error: unknown } }> {
    try {
      const changes = await this.#options.read(this.#batch)
      const outcomes = await Promise.allSettled(changes.map((change) => feed.deliver(change)))
      const acknowledged = changes.filter((_, i) => outcomes[i]?.status === 'fulfilled')
      if (acknowledged.length > 0) await this.#options.done(acknowledged)
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      return failed === undefined ? { found: changes.length } : { found: changes.length, trouble: { error: failed.reason } }
    } catch (error) {
      return { found: 0, trouble: { error } }
    }
  }

  #stopped(): boolean {
    return this.#state === 'stopped'
  }
}
