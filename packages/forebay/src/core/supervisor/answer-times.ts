/** Four for each doubling, from a sixteenth of a millisecond to about a minute. */
const perDoubling = 4
const buckets = 80
const shift = 16
/** What was a second ago counts half. */
const halvedEveryMs = 1_000
/** Fewer answers than this say nothing about what is usual. */
const enough = 100
/** A read waits so many times as long as nearly all answers take. */
const patience = 3
/** Deadlines are of few lengths: those of one length are watched together. */
const step = 1.5

/**
 * How long answers take of late, and how long to wait for one. A deadline three times what 99 of 100 answers take is met by whoever is
 * well, and a caller of a fast server learns soon that it no longer is. It grows at once and shrinks a step a second.
 */
export class AnswerTimes {
  readonly #levels: readonly number[]
  readonly #counts = new Float64Array(buckets)
  #level: number
  #halvesAtMs = 0
  /** The fastest of the last ten to twenty seconds. */
  #fastestMs = Number.POSITIVE_INFINITY
  #fastestBeforeMs = Number.POSITIVE_INFINITY
  #agesAtMs = 0

  constructor({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }) {
    const levels: number[] = []
    for (let ms = minMs; ms < maxMs; ms *= step) levels.push(Math.round(ms))
    this.#levels = [...levels, maxMs]
    this.#level = this.#levels.length - 1
  }

  /** How long a read waits for its answer. */
  get deadlineMs(): number {
    return this.#levels[this.#level] ?? 0
  }

  /** The quickest answer of late: what the way takes when nothing is in it. */
  get fastestMs(): number {
    return Math.min(this.#fastestMs, this.#fastestBeforeMs)
  }

  /** True when what follows from the answers has been reckoned anew. */
  record(nowMs: number, tookMs: number): boolean {
    const at = Math.max(0, Math.min(buckets - 1, Math.floor(Math.log2(tookMs) * perDoubling) + shift))
    const due = nowMs >= this.#halvesAtMs
    if (due) this.#age(nowMs)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    if (tookMs < this.#fastestMs) this.#fastestMs = tookMs
    return due
  }

  /** What this share of the answers takes at most; 0 where there are none. */
  quantileMs(share: number): number {
    let left = share * this.#total()
    if (left === 0) return 0
    for (let at = 0; at < buckets; at++) {
      left -= this.#counts[at] ?? 0
      if (left <= 0) return 2 ** ((at + 1 - shift) / perDoubling)
    }
    return this.#levels.at(-1) ?? 0
  }

  #age(nowMs: number): void {
    this.#choose()
    const factor = 0.5 ** Math.min(32, 1 + Math.floor((nowMs - this.#halvesAtMs) / halvedEveryMs))
    for (let at = 0; at < buckets; at++) this.#counts[at] = (this.#counts[at] ?? 0) * factor
    this.#halvesAtMs = nowMs + halvedEveryMs
    if (nowMs < this.#agesAtMs) return
    this.#fastestBeforeMs = this.#fastestMs
    this.#fastestMs = Number.POSITIVE_INFINITY
    this.#agesAtMs = nowMs + 10 * halvedEveryMs
  }

  #choose(): void {
    if (this.#total() < enough) return
    const wantedMs = patience * this.quantileMs(0.99)
    const found = this.#levels.findIndex((ms) => ms >= wantedMs)
    const level = found < 0 ? this.#levels.length - 1 : found
    this.#level = Math.max(level, this.#level - 1)
  }

  #total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }
}
