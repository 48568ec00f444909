import { codecs } from './codec.js'
import { copyGraph, copyTree } from './copy.js'
import { heapBytes } from './heap-size.js'
import { isPlainObject } from './key.js'
import { deepest } from './tagged.js'
import type { ValueCodecs } from './value-codec.js'
import { ForebayError } from './errors.js'

/**
 * How callers get a cached value. `frozen`: all the same one, frozen; where it holds what cannot be frozen (a Map, a Date, a Buffer), each
 * a copy, whose plain parts are frozen. `cloned`: each a copy that he may change. `shared`: all the same one, as it is.
 */
export type ValuesMode = 'frozen' | 'cloned' | 'shared'

/** How one cache keeps its values. */
export interface ValuesPlan {
  readonly values: ValuesMode
  readonly codecs: ValueCodecs
}

/** A value that nobody is given itself. */
class Original {
  readonly #value: object
  readonly #copy: (value: object) => unknown

  constructor(value: object, copy: (value: object) => unknown) {
    this.#value = value
    this.#copy = copy
  }

  copy(): unknown {
    return this.#copy(this.#value)
  }

  bytes(): number {
    return heapBytes(this.#value)
  }
}

/**
 * What to keep of a value that was just decoded, so that `handOut` gives each caller what he may have. Decides once what would else be
 * asked at each hit. Throws on a value nested too deeply, and on one that its codecs cannot copy.
 */
export function toKeep(value: unknown, codec: number, { values, codecs: valueCodecs }: ValuesPlan): unknown {
  if (value === null || typeof value !== 'object') return value
  if (codec === codecs.json) {
    if (values === 'frozen') return freezeTree(value, 0)
    checkDepth(value, 0)
    return values === 'shared' ? value : new Original(value, copyTree)
  }
  if (values === 'shared' || (values === 'frozen' && frozenGraph(value))) return value
  const original = new Original(value, (kept) => copyGraph(kept, valueCodecs, values))
  original.copy() // what cannot be copied is found now, and not at a hit
  return original
}

/** Whether callers are given something else than what is kept. */
export function isCopied(kept: unknown): boolean {
  return kept instanceof Original
}

/** What a caller is given of what is kept. */
export function handOut(kept: unknown): unknown {
  return kept instanceof Original ? kept.copy() : kept
}

/** About how many bytes of heap it takes to keep this. */
export function keptBytes(kept: unknown): number {
  return kept instanceof Original ? kept.bytes() : heapBytes(kept)
}

/** Freezes what JSON gives: no part of it occurs twice. */
function freezeTree(value: unknown, depth: number): unknown {
  if (value === null || typeof value !== 'object') return value
  if (depth > deepest) throw tooDeep()
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) freezeTree(value[i], depth + 1)
  else for (const name in value) freezeTree((value as Record<string, unknown>)[name], depth + 1)
  return Object.freeze(value)
}

function checkDepth(value: object, depth: number): void {
  if (depth > deepest) throw tooDeep()
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name]
    if (part !== null && typeof part === 'object') checkDepth(part, depth + 1)
  }
}

/** Freezes a value of arrays and plain objects, whatever refers to what in it; if there is anything else in it, it stays as it is. */
function frozenGraph(value: object): boolean {
  const parts = new Set([value])
  for (const part of parts) {
    if (!Array.isArray(part) && !isPlainObject(part)) return false
    for (const name of Object.keys(part)) {
      const inner = (part as Record<string, unknown>)[name]
      if (inner !== null && typeof inner === 'object') parts.add(inner)
    }
  }
  for (const part of parts) Object.freeze(part)
  return true
}

function tooDeep(): ForebayError {
  return new ForebayError('E_REDIS_REPLY', `a value is nested deeper than ${deepest} levels`)
}
