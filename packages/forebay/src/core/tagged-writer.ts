import { builtInOf, bytesOf, errorFieldsOf, inOrder, placeOf, viewClasses } from './built-ins.js'
import type { Bytes } from './bytes.js'
import { ByteWriter } from './byte-writer.js'
import { show } from './duration.js'
import { ForebayError } from './errors.js'
import { isPlainObject } from './key.js'
import { deepest, longestRegExp, mostHoles, tags } from './tagged.js'
import type { ValueCodec, ValueCodecs } from './value-codec.js'

/** From a value to a part of it: the place in an array, the name of a field, or what its words say. */
type Step = string | number | { readonly of: 'keys' | 'get' | 'values' | 'codec'; readonly place: unknown }

const loneSurrogate = /\p{Surrogate}/u

/** A value in the tagged form; throws `E_VALUE_UNSUPPORTED` with the path of what cannot be kept. */
export function writeTagged(value: unknown, codecs: ValueCodecs): Bytes {
  return new TaggedWriter(codecs).whole(value)
}

class TaggedWriter {
  readonly #codecs: ValueCodecs
  readonly #out = new ByteWriter()
  readonly #numbers = new Map<object, number>()
  readonly #names = new Map<string, number>()
  /** Instances whose codec is at work: they exist only when it has ended, so nothing within may refer to them. */
  readonly #underWay = new Set<object>()
  readonly #path: Step[] = []
  #holes = 0

  constructor(codecs: ValueCodecs) {
    this.#codecs = codecs
  }

  whole(value: unknown): Bytes {
    this.#value(value)
    return this.#out.bytes()
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'undefined':
        return this.#out.byte(tags.undefined)
      case 'boolean':
        return this.#out.byte(value ? tags.true : tags.false)
      case 'number':
        return this.#number(value)
      case 'string':
        return this.#string(value)
      case 'bigint':
        this.#out.byte(value < 0n ? tags.negativeBigint : tags.bigint)
        return this.#out.text((value < 0n ? -value : value).toString(16), 'utf8')
      case 'object':
        return value === null ? this.#out.byte(tags.null) : this.#object(value)
      default:
        throw this.#unsupported(`a ${typeof value}`)
    }
  }

  #number(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      this.#out.byte(tags.integer)
      this.#out.count(value < 0 ? -2 * value - 1 : 2 * value)
    } else {
      this.#out.byte(tags.double)
      this.#out.double(value)
    }
  }

  #string(text: string): void {
    const wellFormed = !loneSurrogate.test(text)
    this.#out.byte(wellFormed ? tags.utf8 : tags.utf16)
    this.#out.text(text, wellFormed ? 'utf8' : 'utf16le')
  }

  #object(value: object): void {
    const number = this.#numbers.get(value)
    if (number !== undefined) {
      if (this.#underWay.has(value)) throw this.#unsupported('the instance that its codec is encoding')
      this.#out.byte(tags.reference)
      return this.#out.count(number)
    }
    if (this.#path.length > deepest) throw this.#unsupported(`nested deeper than ${deepest} levels`)
    this.#numbers.set(value, this.#numbers.size)
    if (Array.isArray(value)) this.#array(value)
    else if (isPlainObject(value)) {
      this.#out.byte(tags.object)
      this.#fields(value, Object.keys(value))
    } else this.#instance(value)
  }

  #array(array: readonly unknown[]): void {
    const names = Object.keys(array)
    const fields = names.filter((name) => !isIndex(name, array.length))
    const holes = array.length - (names.length - fields.length)
    this.#holes += holes
    if (this.#holes > mostHoles) throw this.#unsupported(`an array with more than ${mostHoles} elements missing`)
    this.#out.byte(fields.length > 0 ? tags.arrayWithFields : tags.array)
    this.#out.count(array.length)
    for (let i = 0; i < array.length; i++) {
      if (holes > 0 && !Object.hasOwn(array, i)) this.#out.byte(tags.hole)
      else this.#part(i, array[i])
    }
    if (fields.length > 0) this.#fields(array, fields)
  }

  #fields(object: object, names: readonly string[]): void {
    this.#out.count(names.length)
    for (const name of names) {
      this.#name(name)
      this.#part(name, (object as Record<string, unknown>)[name])
    }
  }

  #name(name: string): void {
    const number = this.#names.get(name)
    this.#out.count(number ?? 0)
    if (number !== undefined) return
    this.#names.set(name, this.#names.size + 1)
    this.#string(name)
  }

  #part(step: Step, part: unknown): void {
    this.#path.push(step)
    this.#value(part)
    this.#path.pop()
  }

  #instance(value: object): void {
    const kind = builtInOf(value)
    if (kind === undefined) return this.#encoded(value, this.#codecs.of(value))
    try {
      this.#builtIns[kind](value as never)
    } catch (error) {
      if (error instanceof ForebayError) throw error
      throw this.#unsupported(`${nameOf(value)} by its prototype alone, or detached`, error)
    }
  }

  /** Each by its kind; what these throw of themselves says that an object only has the prototype, or has lost its memory. */
  readonly #builtIns = {
    date: (date: Date): void => {
      this.#out.byte(tags.date)
      this.#out.double(date.getTime())
    },
    regexp: ({ source, flags }: RegExp): void => {
      if (Buffer.byteLength(source) > longestRegExp) throw this.#unsupported(`a regular expression longer than ${longestRegExp} bytes`)
      this.#out.byte(tags.regexp)
      this.#string(source)
      this.#out.text(flags, 'utf8')
    },
    map: (map: Map<unknown, unknown>): void => {
      this.#out.byte(tags.map)
      this.#out.count(map.size)
      let i = 0
      for (const [key, value] of map) {
        this.#part({ of: 'keys', place: i++ }, key)
        this.#part({ of: 'get', place: key }, value)
      }
    },
    set: (set: Set<unknown>): void => {
      this.#out.byte(tags.set)
      this.#out.count(set.size)
      let i = 0
      for (const value of set) this.#part({ of: 'values', place: i++ }, value)
    },
    error: (error: Error): void => {
      for (const name of ['name', 'message'] as const) {
        if (typeof error[name] !== 'string') throw this.#unsupported(`an error whose ${name} is no string`)
      }
      this.#out.byte(tags.error)
      this.#out.count(placeOf(error))
      const { hidden, listed } = errorFieldsOf(error)
      this.#fields(error, hidden)
      this.#fields(error, listed)
    },
    boxed: (box: number | string | boolean | bigint): void => {
      this.#out.byte(tags.boxed)
      this.#value(box.valueOf())
    },
    buffer: (buffer: ArrayBuffer): void => {
      if ((buffer as { resizable?: boolean }).resizable === true) throw this.#unsupported('a resizable ArrayBuffer')
      this.#out.byte(tags.buffer)
      this.#bytes(bytesOf(buffer))
    },
    view: (view: ArrayBufferView): void => {
      const place = placeOf(view)
      this.#out.byte(tags.view)
      this.#out.count(place)
      this.#bytes(inOrder(bytesOf(view), viewClasses[place]?.unit ?? 1))
    },
  }

  #bytes(bytes: Bytes): void {
    this.#out.count(bytes.length)
    this.#out.raw(bytes)
  }

  #encoded(value: object, codec: ValueCodec | undefined): void {
    if (codec === undefined) throw this.#unsupported(`an instance of ${nameOf(value)}`)
    let plain: unknown
    try {
      plain = codec.encode(value)
    } catch (error) {
      throw this.#unsupported(`an instance of ${nameOf(value)} that its codec '${codec.name}' does not encode`, error)
    }
    this.#out.byte(tags.instance)
    this.#out.text(codec.name, 'utf8')
    this.#underWay.add(value)
    this.#part({ of: 'codec', place: codec.name }, plain)
    this.#underWay.delete(value)
  }

  #unsupported(what: string, cause?: unknown): ForebayError {
    const path = this.#path.map(shown).join('')
    const short = path.length > 200 ? `${path.slice(0, 197)}...` : path
    return new ForebayError('E_VALUE_UNSUPPORTED', `value${short} is ${what}; ${whatElse}`, cause === undefined ? undefined : { cause })
  }
}

const whatElse = 'cached values are data and built-in objects; for instances of a class of your own give createForebay a codec'

function nameOf(value: object): string {
  return value.constructor?.name || 'an unknown class'
}

function shown(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step === 'string') return `.${step}`
  if (step.of === 'codec') return `<${step.place}>`
  return step.of === 'get' ? `.get(${show(step.place)})` : `.${step.of}()[${step.place}]`
}

/** Whether the name of a field is that of an element. */
function isIndex(name: string, length: number): boolean {
  const index = Number(name)
  return index < length && String(index) === name
}
