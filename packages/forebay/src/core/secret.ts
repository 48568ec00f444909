import type { Bytes } from './bytes.js'

/** Bytes that must not show where a plan, an option or an error is printed. */
export class Secret {
  readonly #bytes: Bytes

  constructor(bytes: Bytes) {
    this.#bytes = Uint8Array.from(bytes)
  }

  reveal(): Bytes {
    return this.#bytes
  }

  equals(other: Secret | undefined): boolean {
    const [mine, theirs] = [this.#bytes, other?.reveal()]
    return theirs !== undefined && mine.length === theirs.length && mine.every((byte, i) => byte === theirs[i])
  }
}
