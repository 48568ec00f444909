import type { Clock, Timer } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import { stallMs } from '../core/supervisor/health-loop.js'
import type { Ending, Supervisor } from '../core/supervisor/supervisor.js'

/** Whoever waits for an answer. */
export interface Caller {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: ForebayError) => void
}

/** A call under way. */
export interface Call {
  readonly dueMs: number
  readonly patienceMs: number
  /** How many keys it reads; 0 = it is no read. */
  readonly reads: number
  readonly caller: Caller
  over: boolean
}

export interface Watch {
  /** A link that owes answers and has brought none for so long is silent. */
  readonly afterMs: number
  readonly onSilent: () => void
  /** Told what became of each call, if the server is judged by this link. */
  readonly supervisor?: Supervisor | undefined
}

/** After such a stall of this process, what is late is nobody's fault. */
const longStallMs = 25
/** While calls are under way by which a server is judged, the timer rings this often: a late one shows that this process stood still. */
const paceMs = 20

/**
 * The calls under way on one link, and when each is late.
 *
 * Calls of one patience are due in the order in which they were sent, and are answered in that order, so each patience is a queue whose
 * head is due first, and one timer watches all of them. It is never called off: when it fires too early it is set again, which costs less
 * than a timer for each call. Nothing is judged by the timer itself. After a stall of the event loop timers run before sockets are read, so
 * a call is late, and a link is silent, only if that is still so once the waiting input has been read.
 */
export class Calls {
  readonly #clock: Clock
  readonly #watched: Watch
  readonly #paceMs: number
  readonly #queues = new Map<number, Queue>()
  /** Sent and not answered, whether late or not. */
  #owed = 0
  #silentSinceMs = 0
  #timer: Timer | undefined
  #firesAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, watch: Watch) {
    this.#clock = clock
    this.#watched = watch
    this.#paceMs = watch.supervisor === undefined ? Number.POSITIVE_INFINITY : paceMs
  }

  /** Number of calls that the server still has to answer. */
  get owed(): number {
    return this.#owed
  }

  /** A call is sent. */
  begin(patienceMs: number, caller: Caller, reads = 0): Call {
    const nowMs = this.#clock.now()
    const call = { dueMs: nowMs + patienceMs, patienceMs, reads, caller, over: false }
    this.#watched.supervisor?.begin(reads)
    if (this.#owed === 0) this.#silentSinceMs = nowMs
    this.#owed += 1
    this.#queue(patienceMs).push(call)
    const watchedMs = Math.min(call.dueMs, this.#silentSinceMs + this.#watched.afterMs, nowMs + this.#paceMs)
    if (watchedMs < this.#firesAtMs) this.#watch(watchedMs, nowMs)
    return call
  }

  /** The server has answered, or the link is gone. False if it is too late. */
  end(call: Call, ending: Ending = 'answered'): boolean {
    const nowMs = this.#clock.now()
    this.#owed -= 1
    this.#silentSinceMs = nowMs
    this.#watched.supervisor?.ended(call, ending, nowMs)
    if (call.over) return false
    call.over = true
    return true
  }

  /** Nobody waits for an answer any more: all are told. What is still answered counts for nobody. */
  abandon(error: ForebayError): void {
    for (const queue of this.#queues.values()) queue.abandon(error)
  }

  #queue(patienceMs: number): Queue {
    const known = this.#queues.get(patienceMs)
    if (known !== undefined) return known
    const made = new Queue()
    this.#queues.set(patienceMs, made)
    return made
  }

  #watch(atMs: number, nowMs: number): void {
    this.#timer?.cancel()
    this.#firesAtMs = atMs
    this.#timer = this.#clock.after(Math.max(1, atMs - nowMs), () => {
      const firedMs = this.#clock.now()
      const lagMs = firedMs - Math.max(atMs, nowMs + 1)
      if (lagMs > stallMs) this.#watched.supervisor?.stalled(firedMs, lagMs)
      this.#clock.afterInput(() => this.#judge(firedMs, lagMs > longStallMs))
    })
  }

  /** By the time before the input was read: whoever reads it may take long, and what came in meanwhile has not been read. */
  #judge(firedMs: number, stalled: boolean): void {
    const nowMs = this.#clock.now()
    this.#firesAtMs = Number.POSITIVE_INFINITY
    const supervisor = stalled ? undefined : this.#watched.supervisor
    for (const queue of this.#queues.values()) queue.expire(firedMs, supervisor)
    if (this.#owed === 0) return
    if (firedMs >= this.#silentSinceMs + this.#watched.afterMs) {
      this.#silentSinceMs = nowMs
      this.#watched.onSilent()
    }
    const dues = [...this.#queues.values()].map((queue) => queue.firstDueMs)
    this.#watch(Math.min(this.#silentSinceMs + this.#watched.afterMs, nowMs + this.#paceMs, ...dues), nowMs)
  }
}

/** Stands for a call that is over: the call itself would keep its caller, and what that was answered, from being collected. */
const over: Call = { dueMs: 0, patienceMs: 0, reads: 0, caller: { resolve: () => {}, reject: () => {} }, over: true }

/** Calls in the order in which they are due; those that are over leave from the head. */
class Queue {
  readonly #calls: Call[] = []
  #head = 0

  get firstDueMs(): number {
    this.#skip()
    return this.#calls[this.#head]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  push(call: Call): void {
    this.#skip()
    this.#calls.push(call)
  }

  expire(nowMs: number, supervisor: Supervisor | undefined): void {
    while (this.firstDueMs <= nowMs) {
      const call = this.#calls[this.#head]
      if (call === undefined) return
      call.over = true
      supervisor?.late(call, nowMs)
      call.caller.reject(new ForebayError('E_REDIS_DEADLINE', `no answer within ${call.patienceMs} ms`))
    }
  }

  abandon(error: ForebayError): void {
    for (const call of this.#calls.splice(0)) {
      if (call.over) continue
      call.over = true
      call.caller.reject(error)
    }
    this.#head = 0
  }

  #skip(): void {
    while (this.#calls[this.#head]?.over) this.#calls[this.#head++] = over
    if (this.#head === this.#calls.length) {
      this.#calls.length = 0
      this.#head = 0
    } else if (this.#head > 1_024) {
      this.#calls.splice(0, this.#head)
      this.#head = 0
    }
  }
}
