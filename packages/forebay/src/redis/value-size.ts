import type { Bytes } from '../core/bytes.js'

/** What a command should bring at most: more might not come within the deadline. */
const mostBytes = 1024 * 1024
/** How much the newest value weighs. */
const newest = 1 / 16

/** How large values are to be expected, as the last ones were. It bounds how many are asked for at once. */
export class ValueSize {
  #bytes = 0

  /** Counts what a read has brought, and hands it on. */
  measured<T extends Bytes | null | undefined>(answer: T): T {
    this.#bytes += newest * ((answer?.length ?? 0) - this.#bytes)
    return answer
  }

  isEnough(values: number): boolean {
    return values * this.#bytes >= mostBytes
  }

  /** So many at once, of these at most; at least one. */
  most(values: number): number {
    return Math.max(1, Math.min(values, Math.floor(mostBytes / Math.max(1, this.#bytes))))
  }
}
