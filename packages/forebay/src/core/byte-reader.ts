import type { Bytes } from './bytes.js'
import { ForebayError } from './errors.js'

/** Takes apart what a ByteWriter put together, or what somebody else wrote: no length is believed that the bytes do not bear out. */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Bytes, from: number) {
    this.#bytes = asBuffer(bytes)
    this.#at = from
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    if (this.left < 1) throw corrupt('the bytes end too early')
    return this.#bytes[this.#at++] as number
  }

  count(): number {
    let value = 0
    for (let weight = 1; weight < 2 ** 53; weight *= 128) {
      const byte = this.byte()
      value += (byte & 127) * weight
      if (byte < 128) return value
    }
    throw corrupt('a number is too large')
  }

  /** The number of things that follow, each of at least `least` bytes. */
  countOf(least: number): number {
    const count = this.count()
    if (count * least > this.left) throw corrupt(`${count} things cannot follow in ${this.left} bytes`)
    return count
  }

  double(): number {
    if (this.left < 8) throw corrupt('the bytes end too early')
    this.#at += 8
    return this.#bytes.readDoubleLE(this.#at - 8)
  }

  text(encoding: 'utf8' | 'utf16le'): string {
    const from = this.#at
    const length = this.countOf(1)
    const start = this.#at
    if (encoding === 'utf16le' && length % 2 !== 0) throw corrupt(`half a character at ${from}`)
    this.#at += length
    return this.#bytes.toString(encoding, start, this.#at)
  }

  /** Bytes in memory of their own: what they lie in now is shared with other answers. */
  raw(): ArrayBuffer {
    const length = this.countOf(1)
    const own = new Uint8Array(length)
    own.set(this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
    return own.buffer
  }
}

export function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The bytes are no value of ours: a miss for the caller. */
export function corrupt(what: string): ForebayError {
  return new ForebayError('E_REDIS_REPLY', `a value cannot be read: ${what}`)
}
