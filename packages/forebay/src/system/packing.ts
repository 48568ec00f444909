import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import type { Bytes } from '../core/bytes.js'
import type { CompressionCodec, CompressionPlan, Packing } from '../core/packing.js'
import type { Secret } from '../core/secret.js'

/**
 * From here on the thread pool costs the event loop less than doing it at once. Measured on Node 20, two cores, JSON of records: to hand
 * work over takes the event loop 50-120 µs to compress and 30-50 µs to decompress, whatever the size, and the result comes 100-300 µs later.
 * At once, gzip (level 1) compresses 16 KiB in 125 µs, 32 KiB in 350 µs and 128 KiB in 1.6 ms; it decompresses to 32 KiB in 90 µs, to
 * 64 KiB in 144 µs, to 128 KiB in 330 µs and to 1 MiB in 2-4 ms. brotli and zstd are within a factor of two of that.
 */
export const compressAsideFromBytes = 32 * 1024
export const decompressAsideFromBytes = 128 * 1024

const cipher = 'aes-256-gcm'
const nonceLength = 12
const tagLength = 16

type Options = zlib.ZlibOptions & zlib.BrotliOptions
type Work = (bytes: Bytes, options: Options, done: (error: Error | null, result: Buffer) => void) => void

/** One of zlib's functions in both its forms. */
interface Both {
  readonly now: (bytes: Bytes, options: Options) => Buffer
  readonly aside: (bytes: Bytes, options: Options) => Promise<Buffer>
}

interface Codec {
  readonly compress: Both
  readonly decompress: Both
  readonly options: (level: number, length: number) => Options
}

/** What zlib has of zstd: from Node 22.15 and 23.8 on. */
interface Zstd {
  readonly zstdCompressSync?: Both['now']
  readonly zstdDecompressSync?: Both['now']
  readonly zstdCompress?: Work
  readonly zstdDecompress?: Work
}

function both(now: unknown, aside: unknown): Both {
  return { now: now as Both['now'], aside: promisify(aside as Work) as Both['aside'] }
}

const { constants } = zlib

function codecs(): Map<CompressionCodec, Codec> {
  const found = new Map<CompressionCodec, Codec>([
    ['gzip', { compress: both(zlib.gzipSync, zlib.gzip), decompress: both(zlib.gunzipSync, zlib.gunzip), options: (level) => ({ level }) }],
    [
      'brotli',
      {
        compress: both(zlib.brotliCompressSync, zlib.brotliCompress),
        decompress: both(zlib.brotliDecompressSync, zlib.brotliDecompress),
        options: (level, length) => ({
          params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: length },
        }),
      },
    ],
  ])
  const { zstdCompressSync, zstdCompress, zstdDecompressSync, zstdDecompress } = zlib as unknown as Zstd
  if (zstdCompressSync !== undefined && zstdDecompressSync !== undefined) {
    const level = (constants as unknown as { readonly ZSTD_c_compressionLevel: number }).ZSTD_c_compressionLevel
    found.set('zstd', {
      compress: both(zstdCompressSync, zstdCompress),
      decompress: both(zstdDecompressSync, zstdDecompress),
      options: (given) => ({ params: { [level]: given } }),
    })
  }
  return found
}

/** zlib and node:crypto. `aside`: whether large inputs go to the thread pool; a simulation wants its answers at once. */
export function createPacking({ aside }: { readonly aside: boolean }): Packing {
  const known = codecs()
  const keys = new WeakMap<Secret, KeyObject>()
  const codecOf = (name: CompressionCodec): Codec => {
    const codec = known.get(name)
    if (codec === undefined) throw new RangeError(`this Node has no ${name}`)
    return codec
  }
  const keyOf = (secret: Secret): KeyObject => {
    const key = keys.get(secret) ?? createSecretKey(secret.reveal())
    keys.set(secret, key)
    return key
  }
  return {
    codecs: new Set(known.keys()),
    compress(bytes: Bytes, plan: CompressionPlan) {
      const { compress, options } = codecOf(plan.codec)
      const given = options(plan.level, bytes.length)
      return aside && bytes.length >= compressAsideFromBytes ? compress.aside(bytes, given) : compress.now(bytes, given)
    },
    decompress(bytes: Bytes, name: CompressionCodec, length: number) {
      const { decompress } = codecOf(name)
      // The whole result in one piece: a tenth to a third less time from 64 KiB on.
      const bounds = { maxOutputLength: length, chunkSize: Math.max(leastChunk, length + 1) }
      return aside && length >= decompressAsideFromBytes ? decompress.aside(bytes, bounds) : decompress.now(bytes, bounds)
    },
    seal(bytes: Bytes, secret: Secret, bound: Bytes) {
      const nonce = randomBytes(nonceLength)
      const sealing = createCipheriv(cipher, keyOf(secret), nonce, { authTagLength: tagLength }).setAAD(bound)
      return Buffer.concat([nonce, sealing.update(bytes), sealing.final(), sealing.getAuthTag()])
    },
    unseal(sealed: Bytes, secret: Secret, bound: Bytes) {
      if (sealed.length < nonceLength + tagLength) return undefined
      const end = sealed.length - tagLength
      const opening = createDecipheriv(cipher, keyOf(secret), sealed.subarray(0, nonceLength), { authTagLength: tagLength })
      opening.setAAD(bound).setAuthTag(sealed.subarray(end))
      try {
        return Buffer.concat([opening.update(sealed.subarray(nonceLength, end)), opening.final()])
      } catch {
        return undefined // the tag does not fit: nothing of what was deciphered is looked at
      }
    },
  }
}

/** zlib's own least. */
const leastChunk = 64
