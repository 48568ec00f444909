import type { Clock, Random } from '../core/clock.js'
import { isMisuse } from '../core/errors.js'
import type { RefusalReason, Tell } from '../core/events.js'
import type { EntryAddress } from '../core/far-store.js'
import { handOut } from '../core/kept-value.js'
import type { CachePlan } from '../core/plan.js'
import type { Place } from './gate.js'
import type { Held } from './held.js'
import type { Job } from './job.js'
import type { LoadChain } from './load-chain.js'
import { runLoader } from './loader.js'
import { type Settled, settle } from './outcomes.js'
import { type Storable, storable } from './storable.js'

/** What a load begins with: its place, and the old value if one is known. */
export interface Basis {
  readonly place: Place
  readonly previous: Held | undefined
}

/** What a load has brought: to be stored, or why it is only handed out. */
export type Brought =
  | { readonly kind: 'storable'; readonly value: unknown; readonly startedMs: number; readonly storable: Storable }
  | { readonly kind: 'passed'; readonly value: unknown; readonly startedMs: number; readonly why: RefusalReason }

export interface OriginParts {
  readonly clock: Clock
  readonly random: Random
  readonly tell: Tell
  readonly chain: LoadChain
}

/** One load: the loader runs, its place is left, and what it has returned is made ready to be stored. */
export class Origin {
  readonly #plan: CachePlan
  readonly #parts: OriginParts

  constructor(plan: CachePlan, parts: OriginParts) {
    this.#plan = plan
    this.#parts = parts
  }

  async load(at: EntryAddress, job: Job, basis: Basis): Promise<Brought> {
    const { clock } = this.#parts
    const startedMs = clock.now()
    const outcome = await this.#run(at, job, basis)
    const found = this.#storable(job, outcome, clock.now() - startedMs)
    if (typeof found === 'string') return { kind: 'passed', value: outcome.value, startedMs, why: found }
    return { kind: 'storable', value: found.value, startedMs, storable: found }
  }

  async #run(at: EntryAddress, job: Job, { place, previous }: Basis): Promise<Settled> {
    const { clock, tell, chain } = this.#parts
    const startedMs = clock.now()
    const told = { cache: at.cache, key: at.key }
    try {
      const context = { key: job.key, previous: handOut(previous?.value), validator: previous?.validator }
      const run = () => runLoader(job.load, context, job.controller(), { clock, hardTimeoutMs: this.#plan.hardTimeoutMs })
      // Of many that are loaded by one call, it is the call that loads.
      const outcome = await (job.doors === undefined ? chain.run([at], run) : run())
      tell({ type: 'load', ms: clock.now() - startedMs, background: job.background, ...told })
      return settle(this.#plan, outcome, { previous, options: job.options, wallMs: clock.wall() })
    } catch (error) {
      tell({ type: 'load-error', ms: clock.now() - startedMs, error, ...told })
      throw error
    } finally {
      place.leave()
    }
  }

  /** What is to be stored, or why nothing is. One value of many that cannot be kept must not fail the others: it is handed out only. */
  #storable(job: Job, outcome: Settled, costMs: number): Storable | 'asked' | 'unstorable' {
    if (outcome.kind === 'pass') return 'asked'
    const { value, options } = outcome
    const what = { key: job.key, value, costMs, validator: options?.validator }
    try {
      return storable(this.#plan, what, [options, job.options], this.#parts)
    } catch (error) {
      // What the schema refuses is not what callers were promised: it is an error of that key.
      if (job.doors === undefined || !isMisuse(error) || error.code === 'E_VALUE_SCHEMA') throw error
      return 'unstorable'
    }
  }
}
