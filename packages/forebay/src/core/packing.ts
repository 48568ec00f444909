import type { Bytes } from './bytes.js'
import type { Secret } from './secret.js'

/**
 * The codec byte of an envelope says how to get from a payload back to a value. Its low four bits are the codec of the value; the others
 * say what was done to the encoded bytes afterwards, and are undone from the highest down.
 */
export const codecBits = {
  value: 0x0f,
  compression: 0x30,
  /** A validator stands before the encoded value. */
  validator: 0x40,
  sealed: 0x80,
  packed: 0xb0,
} as const

export const compressionBits = { gzip: 0x10, brotli: 0x20, zstd: 0x30 } as const

export type CompressionCodec = keyof typeof compressionBits

const byBits = new Map(Object.entries(compressionBits).map(([name, bits]) => [bits, name as CompressionCodec]))

/** With what a payload is compressed, if it is. */
export function compressionOf(codec: number): CompressionCodec | undefined {
  return byBits.get((codec & codecBits.compression) as 0x10)
}

/** What a cache's `compression` has become: what to write with. All codecs are read. */
export interface CompressionPlan {
  readonly codec: CompressionCodec
  /** Encoded values shorter than this are left as they are. */
  readonly thresholdBytes: number
  readonly level: number
}

/** What a cache's `seal` has become. */
export interface SealPlan {
  readonly use: string
  readonly keys: ReadonlyMap<string, Secret>
}

/**
 * The port to zlib and to the cipher. Small inputs are worked off at once, large ones aside, off the event loop; only then is the answer a
 * promise.
 */
export interface Packing {
  /** What this process can write and read. */
  readonly codecs: ReadonlySet<CompressionCodec>
  compress(bytes: Bytes, plan: CompressionPlan): Bytes | Promise<Bytes>
  /** Throws, or rejects, on bytes that are not well-formed or would become longer than `length`. */
  decompress(bytes: Bytes, codec: CompressionCodec, length: number): Bytes | Promise<Bytes>
  /** AES-256-GCM: nonce, ciphertext and tag. `bound` is authenticated with it. */
  seal(bytes: Bytes, key: Secret, bound: Bytes): Bytes
  /** `undefined`: another key, altered, truncated, or bound to something else. */
  unseal(sealed: Bytes, key: Secret, bound: Bytes): Bytes | undefined
}
