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

/** A time in which Redis, or a part of it, could not be used. */
export interface Away {
  readonly fromMs: number
  readonly usableMs: number
}

const outcomes: readonly Outcome[] = ['hit', 'loaded', 'failed']
const hangsAfterMs = 1_000
const mostCalls = 1 << 21

/** Start, duration and outcome of each call, in memory set aside before, so that it does not count as growth. */
export class Samples {
  readonly #startedMs = new Float64Array(mostCalls).fill(0)
  readonly #tookMs = new Float64Array(mostCalls).fill(0)
  readonly #outcome = new Uint8Array(mostCalls).fill(0)
  /** Number of the key; -1 for those that do not count where the first hit is looked for. */
  readonly #key = new Int16Array(mostCalls).fill(0)
  readonly #running = new Map<number, { readonly startedMs: number; readonly key: number }>()
  #count = 0
  #begun = 0

  begin(key: number): number {
    this.#running.set(++this.#begun, { startedMs: sharedMs(), key })
    return this.#begun
  }

  end(call: number, outcome: Outcome): void {
    const { startedMs, key } = this.#running.get(call) ?? { startedMs: 0, key: -1 }
    this.#running.delete(call)
    if (this.#count === mostCalls) throw new Error('too many calls for one run')
    this.#startedMs[this.#count] = startedMs
    this.#key[this.#count] = key
    this.#tookMs[this.#count] = sharedMs() - startedMs
    this.#outcome[this.#count++] = outcomes.indexOf(outcome)
  }

  /** The calls that began in this time; those that hang have taken until now. */
  report(fromMs: number, toMs: number): CallReport {
    const within = (ms: number): boolean => ms >= fromMs && ms < toMs
    const begun = [...this.#running.values()].map(({ startedMs }) => startedMs).filter(within)
    const waited = begun.map((startedMs) => sharedMs() - startedMs)
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

  /**
   * When the first call that began once Redis could be used again, and was a hit, had its answer; `undefined` if there is none. Where only a
   * part was away, calls for the keys of that part count: those that were asked for meanwhile, and never hit.
   */
  firstHitMs({ fromMs, usableMs }: Away): number | undefined {
    const lost = this.#lostKeys(fromMs, usableMs)
    let first: number | undefined
    for (let i = 0; i < this.#count; i++) {
      const startedMs = this.#startedMs[i] ?? 0
      if (!this.#isHit(i) || startedMs < usableMs || !(lost.size === 0 || lost.has(this.#key[i] ?? -1))) continue
      const endedMs = startedMs + (this.#tookMs[i] ?? 0)
      first = Math.min(first ?? endedMs, endedMs)
    }
    return first
  }

  #lostKeys(fromMs: number, untilMs: number): ReadonlySet<number> {
    const [asked, hit] = [new Set<number>(), new Set([-1])]
    for (const { startedMs, key } of this.#running.values()) if (startedMs >= fromMs && startedMs < untilMs) asked.add(key)
    for (let i = 0; i < this.#count; i++) {
      const startedMs = this.#startedMs[i] ?? 0
      if (startedMs < fromMs || startedMs >= untilMs) continue
      asked.add(this.#key[i] ?? -1)
      if (this.#isHit(i) && startedMs + (this.#tookMs[i] ?? 0) < untilMs) hit.add(this.#key[i] ?? -1)
    }
    return new Set([...asked].filter((key) => !hit.has(key)))
  }

  #isHit(i: number): boolean {
    return outcomes[this.#outcome[i] ?? 0] === 'hit'
  }
}
