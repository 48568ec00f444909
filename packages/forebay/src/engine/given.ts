import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { BulkOptions, LoadedOptions } from './public.js'

/* What callers hand over to the verbs, for those whom no types tell of a mistake. Looked at only where no hit in memory passes. */

const known = {
  ttl: true,
  staleWhileRevalidate: true,
  staleIfError: true,
  tags: true,
  version: true,
  expiresAt: true,
  validator: true,
  signal: true,
  token: true,
  mustRevalidate: true,
  fresh: true,
  chunk: true,
} as const satisfies Record<keyof (BulkOptions & LoadedOptions), true>

/** A function, or `E_OPTION`: a loader that is none must not be covered up by an old value. */
export function givenFunction<F>(name: string, value: F): F {
  if (typeof value !== 'function') throw new ForebayError('E_OPTION', `${name} is ${show(value)}; a function`)
  return value
}

/** Something to go through, but no text: its letters are not meant. */
export function givenMany<T extends Iterable<unknown>>(name: string, value: T): T {
  const many: unknown = value
  if (typeof many === 'object' && many !== null && Symbol.iterator in many) return value
  throw new ForebayError('E_OPTION', `${name} is ${show(many)}; an array`)
}

/** Options of one call or value: a name that there is not would be a lifetime that does not count. */
export function checkGiven(options: object | undefined): void {
  givenOptions(options, known)
}

/** Options with names that there are: what is misspelt would not count, and nobody would be told. */
export function givenOptions(options: object | undefined, names: Readonly<Record<string, true>>): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new ForebayError('E_OPTION', `the options are ${show(options)}; an object of ${Object.keys(names).join(', ')}`)
  }
  for (const name in options) {
    if (!Object.hasOwn(names, name)) {
      throw new ForebayError('E_OPTION', `${name} is no option here; there are ${Object.keys(names).join(', ')}`)
    }
  }
}

/** A signal, or `E_OPTION` before anything has begun of which nobody would wait for the end. */
export function givenSignal<S extends AbortSignal | undefined>(signal: S): S {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return signal
  throw new ForebayError('E_OPTION', `signal is ${show(signal)}; an AbortSignal`)
}

/** A pair, or `E_OPTION`. */
export function givenPair<P extends readonly unknown[]>(name: string, value: P): P {
  if (!Array.isArray(value)) throw new ForebayError('E_OPTION', `${name} is ${show(value)}; a pair [key, value]`)
  return value
}
