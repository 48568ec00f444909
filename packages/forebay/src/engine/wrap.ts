import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { Cache, DeepReadonly, GetOrSetOptions, Key, KeyPart, Wrapped, WrapOptions } from './public.js'

/** A function whose results are kept in a cache, under keys made of its arguments. */
export function wrapped<A extends readonly unknown[], V>(
  cache: Cache<V>,
  work: (...args: A) => V | PromiseLike<V>,
  keyOf: WrapOptions<A, V>['key'],
): Wrapped<A, V> {
  const key = keyOf ?? argumentsKey
  /** Arguments that cannot be a key reject, as everything else that goes wrong. */
  const call = (args: A, options?: GetOrSetOptions): Promise<DeepReadonly<V>> => {
    try {
      return cache.getOrSet(key(...args), () => work(...args), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }
  return Object.assign((...args: A) => call(args), {
    cache,
    key: (...args: A) => key(...args),
    fresh: (...args: A) => call(args, { fresh: true }),
    invalidate: async (...args: A) => cache.invalidate(key(...args)),
  })
}

/** The arguments as one structure. Missing ones at the end are as if they had not been named; one in the middle has no form of its own. */
function argumentsKey(...args: readonly unknown[]): Key {
  let length = args.length
  while (length > 0 && args[length - 1] === undefined) length--
  const given = args.slice(0, length)
  const gap = given.findIndex((argument) => argument === undefined || typeof argument === 'function' || typeof argument === 'symbol')
  if (gap >= 0) {
    throw new ForebayError('E_KEY', `argument ${gap} of a wrapped function is ${show(given[gap])}; say by the option key what its key is`)
  }
  return given as readonly KeyPart[]
}
