import type { ShedReason } from '../core/events.js'
import type { LoadBounds } from '../core/plan.js'

/** What a load is for. */
export type Lane = 'callers' | 'refreshes' | 'warm-ups'

const byRank: readonly Lane[] = ['callers', 'refreshes', 'warm-ups']

/** What becomes of a load that had to wait: exactly one of these, unless it is cancelled. */
export interface Waiting {
  readonly admit: () => void
  readonly shed: (lane: Lane, why: ShedReason) => void
}

/**
 * The places for the loads of one cache, and the queue before them. Bounded twice: so many run, so many wait. A place that becomes free goes
 * to the first of the foremost lane. A full queue turns away the first of a lane behind the newcomer's, else the newcomer. Rank is strict,
 * and strict rank starves: where callers alone fill all places nothing is refreshed, and what is stale stays so until it ends and is loaded
 * for a caller. A cache in such need should do just that.
 */
export class Lanes {
  readonly #bounds: LoadBounds
  readonly #queues: Readonly<Record<Lane, Queue>> = { callers: new Queue(), refreshes: new Queue(), 'warm-ups': new Queue() }
  #running = 0
  #shed = 0

  constructor(bounds: LoadBounds) {
    this.#bounds = bounds
  }

  /** Takes a place if one is free. Whoever has one gives it back by `leave`. */
  enter(): boolean {
    if (this.#running >= this.#bounds.max) return false
    this.#running++
    return true
  }

  /** Waits for a place where `enter` found none; no ticket if it was turned away at once. */
  queue(lane: Lane, waiting: Waiting): Ticket | undefined {
    if (this.#waiting >= this.#bounds.queue && !this.#makeRoom(lane)) {
      this.#shed++
      waiting.shed(lane, 'full')
      return undefined
    }
    const ticket: Ticket = { lane, waiting, before: undefined, after: undefined }
    this.#queues[lane].add(ticket)
    return ticket
  }

  /** Gives a place back: to whoever waits first, else it is free. */
  leave(): void {
    for (const lane of byRank) {
      const { first } = this.#queues[lane]
      if (first === undefined) continue
      this.#queues[lane].remove(first)
      return first.waiting.admit()
    }
    this.#running--
  }

  /** Whoever waited for this no longer does. Nothing if the wait is over. */
  cancel(ticket: Ticket): void {
    this.#queues[ticket.lane].remove(ticket)
  }

  /** It has waited long enough. Nothing if the wait is over. */
  giveUp(ticket: Ticket): void {
    if (this.#queues[ticket.lane].remove(ticket)) this.#turnAway(ticket, 'late')
  }

  /** A caller has joined what nobody waited for: it goes on waiting among the callers. */
  hurry(ticket: Ticket): void {
    if (ticket.lane === 'callers' || !this.#queues[ticket.lane].remove(ticket)) return
    ticket.lane = 'callers'
    this.#queues.callers.add(ticket)
  }

  report(): LoadStats {
    const { callers, refreshes, 'warm-ups': warmUps } = this.#queues
    const queued = { callers: callers.size, refreshes: refreshes.size, warmUps: warmUps.size }
    return { running: this.#running, queued, shed: this.#shed }
  }

  get #waiting(): number {
    return byRank.reduce((waiting, lane) => waiting + this.#queues[lane].size, 0)
  }

  #makeRoom(newcomer: Lane): boolean {
    for (let rank = byRank.length - 1; rank > byRank.indexOf(newcomer); rank--) {
      const queue = this.#queues[byRank[rank] as Lane]
      if (queue.first === undefined) continue
      const { first } = queue
      queue.remove(first)
      this.#turnAway(first, 'full')
      return true
    }
    return false
  }

  #turnAway(ticket: Ticket, why: ShedReason): void {
    this.#shed++
    ticket.waiting.shed(ticket.lane, why)
  }
}

/** A load's place in the queue. */
export interface Ticket {
  lane: Lane
  readonly waiting: Waiting
  before: Ticket | undefined
  after: Ticket | undefined
}

/** Loads of one cache in this process: under way, waiting by what they are for, and turned away since its creation. */
export interface LoadStats {
  readonly running: number
  readonly queued: { readonly callers: number; readonly refreshes: number; readonly warmUps: number }
  readonly shed: number
}

/** First come, first served; whoever gives up leaves from wherever he stands. */
class Queue {
  first: Ticket | undefined
  size = 0
  #last: Ticket | undefined

  add(ticket: Ticket): void {
    ticket.before = this.#last
    ticket.after = undefined
    if (this.#last === undefined) this.first = ticket
    else this.#last.after = ticket
    this.#last = ticket
    this.size++
  }

  /** False if it does not stand here any more. */
  remove(ticket: Ticket): boolean {
    const { before, after } = ticket
    if (before === undefined && this.first !== ticket) return false
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    ticket.before = undefined
    ticket.after = undefined
    this.size--
    return true
  }
}
