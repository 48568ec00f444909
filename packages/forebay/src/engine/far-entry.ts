import type { Bytes } from '../core/bytes.js'
import { costIn, createdIn, errorUntilIn, extensionIn, freshUntilIn, type Header, staleUntilIn, versionIn } from '../core/envelope.js'
import type { Held } from './held.js'

/**
 * An entry as it was read from the far store. Its numbers are read off its bytes when they are asked for: most reads ask for two of them,
 * and each that is made beforehand is felt where many are read together.
 */
export class FarEntry implements Held {
  readonly envelope: Bytes
  readonly header: Header
  readonly #offsetMs: number
  /** From the decoding on. */
  value: unknown
  validator: string | undefined
  bytes = 0

  /** `offsetMs`: server time less own time. */
  constructor(envelope: Bytes, header: Header, offsetMs: number) {
    this.envelope = envelope
    this.header = header
    this.#offsetMs = offsetMs
  }

  get tags(): readonly string[] {
    return this.header.tags
  }

  get createdMs(): number {
    return createdIn(this.envelope) - this.#offsetMs
  }

  get freshUntilMs(): number {
    return freshUntilIn(this.envelope) - this.#offsetMs
  }

  get staleUntilMs(): number {
    return staleUntilIn(this.envelope) - this.#offsetMs
  }

  get errorUntilMs(): number {
    return errorUntilIn(this.envelope) - this.#offsetMs
  }

  get costMs(): number {
    return costIn(this.envelope)
  }

  get extendMs(): number {
    return extensionIn(this.envelope)
  }

  get version(): number {
    return versionIn(this.envelope)
  }
}
