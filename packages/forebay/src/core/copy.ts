import { builtInOf, bytesOf, errorClasses, errorFieldsOf, placeOf, setField, setHidden, setStack, viewClasses } from './built-ins.js'
import { ForebayError } from './errors.js'
import { isPlainObject } from './key.js'
import type { ValueCodecs } from './value-codec.js'

/** Copies what JSON gives: no part of it occurs twice. A spread is several times faster than setting the fields one by one. */
export function copyTree<T extends object>(value: T): T {
  if (Array.isArray(value)) {
    const copy: unknown[] = value.slice()
    for (let i = 0; i < copy.length; i++) {
      const part = copy[i]
      if (part !== null && typeof part === 'object') copy[i] = copyTree(part)
    }
    return copy as T
  }
  const copy = { ...value }
  for (const name in copy) {
    const part = copy[name]
    if (part !== null && typeof part === 'object') copy[name] = copyTree(part)
  }
  return copy
}

/** Copies any value that can be cached: as it would come back from its bytes. `frozen` freezes the plain parts of the copy. */
export function copyGraph(value: object, codecs: ValueCodecs, values: 'frozen' | 'cloned'): unknown {
  return new Copier(codecs, values === 'frozen').copy(value)
}

class Copier {
  readonly #codecs: ValueCodecs
  readonly #freezes: boolean
  readonly #copies = new Copies()

  constructor(codecs: ValueCodecs, freezes: boolean) {
    this.#codecs = codecs
    this.#freezes = freezes
  }

  copy(value: unknown): unknown {
    if (value === null || typeof value !== 'object') return value
    const known = this.#copies.get(value)
    if (known !== undefined) return known
    if (Array.isArray(value)) return this.#array(value, this.#begin(value, value.slice()))
    return isPlainObject(value) ? this.#plain(this.#begin<Record<string, unknown>>(value, { ...value })) : this.#instance(value)
  }

  #begin<T>(value: object, copy: T): T {
    this.#copies.add(value, copy)
    return copy
  }

  #array(array: readonly unknown[], copy: unknown[]): unknown[] {
    if (Object.keys(array).length !== array.length)
      this.#fields(array, copy) // with holes, or with fields of its own
    else for (let i = 0; i < copy.length; i++) copy[i] = this.copy(copy[i])
    return this.#freezes ? (Object.freeze(copy) as unknown[]) : copy
  }

  /** Puts copies in the place of the parts of what was copied flat. */
  #plain(copy: Record<string, unknown>): object {
    for (const name in copy) {
      const part = copy[name]
      if (part !== null && typeof part === 'object') copy[name] = this.copy(part)
    }
    return this.#freezes ? Object.freeze(copy) : copy
  }

  #fields(value: object, copy: object): void {
    for (const name of Object.keys(value)) setField(copy, name, this.copy((value as Record<string, unknown>)[name]))
  }

  #instance(value: object): unknown {
    switch (builtInOf(value)) {
      case 'date':
        return this.#begin(value, new Date(value as Date))
      case 'regexp':
        return this.#begin(value, new RegExp((value as RegExp).source, (value as RegExp).flags))
      case 'map':
        return this.#map(value as Map<unknown, unknown>)
      case 'set':
        return this.#set(value as Set<unknown>)
      case 'error':
        return this.#error(value as Error)
      case 'boxed':
        return this.#begin(value, Object(value.valueOf()))
      case 'buffer':
        return this.#begin(value, (value as ArrayBuffer).slice(0))
      case 'view':
        return this.#begin(value, viewClasses[placeOf(value)]?.make(Uint8Array.from(bytesOf(value as ArrayBufferView)).buffer))
      default:
        return this.#encoded(value)
    }
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.#begin(map, new Map())
    for (const [key, value] of map) copy.set(this.copy(key), this.copy(value))
    return copy
  }

  #set(set: Set<unknown>): Set<unknown> {
    const copy = this.#begin(set, new Set())
    for (const value of set) copy.add(this.copy(value))
    return copy
  }

  #error(error: Error): Error {
    const copy = this.#begin(error, errorClasses[placeOf(error)]?.make() ?? new Error())
    for (const name of errorFieldsOf(error).hidden) setHidden(copy, name, this.copy((error as unknown as Record<string, unknown>)[name]))
    this.#fields(error, copy)
    return setStack(copy)
  }

  #encoded(value: object): unknown {
    const codec = this.#codecs.of(value)
    if (codec === undefined) throw new ForebayError('E_VALUE_UNSUPPORTED', 'a codec has decoded an instance that no codec is for')
    return this.#begin(value, codec.decode(this.copy(codec.encode(value))))
  }
}

/** What was copied already, and its copy. A few are found faster in a list, and most values consist of a few. */
class Copies {
  readonly #originals: object[] = []
  readonly #copies: unknown[] = []
  #table: Map<object, unknown> | undefined

  get(original: object): unknown {
    if (this.#table !== undefined) return this.#table.get(original)
    const place = this.#originals.indexOf(original)
    return place < 0 ? undefined : this.#copies[place]
  }

  add(original: object, copy: unknown): void {
    if (this.#table === undefined && this.#originals.length < 8) {
      this.#originals.push(original)
      this.#copies.push(copy)
      return
    }
    this.#table ??= new Map(this.#originals.map((known, place) => [known, this.#copies[place]]))
    this.#table.set(original, copy)
  }
}
