import { encodeValue } from './codec.js'
import { isPlainObject } from './key.js'
import { deepest } from './tagged.js'
import type { ValueCodecs } from './value-codec.js'

/** Whether two values are alike in all that a cache keeps; the order of an object's properties, and those that are undefined, do not matter. */
export function sameValue(a: unknown, b: unknown, codecs: ValueCodecs): boolean {
  return new Comparison(codecs).same(a, b, 0)
}

/**
 * Each pair is compared once: one that is met again is equal unless the first comparison finds otherwise. Without that a value whose parts
 * refer to each other would be walked along every path through it, and there are more of these than anyone can wait for.
 */
class Comparison {
  readonly #codecs: ValueCodecs
  readonly #met = new Map<object, Set<object>>()

  constructor(codecs: ValueCodecs) {
    this.#codecs = codecs
  }

  same(a: unknown, b: unknown, depth: number): boolean {
    if (Object.is(a, b)) return true
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
    if (this.#isMet(a, b)) return true
    // What is nested deeper cannot be kept: its encoding says so.
    if (depth <= deepest && Array.isArray(a) && Array.isArray(b)) {
      return a.length === b.length && a.every((item, i) => this.same(item, b[i], depth + 1))
    }
    if (depth <= deepest && isPlainObject(a) && isPlainObject(b)) {
      const [one, other] = [a as Fields, b as Fields]
      const names = fieldNames(one)
      if (names.length !== fieldNames(other).length) return false
      return names.every((name) => Object.hasOwn(other, name) && this.same(one[name], other[name], depth + 1))
    }
    return sameBytes(a, b, this.#codecs)
  }

  #isMet(a: object, b: object): boolean {
    const others = this.#met.get(a)
    if (others?.has(b)) return true
    if (others === undefined) this.#met.set(a, new Set([b]))
    else others.add(b)
    return false
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldNames(fields: Fields): readonly string[] {
  return Object.keys(fields).filter((name) => fields[name] !== undefined)
}

function sameBytes(a: object, b: object, codecs: ValueCodecs): boolean {
  const [one, other] = [encodeValue(a, codecs), encodeValue(b, codecs)]
  return one.codec === other.codec && Buffer.compare(one.payload, other.payload) === 0
}
