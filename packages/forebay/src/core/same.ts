import { encodeValue } from './codec.js'
import { isPlainObject } from './key.js'

/** Whether two values are alike in all that a cache keeps; the order of an object's properties does not matter. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameValue(item, b[i]))
  if (isPlainObject(a) && isPlainObject(b)) return sameFields(a as Fields, b as Fields)
  return sameBytes(a, b)
}

type Fields = Readonly<Record<string, unknown>>

function sameFields(a: Fields, b: Fields): boolean {
  const names = fieldNames(a)
  return names.length === fieldNames(b).length && names.every((name) => Object.hasOwn(b, name) && sameValue(a[name], b[name]))
}

/** A property that is undefined is not there for JSON. */
function fieldNames(fields: Fields): readonly string[] {
  return Object.keys(fields).filter((name) => fields[name] !== undefined)
}

function sameBytes(a: object, b: object): boolean {
  const [one, other] = [encodeValue(a), encodeValue(b)]
  return one.codec === other.codec && Buffer.compare(one.payload, other.payload) === 0
}
