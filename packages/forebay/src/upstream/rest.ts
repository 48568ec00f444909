import type { Clock } from '../core/clock.js'

/** Waiting that can be cut short. */
export class Rest {
  readonly #clock: Pick<Clock, 'after'>
  readonly #waiting = new Set<() => void>()

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  /** Resolves after this time, or at the next `wake`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.#waiting.delete(end)
        resolve()
      }
      const timer = this.#clock.after(ms, end)
      this.#waiting.add(end)
    })
  }

  wake(): void {
    for (const end of [...this.#waiting]) end()
  }
}

/** How long to wait after so many failures in a row: twice as long each time, up to `mostMs`. */
export function backoffMs(failures: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30))
}
