import type { Clock } from '../core/clock.js'

/** Callers who wait for a lease of another process, to be woken when the log tells of its end. */
export class Wakes {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Registers a waiter. Do so before asking who holds the lease: the wake may overtake the answer. */
  register(cache: string, key: string): Waiter {
    const name = `${cache}\n${key}`
    let wake = (): void => {}
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const waiting = this.#waiting.get(name) ?? new Set()
    this.#waiting.set(name, waiting.add(wake))
    const end = (): void => {
      waiting.delete(wake)
      if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name)
    }
    return { wait: (ms) => this.#wait(woken, ms, wake).finally(end), end }
  }

  wake(cache: string, key: string): void {
    for (const wake of this.#waiting.get(`${cache}\n${key}`) ?? []) wake()
  }

  wakeAll(): void {
    for (const waiting of this.#waiting.values()) for (const wake of waiting) wake()
  }

  async #wait(woken: Promise<void>, ms: number, wake: () => void): Promise<void> {
    const timer = this.#clock.after(ms, wake)
    await woken
    timer.cancel()
  }
}

export interface Waiter {
  /** Resolves when woken, or after `ms`. */
  wait(ms: number): Promise<void>
  end(): void
}
