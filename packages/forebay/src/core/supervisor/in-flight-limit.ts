/** Two reads at a time harm nobody, and show when the server is well again. */
const least = 2
/** An answer this much slower than the quickest of late has stood in a queue. Below two, so that queueing cannot become the measure of itself. */
const queueing = 1.5
/** In so much of what a read at least may wait, nothing counts as slow. */
const quickShare = 0.5
/** Stalls that follow each other within so long count as one. */
const stallsWithinMs = 100
/** An interval is so many times as long as an answer may take. */
const intervals = 2

/**
 * How many reads may be owed at once. It halves with each interval in which most answers were late or had stood in a queue, from the second
 * in a row on: one alone may be a hiccup. It grows by one with each limit's worth of quick answers in a row while it is made use of: the
 * rule by which TCP shares a line. A late read counts until it is answered or its link is gone, whether
 * its caller still waits or not; else those who have given up would be replaced by others, and pile up.
 */
export class InFlightLimit {
  readonly #max: number
  /** An answer quicker than this is never slow. */
  readonly #quickMs: number
  #inFlight = 0
  #limit: number
  /** From outside: nobody, or a few who try. What comes meanwhile says nothing about how many could be borne. */
  #bound = Number.POSITIVE_INFINITY
  #slowMs: number
  #peak = 0
  #quick = 0
  #slow = 0
  #endsAtMs = 0
  /** Whether the interval before was bad. */
  #bad = false
  #credit = 0
  #stalledUntilMs = Number.NEGATIVE_INFINITY
  #stalledMs = 0
  #used = false

  constructor(max: number, leastDeadlineMs: number) {
    this.#max = max
    this.#limit = max
    this.#quickMs = quickShare * leastDeadlineMs
    this.#slowMs = this.#quickMs
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get limit(): number {
    return Math.min(this.#limit, this.#bound)
  }

  get whole(): boolean {
    return this.#limit === this.#max
  }

  /** So many reads more may be sent now. */
  room(): number {
    return Math.min(this.#limit, this.#bound) - this.#inFlight
  }

  begin(reads: number): void {
    this.#inFlight += reads
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight
    if (2 * this.#inFlight > this.#limit) this.#used = true
  }

  end(reads: number): void {
    this.#inFlight -= reads
  }

  /** This process itself stood still, until now and for so long: that much is not the server's of what was sent before. */
  excuse(nowMs: number, stalledMs: number): void {
    this.#stalledMs = stalledMs + (nowMs - this.#stalledUntilMs < stallsWithinMs ? this.#stalledMs : 0)
    this.#stalledUntilMs = nowMs
  }

  /** An answer has come. True if the limit has just been cut. */
  answered(nowMs: number, tookMs: number, reads: number): boolean {
    const cut = nowMs >= this.#endsAtMs && this.#judge(nowMs)
    if (tookMs > this.#slowMs) {
      if (tookMs > this.#slowMs + this.#ownMs(nowMs - tookMs)) this.#slow += reads
      this.#credit = 0
    } else {
      this.#quick += reads
      if (this.#limit < this.#max && this.#used && this.#bound > this.#limit && ++this.#credit >= this.#limit) this.#grow()
    }
    return cut
  }

  /** Reads were not answered in time. True if the limit has just been cut. */
  late(nowMs: number, reads: number): boolean {
    const cut = nowMs >= this.#endsAtMs && this.#judge(nowMs)
    this.#slow += reads
    return cut
  }

  /** What the way takes when nothing is in it. */
  expect(fastestMs: number): void {
    this.#slowMs = Math.max(this.#quickMs, Number.isFinite(fastestMs) ? queueing * fastestMs : 0)
  }

  /** So many and no more. */
  bind(most: number): void {
    this.#bound = most
  }

  /** Begins again with so many as were allowed at last. */
  release(): void {
    if (this.#bound < this.#limit) this.#set(this.#bound)
    this.#bound = Number.POSITIVE_INFINITY
  }

  restore(): void {
    this.#set(this.#max)
  }

  #set(limit: number): void {
    this.#limit = Math.min(this.#max, Math.max(least, limit))
    this.#credit = 0
  }

  /** How long this process stood still since then. */
  #ownMs(sinceMs: number): number {
    return sinceMs < this.#stalledUntilMs ? this.#stalledMs : 0
  }

  #grow(): void {
    this.#limit += 1
    this.#credit = 0
    this.#used = false
  }

  /** Once an interval, so that one bad moment counts once. */
  #judge(nowMs: number): boolean {
    const bad = this.#slow > 0 && this.#slow >= this.#quick
    const cuts = bad && this.#bad && this.#peak > least && this.#limit > least
    if (cuts) this.#set(Math.floor(Math.min(this.#limit, this.#peak) / 2))
    this.#bad = bad
    this.#quick = 0
    this.#slow = 0
    this.#peak = this.#inFlight
    this.#endsAtMs = nowMs + intervals * this.#slowMs
    return cuts
  }
}
