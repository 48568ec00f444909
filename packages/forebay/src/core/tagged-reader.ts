import { errorClasses, hiddenErrorFields, inOrder, setField, setHidden, setStack, viewClasses } from './built-ins.js'
import type { Bytes } from './bytes.js'
import { ByteReader, corrupt } from './byte-reader.js'
import { ForebayError } from './errors.js'
import { deepest, longestRegExp, mostHoles, tags } from './tagged.js'
import type { ValueCodecs } from './value-codec.js'

/** Reads a value in the tagged form, which begins at `from` and ends with the bytes; throws on bytes that no writer of ours has made. */
export function readTagged(bytes: Bytes, from: number, codecs: ValueCodecs): unknown {
  return new TaggedReader(bytes, from, codecs).whole()
}

/** Stands for an instance while its codec's data is being read. */
const underWay = Symbol('under way')

class TaggedReader {
  readonly #in: ByteReader
  readonly #codecs: ValueCodecs
  readonly #begun: unknown[] = []
  readonly #names: string[] = []
  #depth = 0
  #holes = 0

  constructor(bytes: Bytes, from: number, codecs: ValueCodecs) {
    this.#in = new ByteReader(bytes, from)
    this.#codecs = codecs
  }

  whole(): unknown {
    const value = this.#value(this.#in.byte())
    if (this.#in.left > 0) throw corrupt(`${this.#in.left} bytes follow it`)
    return value
  }

  #value(tag: number): unknown {
    switch (tag) {
      case tags.undefined:
        return undefined
      case tags.null:
        return null
      case tags.false:
        return false
      case tags.true:
        return true
      case tags.integer:
        return integerOf(this.#in.count())
      case tags.double:
        return this.#in.double()
      case tags.utf8:
        return this.#in.text('utf8')
      case tags.utf16:
        return this.#in.text('utf16le')
      case tags.bigint:
        return this.#bigint()
      case tags.negativeBigint:
        return -this.#bigint()
      case tags.reference:
        return this.#reference()
      default:
        return this.#deeper(tag)
    }
  }

  #deeper(tag: number): unknown {
    if (++this.#depth > deepest + 1) throw corrupt(`it is nested deeper than ${deepest} levels`)
    const value = this.#object(tag)
    this.#depth--
    return value
  }

  #object(tag: number): unknown {
    switch (tag) {
      case tags.object:
        return this.#fields(this.#begin({}), setField)
      case tags.array:
        return this.#elements(this.#begin([]))
      case tags.arrayWithFields:
        return this.#arrayWithFields()
      case tags.map:
        return this.#map(this.#begin(new Map()))
      case tags.set:
        return this.#set(this.#begin(new Set()))
      case tags.date:
        return this.#begin(new Date(this.#in.double()))
      case tags.regexp:
        return this.#begin(this.#regexp())
      case tags.error:
        return this.#error()
      case tags.boxed:
        return this.#boxed()
      case tags.buffer:
        return this.#begin(this.#in.raw())
      case tags.view:
        return this.#begin(this.#view())
      case tags.instance:
        return this.#instance()
      default:
        throw corrupt(`there is no tag ${tag}`)
    }
  }

  /** Gives an object its number. */
  #begin<T extends object>(value: T): T {
    this.#begun.push(value)
    return value
  }

  #next(): unknown {
    return this.#value(this.#in.byte())
  }

  #bigint(): bigint {
    const digits = this.#in.text('utf8')
    if (!/^[0-9a-f]+$/.test(digits)) throw corrupt('a bigint is no number')
    return BigInt(`0x${digits}`)
  }

  #reference(): unknown {
    const number = this.#in.count()
    if (number >= this.#begun.length || this.#begun[number] === underWay) throw corrupt(`nothing has the number ${number}`)
    return this.#begun[number]
  }

  #fields<T extends object>(object: T, put: (object: T, name: string, value: unknown) => void): T {
    for (let left = this.#in.countOf(2); left > 0; left--) {
      const name = this.#name()
      if (Object.hasOwn(object, name)) throw corrupt('a field is there twice')
      put(object, name, this.#next())
    }
    return object
  }

  #name(): string {
    const number = this.#in.count()
    if (number > 0) return this.#names[number - 1] ?? fail(`no name has the number ${number}`)
    const name = this.#text()
    this.#names.push(name)
    return name
  }

  #text(): string {
    const text = this.#next()
    return typeof text === 'string' ? text : fail('a name or a source is no text')
  }

  /** The elements come one by one: what a hostile count promises is not made room for. */
  #elements(array: unknown[]): unknown[] {
    for (let left = this.#in.countOf(1); left > 0; left--) {
      const tag = this.#in.byte()
      if (tag !== tags.hole) array.push(this.#value(tag))
      else if (++this.#holes > mostHoles) throw corrupt('too many elements are missing')
      else array.length++
    }
    return array
  }

  #arrayWithFields(): unknown[] {
    const array = this.#elements(this.#begin([]))
    const { length } = array
    this.#fields(array, setField)
    if (array.length !== length) throw corrupt('a field of an array is an element')
    return array
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    for (let left = this.#in.countOf(2); left > 0; left--) {
      const key = this.#next()
      map.set(key, this.#next())
    }
    return map
  }

  #set(set: Set<unknown>): Set<unknown> {
    for (let left = this.#in.countOf(1); left > 0; left--) set.add(this.#next())
    return set
  }

  #regexp(): RegExp {
    const source = this.#text()
    if (Buffer.byteLength(source) > longestRegExp) throw corrupt('a regular expression is too long')
    return new RegExp(source, this.#in.text('utf8'))
  }

  #error(): Error {
    const error = errorClasses[this.#in.count()]?.make()
    if (error === undefined) throw corrupt('there is no such class of errors')
    this.#fields(this.#begin(error), (object, name, value) => {
      if (!hiddenErrorFields.includes(name)) throw corrupt('an error hides what errors do not')
      setHidden(object, name, value)
    })
    this.#fields(error, setField)
    // Whoever prints an error relies on these.
    if (typeof error.message !== 'string' || typeof error.name !== 'string') throw corrupt('an error whose name or message is no text')
    return setStack(error)
  }

  #boxed(): object {
    const number = this.#begun.push(underWay) - 1
    const box: unknown = Object(this.#next())
    if (!(box instanceof Number || box instanceof String || box instanceof Boolean || box instanceof BigInt)) throw corrupt('an odd box')
    this.#begun[number] = box
    return box
  }

  #view(): ArrayBufferView {
    const viewClass = viewClasses[this.#in.count()]
    if (viewClass === undefined) throw corrupt('there is no such class of views')
    return viewClass.make(inOrder(new Uint8Array(this.#in.raw()), viewClass.unit).buffer)
  }

  #instance(): unknown {
    const name = this.#in.text('utf8')
    const codec = this.#codecs.named(name)
    if (codec === undefined) throw corrupt('it was written by a codec that is not registered here')
    const number = this.#begun.push(underWay) - 1
    const plain = this.#next()
    try {
      const value: unknown = codec.decode(plain)
      this.#begun[number] = value
      return value
    } catch (cause) {
      throw new ForebayError('E_VALUE_UNSUPPORTED', `the codec '${name}' has not decoded what it has encoded`, { cause })
    }
  }
}

function integerOf(count: number): number {
  if (count > 0xffff_ffff) throw corrupt('an integer is too large')
  return count % 2 === 0 ? count / 2 : -(count + 1) / 2
}

function fail(what: string): never {
  throw corrupt(what)
}
