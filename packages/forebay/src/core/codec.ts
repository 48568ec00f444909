import { asBuffer, corrupt } from './byte-reader.js'
import type { Bytes } from './bytes.js'
import { isPlainObject } from './key.js'
import { deepest } from './tagged.js'
import { readTagged } from './tagged-reader.js'
import { writeTagged } from './tagged-writer.js'
import { noCodecs, type ValueCodecs } from './value-codec.js'

/**
 * Values as bytes: JSON for what JSON gives back as it was, the tagged form for the rest. These numbers stand in the envelope; its upper
 * half byte is not ours.
 */
export const codecs = { json: 0, undefined: 1, tagged: 2 } as const

export interface EncodedValue {
  readonly codec: number
  readonly payload: Bytes
}

const nothing = new Uint8Array(0)

/** Encodes a value; throws `E_VALUE_UNSUPPORTED` with the path of what cannot be kept. */
export function encodeValue(value: unknown, valueCodecs: ValueCodecs = noCodecs): EncodedValue {
  const codec = codecFor(value)
  if (codec === codecs.undefined) return { codec, payload: nothing }
  return { codec, payload: codec === codecs.json ? writeJson(JSON.stringify(value)) : writeTagged(value, valueCodecs) }
}

/** By so much of its length, at most, may a JSON text become longer for being ASCII. */
const mostGrowth = 1 / 8
const notAscii = /[\u0080-\uffff]/g

/**
 * JSON as bytes: as ASCII, with escapes, where that makes it hardly longer. Bytes that are all ASCII become a string five times as fast as
 * those among which a single one is not, and a value is read oftener than it is written.
 */
function writeJson(json: string): Bytes {
  const bytes = Buffer.from(json)
  const beyondAscii = bytes.length - json.length // at least one for each character that an escape makes four bytes longer
  if (beyondAscii === 0 || 4 * beyondAscii > mostGrowth * json.length) return bytes
  return Buffer.from(json.replace(notAscii, escapeOf), 'latin1')
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The simplest form that gives a value back as it was. */
export function codecFor(value: unknown): number {
  if (value === undefined) return codecs.undefined
  return new JsonCheck().fits(value, 0) ? codecs.json : codecs.tagged
}

/** Decodes a payload, which begins at `from` and ends with the bytes; throws on bytes that are none of ours (the caller treats that as a miss). */
export function decodeValue(codec: number, bytes: Bytes, from = 0, valueCodecs: ValueCodecs = noCodecs): unknown {
  if (codec === codecs.undefined) return undefined
  if (codec === codecs.tagged) return readTagged(bytes, from, valueCodecs)
  if (codec !== codecs.json) throw corrupt(`it has the unknown codec ${codec}`)
  return JSON.parse(asBuffer(bytes).toString('utf8', from))
}

/** Tells in one walk whether JSON gives a value back as it was. A part that occurs twice would come back as two, so it does not. */
class JsonCheck {
  #root: object | undefined
  /** Made for the second object: most values are one flat record. */
  #seen: Set<object> | undefined

  fits(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return true
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
      case 'object':
        return value === null || (depth <= deepest && this.#isNew(value) && this.#partsFit(value, depth + 1))
      default:
        return false
    }
  }

  #isNew(value: object): boolean {
    if (this.#root === undefined) {
      this.#root = value
      return true
    }
    this.#seen ??= new Set([this.#root])
    const before = this.#seen.size
    return this.#seen.add(value).size > before
  }

  #partsFit(value: object, depth: number): boolean {
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) if (!this.fits(value[i], depth)) return false
      return Object.keys(value).length === value.length
    }
    if (!isPlainObject(value)) return false
    for (const name of Object.keys(value)) if (!this.fits((value as Record<string, unknown>)[name], depth)) return false
    return true
  }
}
