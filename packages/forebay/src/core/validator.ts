import type { Bytes } from './bytes.js'
import type { EncodedValue } from './codec.js'
import { show } from './duration.js'
import { ForebayError } from './errors.js'

/**
 * A validator (an ETag, say) travels with its value: a bit of the codec's byte says that the payload begins with its length (u16) and its
 * UTF-8. It is put before the value as it was encoded, so whatever is done to a payload after that (compression, sealing) is done to both.
 */
const validatorBit = 0x40
const longestBytes = 1_024

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const toUtf8 = new TextEncoder()

/** An encoded value with a validator before it, or as it is. */
export function withValidator(encoded: EncodedValue, validator: string | undefined): EncodedValue {
  if (validator === undefined) return encoded
  const bytes = toUtf8.encode(checkValidator(validator))
  const payload = Buffer.allocUnsafe(2 + bytes.length + encoded.payload.length)
  payload.writeUInt16BE(bytes.length, 0)
  payload.set(bytes, 2)
  payload.set(encoded.payload, 2 + bytes.length)
  return { codec: encoded.codec | validatorBit, payload }
}

export function hasValidator(codec: number): boolean {
  return (codec & validatorBit) !== 0
}

/** A value behind its validator. */
export interface Validated {
  readonly codec: number
  readonly from: number
  readonly validator: string
}

/** A payload, which begins at `from`, taken apart: its validator, and where the value itself begins; `undefined` if it has none. Throws on bytes that are none of ours. */
export function splitValidator(codec: number, bytes: Bytes, from: number): Validated | undefined {
  if (!hasValidator(codec)) return undefined
  const end = from + 2 + (((bytes[from] ?? 0) << 8) | (bytes[from + 1] ?? 0))
  if (end > bytes.length) throw new ForebayError('E_REDIS_REPLY', 'a value is shorter than its validator')
  return { codec: codec & ~validatorBit, from: end, validator: utf8.decode(bytes.subarray(from + 2, end)) }
}

function checkValidator(validator: unknown): string {
  if (typeof validator === 'string' && Buffer.byteLength(validator) <= longestBytes) return validator
  throw new ForebayError('E_OPTION', `validator is ${show(validator)}; a string of at most ${longestBytes} bytes`)
}
