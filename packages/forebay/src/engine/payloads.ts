import type { Bytes } from '../core/bytes.js'
import { encodeTags, headerLength, payloadStart, versionIn } from '../core/envelope.js'
import { ForebayError } from '../core/errors.js'
import type { CorruptReason, Tell } from '../core/events.js'
import type { EntryAddress, StoredValue } from '../core/far-store.js'
import { codecBits, compressionBits, compressionOf, type Packing } from '../core/packing.js'
import type { CachePlan } from '../core/plan.js'

export interface PayloadsParts {
  readonly service: string
  readonly packing: Packing
  readonly tell: Tell
}

/** A payload as it was encoded: it begins at `from` and ends with the bytes. */
export interface Unpacked {
  readonly codec: number
  readonly bytes: Bytes
  readonly from: number
}

/** What of an entry its seal is bound to, besides its address. */
interface Bound {
  readonly codec: number
  readonly version: number
  readonly tags: Bytes
}

/** The length before a compressed payload. */
const lengthBytes = 4

/**
 * What happens to a payload between the codec and the far store: compressed where that makes it smaller, then sealed; on the way back
 * unsealed, then decompressed. Each step leaves its mark in the codec byte.
 *
 *     compressed   u32 length of what was compressed; then what the compressor gave
 *     sealed       u8 length of the key's name, the name; then nonce (12), ciphertext, tag (16)
 *
 * Sealing comes last, so that nothing but a holder of the key can make a process decompress anything. A seal is bound to the service, cache,
 * version of the cache, key, codec byte, tags and the value's version, so that bytes which stand anywhere else are not opened. The times and
 * the epoch are put in by the store after the sealing, and are not covered.
 */
export class Payloads {
  readonly #plan: CachePlan
  readonly #parts: PayloadsParts
  #warned = false

  constructor(plan: CachePlan, parts: PayloadsParts) {
    const codec = plan.compression?.codec
    if (codec !== undefined && !parts.packing.codecs.has(codec)) {
      const has = [...parts.packing.codecs].join(', ')
      throw new ForebayError('E_OPTION', `cache '${plan.name}': compression is "${codec}", which this version of Node lacks; it has ${has}`)
    }
    this.#plan = plan
    this.#parts = parts
  }

  /** A value as it goes to the far store; a promise only where its compression is left to the thread pool. */
  pack(at: EntryAddress, stored: StoredValue): StoredValue | Promise<StoredValue> {
    const { compression } = this.#plan
    if (compression === undefined || stored.payload.length < compression.thresholdBytes) return this.#seal(at, stored)
    const bits = compressionBits[compression.codec]
    const packed = this.#parts.packing.compress(stored.payload, compression)
    if (!(packed instanceof Promise)) return this.#seal(at, smaller(stored, packed, bits))
    return packed.then((bytes) => this.#seal(at, smaller(stored, bytes, bits)))
  }

  /** Whether the payload must be unpacked before it can be decoded; in a sealed cache all must. */
  isPacked(codec: number): boolean {
    return (codec & codecBits.packed) !== 0 || this.#plan.seal !== undefined
  }

  /** A payload as it was encoded, or why it cannot be had; a promise only where decompression is left to the thread pool. */
  unpack(at: EntryAddress, envelope: Bytes): Unpacked | CorruptReason | Promise<Unpacked | CorruptReason> {
    const codec = envelope[1] ?? 0
    const bytes = this.#unseal(at, envelope, codec)
    if (bytes === undefined) return 'seal'
    const value = codec & ~codecBits.packed
    const compression = compressionOf(codec)
    if (compression === undefined) return { codec: value, bytes, from: 0 }
    if (!this.#parts.packing.codecs.has(compression)) return this.#cannotRead(compression)
    const length = lengthIn(bytes)
    // A bomb is not even begun: no more is ever made of it than it says, and it may not say more than a value may have.
    if (length < 1 || length > this.#plan.maxValueBytes) return 'compression'
    const whole = (given: Bytes): Unpacked | CorruptReason =>
      given.length === length ? { codec: value, bytes: given, from: 0 } : 'compression'
    try {
      const given = this.#parts.packing.decompress(bytes.subarray(lengthBytes), compression, length)
      return given instanceof Promise ? given.then(whole, () => 'compression') : whole(given)
    } catch {
      return 'compression'
    }
  }

  #seal(at: EntryAddress, stored: StoredValue): StoredValue {
    const { seal } = this.#plan
    const key = seal?.keys.get(seal.use)
    if (seal === undefined || key === undefined) return stored
    const codec = stored.codec | codecBits.sealed
    const bound = this.#bound(at, { codec, version: stored.version, tags: encodeTags(stored.tags) })
    const name = Buffer.from(seal.use, 'latin1')
    const payload = Buffer.concat([Buffer.of(name.length), name, this.#parts.packing.seal(stored.payload, key, bound)])
    return { ...stored, codec, payload }
  }

  /** The payload without its seal; `undefined` if there is one that cannot be opened, or none where one must be. */
  #unseal(at: EntryAddress, envelope: Bytes, codec: number): Bytes | undefined {
    const { seal } = this.#plan
    const payload = envelope.subarray(payloadStart(envelope))
    const sealed = (codec & codecBits.sealed) !== 0
    if (sealed !== (seal !== undefined)) return undefined
    if (seal === undefined) return payload
    const nameEnd = 1 + (payload[0] ?? 0)
    const key = seal.keys.get(Buffer.from(payload.subarray(1, nameEnd)).toString('latin1'))
    if (key === undefined) return undefined
    const tags = envelope.subarray(headerLength, payloadStart(envelope))
    const bound = this.#bound(at, { codec, version: versionIn(envelope), tags })
    return this.#parts.packing.unseal(payload.subarray(nameEnd), key, bound)
  }

  #bound(at: EntryAddress, { codec, version, tags }: Bound): Bytes {
    const address = JSON.stringify([this.#parts.service, at.cache, at.version, at.key, codec, version])
    return Buffer.concat([Buffer.from(address), tags])
  }

  #cannotRead(compression: string): CorruptReason {
    if (!this.#warned) {
      this.#warned = true
      const { name } = this.#plan
      const text = `values of cache '${name}' are compressed with ${compression}, which this version of Node cannot read: each is a miss here`
      this.#parts.tell({ type: 'warning', text })
    }
    return 'compression'
  }
}

/** The compressed payload behind its length, if that is smaller than the payload was. */
function smaller(stored: StoredValue, packed: Bytes, bits: number): StoredValue {
  const { codec, payload } = stored
  if (packed.length + lengthBytes >= payload.length) return stored
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(payload.length)
  return { ...stored, codec: codec | bits, payload: Buffer.concat([length, packed]) }
}

function lengthIn(bytes: Bytes): number {
  return bytes.length <= lengthBytes ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}
