import type { Clock, Timer } from '../core/clock.js'

/** Taken when this module is loaded, because worlds forbid the global one. */
const realSetImmediate = setImmediate

interface Scheduled {
  readonly atMs: number
  readonly order: number
  task: (() => void) | undefined
}

/**
 * The time of a simulated world: a heap of tasks ordered by (time, order of scheduling). After each task one real turn of the event loop
 * passes, so that every promise that the task settled has been followed to its end before time moves on.
 */
export class SimClock implements Clock {
  #nowMs = 0
  #order = 0
  #still = 0
  #heap: Scheduled[] = []

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return wallStartMs + this.#nowMs
  }

  after(delayMs: number, task: () => void): Timer {
    const scheduled: Scheduled = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, task }
    push(this.#heap, scheduled)
    return {
      cancel() {
        scheduled.task = undefined
      },
    }
  }

  afterInput(task: () => void): void {
    this.after(0, task)
  }

  /** Lets time pass up to `untilMs`, or until `done` says so. */
  runUntil(untilMs: number, done: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        try {
          if (this.#next(untilMs, done)) realSetImmediate(step)
          else resolve()
        } catch (error) {
          reject(error)
        }
      }
      realSetImmediate(step)
    })
  }

  /** Runs the next task, if there is one and its time has come. */
  #next(untilMs: number, done: () => boolean): boolean {
    if (done()) return false
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      pop(this.#heap)
      if (next.task === undefined) continue
      this.#tick(next.atMs)
      next.task()
      return true
    }
    if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs)
    return false
  }

  /** A world in which timers only make timers that are due at once would never end. */
  #tick(nowMs: number): void {
    this.#still = nowMs === this.#nowMs ? this.#still + 1 : 0
    if (this.#still > mostAtOneInstant) throw new Error(`time stands still at ${nowMs} ms: ${this.#still} tasks in one instant`)
    this.#nowMs = nowMs
  }

  /** Lets `spanMs` pass. */
  run(spanMs: number): Promise<void> {
    return this.runUntil(this.#nowMs + spanMs)
  }
}

const mostAtOneInstant = 100_000
/** An arbitrary but plausible wall-clock time. */
const wallStartMs = 1_800_000_000_000

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Scheduled[], item: Scheduled): void {
  let at = heap.length
  heap.push(item)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]
    if (parent === undefined || !before(item, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = item
}

function pop(heap: Scheduled[]): void {
  const item = heap.pop()
  if (item === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = heap[2 * at + 1]
    const right = heap[2 * at + 2]
    const smaller = right !== undefined && left !== undefined && before(right, left) ? right : left
    if (smaller === undefined || !before(smaller, item)) break
    heap[at] = smaller
    at = smaller === right ? 2 * at + 2 : 2 * at + 1
  }
  heap[at] = item
}
