/** What a histogram has counted; times in milliseconds. */
export interface Latency {
  readonly count: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Of each bucket that is not empty: its upper bound, and how many lie in it. */
  readonly buckets: readonly { readonly atMostMs: number; readonly count: number }[]
}

/** Four buckets for each doubling, from a ten thousandth of a millisecond to about half an hour: a quantile is at most 19 % too high. */
const perDoubling = 4
const leastMs = 0.0001
const buckets = 128

/** Counts latencies in buckets that grow with them, so that all quantiles are known to within the same share. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets)
  #count = 0
  #maxMs = 0

  record(ms: number, times = 1): void {
    const index = Math.min(Math.max(Math.ceil(Math.log2(ms / leastMs) * perDoubling), 0), buckets - 1)
    this.#counts[index] = (this.#counts[index] ?? 0) + times
    this.#count += times
    if (ms > this.#maxMs) this.#maxMs = ms
  }

  report(): Latency {
    const filled: Latency['buckets'][number][] = []
    for (const [index, count] of this.#counts.entries()) if (count > 0) filled.push({ atMostMs: boundMs(index), count })
    return {
      count: this.#count,
      p50Ms: this.#quantile(0.5),
      p90Ms: this.#quantile(0.9),
      p99Ms: this.#quantile(0.99),
      maxMs: this.#maxMs,
      buckets: filled,
    }
  }

  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share)
    for (let index = 0; index < buckets; index++) {
      left -= this.#counts[index] ?? 0
      if (left <= 0) return Math.min(boundMs(index), this.#maxMs)
    }
    return this.#maxMs
  }
}

function boundMs(index: number): number {
  return leastMs * 2 ** (index / perDoubling)
}
