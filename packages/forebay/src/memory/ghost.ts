/** Prints in a set. More make it more like one queue, and dearer to search. */
const ways = 32

/**
 * Whom the cache has lately let go, without the keys: 16 bits of a hash each, in sets, each of which is a queue in which the oldest makes
 * room. A fingerprint of another key is taken for this one in 1 of 2,000 questions, which costs one entry a place in the wrong queue.
 */
export class Ghost {
  #sets = 0
  /** Set by set, the oldest first. */
  #prints = new Uint16Array(0)
  #held = new Uint8Array(0)

  /** Prints that there is room for. */
  get size(): number {
    return this.#prints.length
  }

  /** Makes room for about so many. Only where that is half as many again is anything done: what was remembered is then forgotten. */
  resize(size: number): void {
    if (size <= this.size * 1.5 && this.size > 0) return
    this.#sets = Math.max(1, Math.round(size / ways))
    this.#prints = new Uint16Array(this.#sets * ways)
    this.#held = new Uint8Array(this.#sets)
  }

  add(hash: number): void {
    const set = this.#setOf(hash)
    if (this.#held[set] === ways) this.#forget(set, set * ways)
    const held = this.#held[set] as number
    this.#prints[set * ways + held] = printOf(hash)
    this.#held[set] = held + 1
  }

  /** Whether this one is remembered; then no longer. */
  take(hash: number): boolean {
    if (this.#sets === 0) return false
    const set = this.#setOf(hash)
    const print = printOf(hash)
    const end = set * ways + (this.#held[set] as number)
    for (let at = set * ways; at < end; at++) {
      if (this.#prints[at] !== print) continue
      this.#forget(set, at)
      return true
    }
    return false
  }

  #forget(set: number, at: number): void {
    this.#prints.copyWithin(at, at + 1, (set + 1) * ways)
    this.#held[set] = (this.#held[set] as number) - 1
  }

  #setOf(hash: number): number {
    return Math.floor(((hash >>> 0) * this.#sets) / 2 ** 32)
  }
}

/** From other bits than the set's, as far as there are any. */
function printOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> 16
}
