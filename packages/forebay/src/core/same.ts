import { encodeValue } from './codec.js'
import { isPlainObject } from './key.js'
import { deepest } from './tagged.js'
import type { ValueCodecs } from './value-codec.js'

/** Whether two values are alike in all that a cache keeps; the order of an object's properties, and those that are undefined, do not matter. */
export function sameValue(a: unknown, b: unknown, codecs: ValueCodecs): boolean {
  return same(a, b, codecs, 0)
}

function same(a: unknown, b: unknown, codecs: ValueCodecs, depth: number): boolean {
  if (Object.is(a, b)) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  // What is nested deeper than can be kept is in a cycle.
  if (depth <= deepest && Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => same(item, b[i], codecs, depth + 1))
  }
  if (depth <= deepest && isPlainObject(a) && isPlainObject(b)) {
    const [one, other] = [a as Fields, b as Fields]
    const names = fieldNames(one)
    if (names.length !== fieldNames(other).length) return false
    return names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name], codecs, depth + 1))
  }
  return sameBytes(a, b, codecs)
}

type Fields = Readonly<Record<string, unknown>>

function fieldNames(fields: Fields): readonly string[] {
  return Object.keys(fields).filter((name) => fields[name] !== undefined)
}

function sameBytes(a: object, b: object, codecs: ValueCodecs): boolean {
  const [one, other] = [encodeValue(a, codecs), encodeValue(b, codecs)]
  return one.codec === other.codec && Buffer.compare(one.payload, other.payload) === 0
}
