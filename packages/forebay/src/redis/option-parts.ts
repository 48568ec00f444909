import { parseDuration, show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'

/* What parts of the `redis` option may be; each throws `E_OPTION`, naming the option and the value. */

/** An object of these options and no others. */
export function parts<T extends object>(option: string, given: T, names: readonly (string & keyof T)[]): T {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong(option, given, `an object of ${names.join(', ')}`)
  checkNames(option, given, names)
  return given
}

/** Its value is not shown: what stands in the wrong place may be a URL with its password. */
export function checkNames(option: string, given: object, names: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new ForebayError('E_OPTION', `${option}.${name} is no option; there are ${names.join(', ')}`)
  }
}

export function span(option: string, given: unknown, usualMs: number): number {
  return given === undefined ? usualMs : parseDuration(option, given)
}

export function count(option: string, given: unknown, usual: number, least = 1): number {
  if (given === undefined) return usual
  if (typeof given === 'number' && Number.isInteger(given) && given >= least) return given
  throw wrong(option, given, `a whole number, at least ${least}`)
}

export function wrong(option: string, value: unknown, expected: string): ForebayError {
  return new ForebayError('E_OPTION', `${option} is ${show(value)}; ${expected}`)
}
