import type { Bytes } from './bytes.js'

/** Puts numbers, texts and bytes one after another. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(256)
  #length = 0

  byte(value: number): void {
    this.#room(1)
    this.#buffer[this.#length++] = value
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
  count(value: number): void {
    this.#room(8)
    let rest = value
    while (rest > 127) {
      this.#buffer[this.#length++] = 128 | (rest % 128)
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#length++] = rest
  }

  /** IEEE 754, little endian. */
  double(value: number): void {
    this.#room(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  /** Its length in bytes, then the text. */
  text(text: string, encoding: 'utf8' | 'utf16le'): void {
    const length = Buffer.byteLength(text, encoding)
    this.count(length)
    this.#room(length)
    this.#length += this.#buffer.write(text, this.#length, encoding)
  }

  raw(bytes: Bytes): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What was written, in bytes of its own. */
  bytes(): Bytes {
    return Buffer.from(this.#buffer.subarray(0, this.#length))
  }

  #room(length: number): void {
    if (this.#length + length <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#length + length))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}
