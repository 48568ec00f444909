import type { Clock, Timer } from '../core/clock.js'
import type { SimClock } from './sim-clock.js'

/** How a process's clocks differ from the world's. */
export interface ClockSkew {
  readonly offsetMs: number
  /** Share by which the process's monotonic clock runs fast (> 0) or slow (< 0). */
  readonly drift: number
}

interface LocalTimer {
  readonly dueMs: number
  readonly task: () => void
  /** It has fired, or was called off. */
  over: boolean
}

/**
 * One process's view of a world's time, and the door through which everything from outside reaches it. While the process is stalled,
 * nothing of it runs; when it goes on, what came due comes in Node's order: first the timers, then the input, then `afterInput`.
 */
export class SimProcess implements Clock {
  readonly #world: SimClock
  readonly #skew: ClockSkew
  #suspendedMs = 0
  #stalledUntilMs = -1
  #suspendedAtMs: number | undefined
  #heldTimers: LocalTimer[] = []
  #heldInput: (() => void)[] = []
  #alive = true
  #timers = 0

  constructor(world: SimClock, skew: ClockSkew = { offsetMs: 0, drift: 0 }) {
    this.#world = world
    this.#skew = skew
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Timers that are set and have neither fired nor been called off. */
  get timers(): number {
    return this.#timers
  }

  get stalled(): boolean {
    return this.#stalledUntilMs >= 0
  }

  now(): number {
    const awakeMs = (this.#suspendedAtMs ?? this.#world.now()) - this.#suspendedMs
    return this.#skew.offsetMs + awakeMs * (1 + this.#skew.drift)
  }

  wall(): number {
    return this.#world.wall() + this.#skew.offsetMs
  }

  after(delayMs: number, task: () => void): Timer {
    const timer: LocalTimer = { dueMs: this.now() + Math.max(0, delayMs), task, over: false }
    this.#timers++
    this.#schedule(timer)
    return { cancel: () => this.#end(timer) }
  }

  afterInput(task: () => void): void {
    this.#world.after(0, () => this.input(task))
  }

  /** Something arrives from outside: an answer, a push, a caller. */
  input(task: () => void): void {
    if (!this.#alive) return
    if (this.stalled) this.#heldInput.push(task)
    else task()
  }

  /** The process does not run for a while (SIGSTOP, a long garbage collection); its clocks go on. */
  stall(spanMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#world.now() + spanMs)
    this.#world.after(spanMs, () => this.#resume())
  }

  /** The machine sleeps: the process does not run and its monotonic clock stands still; the wall clock goes on. */
  suspend(spanMs: number): void {
    this.#suspendedAtMs ??= this.#world.now()
    this.stall(spanMs)
  }

  /** The process dies: nothing of it ever runs again. */
  kill(): void {
    this.#alive = false
    this.#heldTimers = []
    this.#heldInput = []
  }

  #schedule(timer: LocalTimer): void {
    this.#world.after((timer.dueMs - this.now()) / (1 + this.#skew.drift), () => this.#fire(timer))
  }

  #fire(timer: LocalTimer): void {
    if (timer.over || !this.#alive) return
    if (this.stalled) this.#heldTimers.push(timer)
    else if (this.now() < timer.dueMs - roundingMs) this.#schedule(timer)
    else {
      this.#end(timer)
      timer.task()
    }
  }

  #end(timer: LocalTimer): void {
    if (!timer.over) this.#timers--
    timer.over = true
  }

  #resume(): void {
    if (this.#world.now() < this.#stalledUntilMs || !this.#alive) return
    this.#stalledUntilMs = -1
    if (this.#suspendedAtMs !== undefined) this.#suspendedMs += Math.max(0, this.#world.now() - this.#suspendedAtMs - wakingMs)
    this.#suspendedAtMs = undefined
    const timers = this.#heldTimers.sort((a, b) => a.dueMs - b.dueMs)
    const input = this.#heldInput
    this.#heldTimers = []
    this.#heldInput = []
    for (const timer of timers) this.#world.after(0, () => this.#fire(timer))
    for (const task of input) this.#world.after(0, () => this.input(task))
  }
}

/** Falling asleep and waking up take some time, by the monotonic clock too. */
const wakingMs = 2
/** Clocks are sums of fractions: a timer that is early by less than this is on time. */
const roundingMs = 1e-6
