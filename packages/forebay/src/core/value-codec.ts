import { show } from './duration.js'
import { ForebayError } from './errors.js'

/**
 * How instances of one class are cached: as plain data under a name. The name stands in the bytes, so it must stay the same for as long as
 * values written under it are to be read; a process that does not know the name takes such a value for a miss.
 */
export interface ValueCodec<T extends object = object, P = unknown> {
  /** Part of the stored bytes. 1-64 letters, digits, `_`, `-` or `.`. */
  readonly name: string
  /** Whose direct instances it is for; those of a subclass are not. */
  readonly class?: (abstract new (...args: never[]) => T) | undefined
  /** In place of `class`: tells whether it is for this object. Only asked about what is no plain object, array or built-in. */
  match?(value: object): boolean
  /** What to keep of an instance: anything that can be cached. */
  encode(value: T): P
  /** Makes the instance again; must throw where the data is not what `encode` gives. */
  decode(plain: P): T
}

/** The codecs of one service, checked. */
export class ValueCodecs {
  readonly #byName = new Map<string, ValueCodec>()
  readonly #byPrototype = new Map<unknown, ValueCodec>()
  readonly #matching: ValueCodec[] = []

  /** Throws `E_OPTION` for what is no codec, and for two of the same name or class. */
  constructor(codecs: readonly ValueCodec[]) {
    if (!Array.isArray(codecs)) throw new ForebayError('E_OPTION', `codecs is ${show(codecs)}; a list of codecs`)
    for (const [i, codec] of codecs.entries()) this.#add(`codecs[${i}]`, codec)
  }

  named(name: string): ValueCodec | undefined {
    return this.#byName.get(name)
  }

  /** The codec for an object, if there is one. */
  of(value: object): ValueCodec | undefined {
    return this.#byPrototype.get(Object.getPrototypeOf(value)) ?? this.#matching.find((codec) => codec.match?.(value) === true)
  }

  #add(where: string, codec: ValueCodec): void {
    if (codec === null || typeof codec !== 'object') throw refusal(where, codec, 'an object of name, class or match, encode and decode')
    const { name, class: from, match } = codec
    if (typeof name !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
      throw refusal(`${where}.name`, name, "1-64 letters, digits, '_', '-' or '.'")
    }
    for (const part of ['encode', 'decode'] as const) {
      if (typeof codec[part] !== 'function') throw refusal(`${where}.${part}`, codec[part], 'a function')
    }
    if ((from === undefined) === (match === undefined)) throw new ForebayError('E_OPTION', `${where} needs class or match, one of them`)
    if (from !== undefined && typeof from !== 'function') throw refusal(`${where}.class`, from, 'a class')
    if (match !== undefined && typeof match !== 'function') throw refusal(`${where}.match`, match, 'a function')
    if (this.#byName.has(name)) throw new ForebayError('E_OPTION', `${where}: there are two codecs named ${show(name)}`)
    this.#byName.set(name, codec)
    if (from === undefined) return void this.#matching.push(codec)
    if (this.#byPrototype.has(from.prototype))
      throw new ForebayError('E_OPTION', `${where}: there are two codecs for the class ${from.name}`)
    this.#byPrototype.set(from.prototype, codec)
  }
}

export const noCodecs = new ValueCodecs([])

function refusal(where: string, value: unknown, wanted: string): ForebayError {
  return new ForebayError('E_OPTION', `${where} is ${show(value)}; ${wanted}`)
}
