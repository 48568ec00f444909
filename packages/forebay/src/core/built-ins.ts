/**
 * The built-in classes whose instances can be cached. An object is one of them by its prototype alone: what is of a subclass would come
 * back as something else, and belongs to none.
 */
export type BuiltIn = 'date' | 'regexp' | 'map' | 'set' | 'error' | 'boxed' | 'buffer' | 'view'

interface ErrorClass {
  readonly prototype: Error
  readonly make: () => Error
}

interface ViewClass {
  readonly prototype: object
  readonly make: (bytes: ArrayBuffer) => ArrayBufferView
  /** Bytes of one element. */
  readonly unit: number
}

type TypedArrayClass = {
  readonly prototype: object
  readonly BYTES_PER_ELEMENT: number
  new (bytes: ArrayBuffer): ArrayBufferView
}

/** Their places are part of the format: more go to the end. */
export const errorClasses: readonly ErrorClass[] = [
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => ({
    prototype: Class.prototype,
    make: () => new Class(),
  })),
  { prototype: AggregateError.prototype, make: aggregateError },
]

/** Their places are part of the format: more go to the end. A view is kept without the rest of the memory that it looks at. */
export const viewClasses: readonly ViewClass[] = [
  { prototype: Buffer.prototype, make: (bytes) => Buffer.from(bytes), unit: 1 },
  { prototype: DataView.prototype, make: (bytes) => new DataView(bytes), unit: 1 },
  ...typedArrays().map((Class) => ({
    prototype: Class.prototype,
    make: (bytes: ArrayBuffer) => new Class(bytes),
    unit: Class.BYTES_PER_ELEMENT,
  })),
]

function typedArrays(): TypedArrayClass[] {
  const always = [Uint8Array, Int8Array, Uint8ClampedArray, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array]
  const { Float16Array } = globalThis as { Float16Array?: TypedArrayClass } // not in every Node yet
  return [...always, BigInt64Array, BigUint64Array, ...(Float16Array === undefined ? [] : [Float16Array])]
}

/** Fields of an error that the language puts on it without listing them. */
export const hiddenErrorFields: readonly string[] = ['message', 'cause', 'errors']

/** Without `errors` of its own, as the other classes are without a message. */
function aggregateError(): Error {
  const error = new AggregateError([])
  Reflect.deleteProperty(error, 'errors')
  return error
}

const places = new Map<unknown, number>(
  [errorClasses, viewClasses].flatMap((classes) => classes.map(({ prototype }, place): [unknown, number] => [prototype, place])),
)

const builtIns = new Map<unknown, BuiltIn>([
  [Date.prototype, 'date'],
  [RegExp.prototype, 'regexp'],
  [Map.prototype, 'map'],
  [Set.prototype, 'set'],
  [ArrayBuffer.prototype, 'buffer'],
  ...[Number, String, Boolean, BigInt].map((Class): [unknown, BuiltIn] => [Class.prototype, 'boxed']),
  ...errorClasses.map(({ prototype }): [unknown, BuiltIn] => [prototype, 'error']),
  ...viewClasses.map(({ prototype }): [unknown, BuiltIn] => [prototype, 'view']),
])

export function builtInOf(value: object): BuiltIn | undefined {
  return builtIns.get(Object.getPrototypeOf(value))
}

/** The place of a built-in's class among `errorClasses` or `viewClasses`. */
export function placeOf(value: object): number {
  return places.get(Object.getPrototypeOf(value)) ?? 0
}

/** Sets a field as an own one: an ordinary assignment to `__proto__` would change the prototype. */
export function setField(object: object, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  else (object as Record<string, unknown>)[name] = value
}

/** What is kept of an error. Not its stack: it tells of another process and its files, and would be another one at each hit. */
export function errorFieldsOf(error: Error): { readonly hidden: string[]; readonly listed: string[] } {
  const listed = Object.keys(error).filter((name) => name !== 'stack')
  return { hidden: hiddenErrorFields.filter((name) => Object.hasOwn(error, name) && !listed.includes(name)), listed }
}

/** Sets a field of an error that no listing shows; its stack is what it says. */
export function setHidden(error: object, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true })
}

/** Makes the stack say what the error says, and nothing of where it was made. */
export function setStack<E extends Error>(error: E): E {
  setHidden(error, 'stack', error.message === '' ? error.name : `${error.name}: ${error.message}`)
  return error
}

/** The bytes that a view shows, or that a buffer consists of. */
export function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value)
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The order of the bytes of numbers in the format is little endian; this brings them into this machine's order, or back. */
export function inOrder<B extends ArrayBufferLike>(
  bytes: Uint8Array<B>,
  unit: number,
  asTheyAre = littleEndian,
): Uint8Array<B | ArrayBuffer> {
  if (asTheyAre || unit === 1) return bytes
  const turned = Uint8Array.from(bytes)
  for (let at = 0; at < turned.length; at += unit) turned.subarray(at, at + unit).reverse()
  return turned
}
