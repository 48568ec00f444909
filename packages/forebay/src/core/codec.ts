import type { Bytes } from './bytes.js'
import { ForebayError } from './errors.js'
import { isPlainObject } from './key.js'

/**
 * Values as bytes: JSON, and `undefined`. What JSON would alter in silence (a Date, a Map, NaN, an instance) is refused, so that a hit
 * gives what the load gave.
 */
export const codecs = { json: 0, undefined: 1 } as const

export interface EncodedValue {
  readonly codec: number
  readonly payload: Bytes
}

const nothing = new Uint8Array(0)
const deepest = 200

/** Encodes a value; throws `E_VALUE_UNSUPPORTED` with the path of what cannot be kept. */
export function encodeValue(value: unknown): EncodedValue {
  if (value === undefined) return { codec: codecs.undefined, payload: nothing }
  checkPlain(value, '', 0)
  return { codec: codecs.json, payload: Buffer.from(JSON.stringify(value)) }
}

/** Decodes a payload, which begins at `from` and ends with the bytes; throws on bytes that are none of ours (the caller treats that as a miss). */
export function decodeValue(codec: number, bytes: Bytes, from = 0): unknown {
  if (codec === codecs.undefined) return undefined
  if (codec !== codecs.json) throw new ForebayError('E_REDIS_REPLY', `a value has the unknown codec ${codec}`)
  return JSON.parse(asBuffer(bytes).toString('utf8', from))
}

function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function checkPlain(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw unsupported(path, String(value))
    return
  }
  if (typeof value !== 'object') throw unsupported(path, typeof value === 'undefined' ? 'undefined in an array' : `a ${typeof value}`)
  if (depth > deepest) throw unsupported(path, 'nested too deeply, or in a cycle')
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkPlain(value[i], `${path}[${i}]`, depth + 1)
    return
  }
  if (!isPlainObject(value)) throw unsupported(path, `an instance of ${value.constructor?.name ?? 'an unknown class'}`)
  for (const [name, part] of Object.entries(value)) {
    if (part !== undefined) checkPlain(part, `${path}.${name}`, depth + 1)
  }
}

function unsupported(path: string, what: string): ForebayError {
  const short = path.length > 200 ? `${path.slice(0, 197)}...` : path
  return new ForebayError(
    'E_VALUE_UNSUPPORTED',
    `value${short} is ${what}; cached values are plain data: null, booleans, finite numbers, strings, arrays and plain objects`,
  )
}

/** Freezes a decoded value all the way down; it is about to be shared. */
export function deepFreeze(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) deepFreeze(value[i])
  else for (const name in value) deepFreeze((value as Record<string, unknown>)[name])
  return Object.freeze(value)
}
