const buckets = 50
/** Shorter than so many buckets is a hiccup, however much went wrong in it. */
const leastBuckets = 3

/**
 * Good and failed answers of the last while, in buckets. What counts is the share of failures in the shortest time back from now that holds
 * enough answers: at a thousand reads a second a server that fails is known within half a second, and does not have to outweigh the good
 * answers of ten; at one read a second the whole window is looked at.
 */
export class AnswerWindow {
  readonly #bucketMs: number
  readonly #minimum: number
  readonly #good = new Uint32Array(buckets)
  readonly #failed = new Uint32Array(buckets)
  /** Number of the newest bucket, counted from the beginning of time. */
  #newest = 0

  constructor({ windowMs, minimum }: { readonly windowMs: number; readonly minimum: number }) {
    this.#bucketMs = windowMs / buckets
    this.#minimum = minimum
  }

  good(nowMs: number, weight = 1): void {
    const at = this.#turnTo(nowMs)
    this.#good[at] = (this.#good[at] ?? 0) + weight
  }

  failed(nowMs: number, weight = 1): void {
    const at = this.#turnTo(nowMs)
    this.#failed[at] = (this.#failed[at] ?? 0) + weight
  }

  /** The share of failures; 0 where there are too few answers to tell. */
  failureShare(nowMs: number): number {
    this.#turnTo(nowMs)
    let [all, failed] = [0, 0]
    for (let back = 0; back < buckets; back++) {
      const at = (this.#newest - back + buckets) % buckets
      failed += this.#failed[at] ?? 0
      all += (this.#good[at] ?? 0) + (this.#failed[at] ?? 0)
      if (back + 1 >= leastBuckets && all >= this.#minimum) return failed / all
    }
    return 0
  }

  clear(): void {
    this.#good.fill(0)
    this.#failed.fill(0)
  }

  /** The place of the present bucket; those whose time is over are emptied. */
  #turnTo(nowMs: number): number {
    const number = Math.floor(nowMs / this.#bucketMs)
    if (number > this.#newest) {
      for (let next = Math.max(this.#newest, number - buckets) + 1; next <= number; next++) {
        this.#good[next % buckets] = 0
        this.#failed[next % buckets] = 0
      }
      this.#newest = number
    }
    return this.#newest % buckets
  }
}
