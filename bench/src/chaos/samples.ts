import { sharedMs } from '../race/shared-clock.js'
import { quantile } from '../statistics.js'

/** What became of a call. */
export type Outcome = 'hit' | 'loaded' | 'failed'

export interface CallReport {
  readonly calls: number
  readonly hits: number
  readonly failed: number
  /** Calls that have waited for an answer for more than a second, and still do. */
  readonly hanging: number
  readonly p99Ms: number
  readonly maxMs: number
}

const outcomes: readonly Outcome[] = ['hit', 'loaded', 'failed']
const hangsAfterMs = 1_000
const mostCalls = 1 << 21

/** Start, duration and outcome of each call, in memory set aside before, so that it does not count as growth. */
export class Samples {
  readonly #startedMs = new Float64Array(mostCalls).fill(0)
  readonly #tookMs = new Float64Array(mostCalls).fill(0)
  readonly #outcome = new Uint8Array(mostCalls).fill(0)
  readonly #running = new Map<number, number>()
  #count = 0
  #begun = 0

  begin(): number {
    this.#running.set(++this.#begun, sharedMs())
    return this.#begun
  }

  end(call: number, outcome: Outcome): void {
    const startedMs = this.#running.get(call) ?? 0
    this.#running.delete(call)
    if (this.#count === mostCalls) throw new Error('too many calls for one run')
    this.#startedMs[this.#count] = startedMs
    this.#tookMs[this.#count] = sharedMs() - startedMs
    this.#outcome[this.#count++] = outcomes.indexOf(outcome)
  }

  /** The calls that began in this time; those that hang have taken until now. */
  report(fromMs: number, toMs: number): CallReport {
    const within = (ms: number): boolean => ms >= fromMs && ms < toMs
    const waited = [...this.#running.values()].filter(within).map((startedMs) => sharedMs() - startedMs)
    const hanging = waited.filter((ms) => ms > hangsAfterMs)
    const ended = Array.from({ length: this.#count }, (_, i) => i).filter((i) => within(this.#startedMs[i] ?? 0))
    const took = [...ended.map((i) => this.#tookMs[i] ?? 0), ...hanging]
    const count = (outcome: Outcome): number => ended.filter((i) => outcomes[this.#outcome[i] ?? 0] === outcome).length
    return {
      calls: took.length,
      hits: count('hit'),
      failed: count('failed'),
      hanging: hanging.length,
      p99Ms: quantile(took, 0.99),
      maxMs: took.reduce((most, ms) => Math.max(most, ms), 0),
    }
  }

  /** When the first call that began after this time and was a hit had its answer; `undefined` if there is none. */
  firstHitMs(afterMs: number): number | undefined {
    let first: number | undefined
    for (let i = 0; i < this.#count; i++) {
      const startedMs = this.#startedMs[i] ?? 0
      if (outcomes[this.#outcome[i] ?? 0] !== 'hit' || startedMs < afterMs) continue
      const endedMs = startedMs + (this.#tookMs[i] ?? 0)
      first = Math.min(first ?? endedMs, endedMs)
    }
    return first
  }
}
