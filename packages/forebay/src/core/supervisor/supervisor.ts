import type { Random } from '../clock.js'
import { ForebayError } from '../errors.js'
import { AnswerTimes } from './answer-times.js'
import { AnswerWindow } from './answer-window.js'
import { InFlightLimit } from './in-flight-limit.js'
import type { NodeState, NodeStats } from './node-state.js'
import type { SupervisorPlan } from './supervisor-plan.js'

export interface StateChange {
  readonly node: string
  readonly state: NodeState
  readonly before: NodeState
  readonly why: string
}

/** A call as far as it is judged. */
export interface Judged {
  readonly dueMs: number
  readonly patienceMs: number
  /** How many keys it reads; 0 = it is no read. */
  readonly reads: number
  /** It was late, and has been told of already. */
  readonly over: boolean
}

/** What came for a call: an answer of any kind; the server's word that it serves nobody now; or the end of its link. */
export type Ending = 'answered' | 'refused' | 'lost'

export interface SupervisorParts {
  /** The server's name, for people. */
  readonly node: string
  readonly plan: SupervisorPlan
  readonly random: Random
  readonly onChange: (change: StateChange) => void
  readonly nowMs: number
}

type Phase = { readonly sinceMs: number; readonly why: string } & (
  | { readonly state: 'connecting' /** Before the link went, the server was not trusted. */; readonly distrusted: boolean }
  | { readonly state: 'healthy' | 'degraded' }
  | { readonly state: 'open'; readonly leastUntilMs: number }
  | { readonly state: 'probing'; good: number }
)

/** From this share of failures on not all is well. */
const uneasyShare = 0.1

/**
 * Judges one Redis server by what its calls and its health checks tell, and says who may ask it what.
 *
 *     connecting ──link──► healthy ◄──all well for a window── degraded ◄──enough good answers── probing
 *         ▲                   │ limit cut, check failed, failures ▲                              │  ▲
 *    link lost                └───────────────────────────────────┘          one failure: longer │  │ a check is answered
 *    from anywhere          most answers failed, or checks in a row: ──────────► open ◄──────────┘  │ in time
 *                                                                                  └────────────────┘
 *
 * Two things protect callers. The limit sheds at once what a slow server would only answer late, and adapts within some deadlines. The
 * circuit is slower and coarser: where most answers fail, callers stop trying, and a check, which no caller waits for, finds out when
 * the server is back. Pure: time is an argument, so all of this runs in simulated worlds as it runs on a real server.
 */
export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #window: AnswerWindow
  readonly #times: AnswerTimes
  readonly #limit: InFlightLimit
  #phase: Phase
  #lastTroubleMs = Number.NEGATIVE_INFINITY
  #failedChecks = 0
  /** How often the circuit was opened since all was well. */
  #openings = 0
  #lastCheckMs: number
  #shed = 0
  /** Made once: under load thousands a second are turned away. */
  readonly #shedError: ForebayError
  #late = 0
  #lastTookMs = 0

  constructor(parts: SupervisorParts) {
    const { plan, nowMs } = parts
    this.#parts = parts
    this.#window = new AnswerWindow(plan.circuit)
    this.#times = new AnswerTimes(plan.deadline)
    this.#limit = new InFlightLimit(plan.maxInFlight, plan.deadline.minMs)
    this.#phase = { state: 'connecting', sinceMs: nowMs, why: 'not connected yet', distrusted: false }
    this.#lastCheckMs = nowMs
    this.#shedError = new ForebayError('E_REDIS_SHED', `as many reads as ${parts.node} bears now are under way`)
  }

  get state(): NodeState {
    return this.#phase.state
  }

  /** Whether nobody should wait for this server now, though there is a link to it. */
  get isOpen(): boolean {
    return this.#phase.state === 'open'
  }

  /** How long a read waits for its answer. */
  get deadlineMs(): number {
    return this.#times.deadlineMs
  }

  /** How long the last read took to be answered. */
  get lastTookMs(): number {
    return this.#lastTookMs
  }

  /** How many reads more may be sent now; zero or less = none. */
  room(): number {
    return this.#limit.room()
  }

  /** So many reads are not sent, for want of room; answers the error for those who asked for them. */
  shed(reads: number, nowMs: number): ForebayError {
    this.#shed += reads
    this.#trouble(nowMs, 'reads were shed')
    return this.#shedError
  }

  /** So many reads are sent; other calls count as none. */
  begin(reads: number): void {
    if (reads > 0) this.#limit.begin(reads)
  }

  /** A call is over. One that was late was counted when it was, and tells now how long to wait. */
  ended({ reads, over, dueMs, patienceMs }: Judged, ending: Ending, nowMs: number): void {
    if (reads > 0) this.#limit.end(reads)
    if (ending === 'lost') return
    const sentMs = dueMs - patienceMs
    if (ending === 'refused') return over ? undefined : this.#failed(nowMs, { sentMs, reads }, 'the server serves nobody now')
    if (!over) this.#window.good(nowMs, weightOf(reads))
    if (reads === 0) return
    this.#lastTookMs = nowMs - sentMs
    this.#read(nowMs, this.#lastTookMs, reads)
    if (!over && this.#phase.state === 'probing') this.#good(nowMs, sentMs)
  }

  /** This process itself stood still, until now and for so long. */
  stalled(nowMs: number, stalledMs: number): void {
    this.#limit.excuse(nowMs, stalledMs)
  }

  /** Not answered in time. */
  late({ reads, dueMs, patienceMs }: Judged, nowMs: number): void {
    this.#late += 1
    if (reads > 0 && this.#limit.late(nowMs, reads)) this.#cut(nowMs)
    this.#failed(nowMs, { sentMs: dueMs - patienceMs, reads }, 'calls were not answered in time')
  }

  linkUp(nowMs: number): void {
    if (this.#phase.state !== 'connecting') return
    const { distrusted } = this.#phase
    this.#failedChecks = 0
    if (distrusted) this.#probe(nowMs, 'a new connection')
    else if (this.#limit.whole && !this.#isUneasy(nowMs)) this.#enter({ state: 'healthy', sinceMs: nowMs, why: 'connected' })
    else this.#enter({ state: 'degraded', sinceMs: nowMs, why: 'connected' })
  }

  /** `owed`: calls were under way, which counts as one failure. */
  linkDown(nowMs: number, why: string, owed: boolean): void {
    if (owed) this.#window.failed(nowMs)
    const { state } = this.#phase
    if (state === 'connecting') return
    this.#limit.bind(Number.POSITIVE_INFINITY) // there is nothing to hold back
    this.#enter({ state: 'connecting', sinceMs: nowMs, why, distrusted: state === 'open' || state === 'probing' })
  }

  /** Whether a health check is due. To be asked a few times a second. */
  checkIsDue(nowMs: number): boolean {
    const { state } = this.#phase
    if (state === 'connecting') return false
    if (state === 'degraded' && !this.#isUneasy(nowMs)) {
      this.#limit.restore()
      this.#openings = 0
      this.#enter({ state: 'healthy', sinceMs: nowMs, why: 'all was well for a while' })
    }
    const due = nowMs - this.#lastCheckMs >= this.#checkEveryMs(nowMs)
    if (due) this.#lastCheckMs = nowMs
    return due
  }

  /** What a health check has brought. */
  checked(nowMs: number, { ok, sentMs }: { readonly ok: boolean; readonly sentMs: number }): void {
    const phase = this.#phase
    if (phase.state === 'connecting' || sentMs < phase.sinceMs) return
    if (!ok) return this.#checkFailed(nowMs, sentMs)
    this.#failedChecks = 0
    if (phase.state === 'open' && nowMs >= phase.leastUntilMs) this.#probe(nowMs, 'a health check was answered')
    else if (phase.state === 'probing') this.#good(nowMs, sentMs)
  }

  stats(nowMs: number): NodeStats {
    const { state, sinceMs, why } = this.#phase
    return {
      node: this.#parts.node,
      state,
      forMs: nowMs - sinceMs,
      why,
      inFlight: this.#limit.inFlight,
      limit: this.#limit.limit,
      deadlineMs: this.#times.deadlineMs,
      p50Ms: this.#times.quantileMs(0.5),
      p99Ms: this.#times.quantileMs(0.99),
      shed: this.#shed,
      late: this.#late,
    }
  }

  #read(nowMs: number, tookMs: number, reads: number): void {
    if (this.#times.record(nowMs, tookMs)) this.#limit.expect(this.#times.fastestMs)
    if (this.#limit.answered(nowMs, tookMs, reads)) this.#cut(nowMs)
  }

  #cut(nowMs: number): void {
    this.#trouble(nowMs, 'answers are slow')
  }

  #failed(nowMs: number, { sentMs, reads }: { readonly sentMs: number; readonly reads: number }, why: string): void {
    this.#window.failed(nowMs, weightOf(reads))
    const { state, sinceMs } = this.#phase
    if (state === 'connecting' || state === 'open') return
    if (state === 'probing') {
      if (sentMs >= sinceMs) this.#open(nowMs, why)
      return
    }
    const share = this.#window.failureShare(nowMs)
    if (share >= this.#parts.plan.circuit.share) this.#open(nowMs, why)
    else if (share >= uneasyShare) this.#trouble(nowMs, why)
  }

  #checkFailed(nowMs: number, sentMs: number): void {
    const why = 'health checks were not answered in time'
    this.#failedChecks += 1
    const { state } = this.#phase
    if (state === 'open') return
    if (state === 'probing') return this.#failed(nowMs, { sentMs, reads: 0 }, why)
    if (this.#failedChecks >= this.#parts.plan.health.failures) this.#open(nowMs, why)
    else this.#trouble(nowMs, why)
  }

  #trouble(nowMs: number, why: string): void {
    this.#lastTroubleMs = nowMs
    if (this.#phase.state === 'healthy') this.#enter({ state: 'degraded', sinceMs: nowMs, why })
  }

  #open(nowMs: number, why: string): void {
    const { openMs, longestOpenMs } = this.#parts.plan.circuit
    const spanMs = Math.min(openMs * 2 ** Math.min(this.#openings, 30), longestOpenMs)
    this.#openings += 1
    this.#lastTroubleMs = nowMs
    this.#limit.bind(0)
    // Up to a quarter less: processes that were cut off together do not come back together.
    this.#enter({ state: 'open', sinceMs: nowMs, why, leastUntilMs: nowMs + spanMs * (1 - this.#parts.random.unit() / 4) })
  }

  #probe(nowMs: number, why: string): void {
    this.#limit.bind(this.#parts.plan.circuit.probes)
    this.#enter({ state: 'probing', sinceMs: nowMs, why, good: 0 })
  }

  #good(nowMs: number, sentMs: number): void {
    const phase = this.#phase
    if (phase.state !== 'probing' || sentMs < phase.sinceMs) return
    phase.good += 1
    if (phase.good < this.#parts.plan.circuit.probes) return
    this.#window.clear()
    this.#limit.release()
    this.#lastTroubleMs = nowMs
    this.#enter({ state: 'degraded', sinceMs: nowMs, why: 'the probes were answered' })
  }

  #isUneasy(nowMs: number): boolean {
    return this.#failedChecks > 0 || nowMs - this.#lastTroubleMs < this.#parts.plan.circuit.windowMs
  }

  #checkEveryMs(nowMs: number): number {
    const { circuit, health } = this.#parts.plan
    const { state } = this.#phase
    if (state === 'open' || state === 'probing') return circuit.openMs
    return state === 'degraded' || this.#isUneasy(nowMs) ? health.uneasyEveryMs : health.everyMs
  }

  #enter(phase: Phase): void {
    const before = this.#phase.state
    this.#phase = phase
    const { node, onChange } = this.#parts
    if (phase.state !== before) onChange({ node, state: phase.state, before, why: phase.why })
  }
}

/** Keys that are read together fail together: each counts. */
function weightOf(reads: number): number {
  return Math.max(1, reads)
}
