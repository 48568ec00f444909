/** A timer that can be called off; cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void
}

/** Time as the engine sees it. The real one lives in `system/`, the simulated one in `testing/`. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start; the only time that decides anything. */
  now(): number
  /** Wall-clock milliseconds; read only to notice that the process was suspended. */
  wall(): number
  /** Runs `task` once, `delayMs` from now. Never keeps the process alive. */
  after(delayMs: number, task: () => void): Timer
  /** Runs `task` once the input that already waits has been read (after a stall, timers fire before sockets are read). */
  afterInput(task: () => void): void
}

/** Chance as the engine sees it. */
export interface Random {
  /** A number in [0, 1). */
  unit(): number
  /** Eight characters of `A-Za-z0-9_-`: 48 random bits, for names that must not collide. */
  id(): string
}
