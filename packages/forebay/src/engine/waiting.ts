import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { AcquireAnswer } from '../core/far-store.js'
import { leaseMs } from '../core/plan.js'
import type { OwnLeases } from './own-leases.js'

/** How long to wait for another process's load, and when to take its lease over: once its load must be over by any clock. */
export class Waiting {
  readonly #clock: Clock
  readonly #hardTimeoutMs: number
  readonly #leases: OwnLeases
  readonly #sinceMs: number
  #holder = ''
  #holderSinceMs = 0

  constructor(clock: Clock, hardTimeoutMs: number, leases: OwnLeases) {
    this.#clock = clock
    this.#hardTimeoutMs = hardTimeoutMs
    this.#leases = leases
    this.#sinceMs = clock.now()
  }

  /** The lease's token, if it is this process's and stands for nobody, or its holder should long have ended: the server's clock was set back, or it never ends. */
  get takeover(): string | undefined {
    if (this.#leases.isForNobody(this.#holder)) return this.#holder
    return this.#holder !== '' && this.#clock.now() - this.#holderSinceMs > this.#hardTimeoutMs + leaseMs ? this.#holder : undefined
  }

  patience(answer: Extract<AcquireAnswer, { kind: 'wait' }>): number {
    const nowMs = this.#clock.now()
    if (answer.holder !== this.#holder) {
      this.#holder = answer.holder
      this.#holderSinceMs = nowMs
    }
    if (nowMs - this.#sinceMs > 2 * this.#hardTimeoutMs + leaseMs) {
      throw new ForebayError('E_LOAD_TIMEOUT', `other processes have not loaded this key within ${2 * this.#hardTimeoutMs + leaseMs} ms`)
    }
    return Math.min(Math.max(answer.remainingMs, 1), leaseMs) + 1
  }
}
