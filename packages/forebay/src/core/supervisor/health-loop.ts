import type { Clock, Timer } from '../clock.js'
import type { Supervisor } from './supervisor.js'

/** A timer that rings so much later than it was set for: this process stood still in between. */
export const stallMs = 10

export interface HealthLoopParts {
  readonly clock: Clock
  readonly supervisor: Supervisor
  /** Asks the server for a sign of life, on the link that is used; rejects when none has come within the longest deadline. */
  readonly check: () => Promise<unknown>
  /** How often it is looked whether a check is due. */
  readonly lookEveryMs: number
}

/** Sends the health checks: an idle link, or one that nobody may use at the moment, would not be judged without. */
export class HealthLoop {
  readonly #parts: HealthLoopParts
  #timer: Timer | undefined
  #checking = false

  constructor(parts: HealthLoopParts) {
    this.#parts = parts
    this.#lookLater()
  }

  /** There is reason to doubt: checks at once. */
  checkNow(): void {
    if (this.#checking || this.#parts.supervisor.state === 'connecting') return
    this.#checking = true
    const { clock, supervisor, check } = this.#parts
    const sentMs = clock.now()
    const told = (ok: boolean) => {
      this.#checking = false
      supervisor.checked(clock.now(), { ok, sentMs })
    }
    check().then(
      () => told(true),
      () => told(false),
    )
  }

  close(): void {
    this.#timer?.cancel()
  }

  #lookLater(): void {
    const { clock, supervisor, lookEveryMs } = this.#parts
    const dueMs = clock.now() + lookEveryMs
    this.#timer = clock.after(lookEveryMs, () => {
      this.#lookLater()
      const nowMs = clock.now()
      if (nowMs - dueMs > stallMs) supervisor.stalled(nowMs, nowMs - dueMs)
      if (supervisor.checkIsDue(nowMs)) this.checkNow()
    })
  }
}
