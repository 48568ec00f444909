import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'

/* What an option may be; each throws `E_OPTION`, naming the option and the value. */

export function between(where: string, option: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw refusal(where, option, value, `a number from ${least} to ${most}`)
  return value
}

export function whole(where: string, option: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) throw refusal(where, option, value, `a whole number, at least ${least}`)
  return value as number
}

export function oneOf<T extends string>(where: string, option: string, value: unknown, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw refusal(where, option, value, choices.map((candidate) => `'${candidate}'`).join(' or '))
  return choice
}

export function refusal(where: string, option: string, value: unknown, wanted: string): ForebayError {
  return new ForebayError('E_OPTION', `${where}${option} is ${show(value)}; ${wanted}`)
}

/** For a name that there is not. Its value is not shown: what stands in the wrong place may be a URL with its password, or a key. */
export function noOption(where: string, option: string, known: readonly string[]): ForebayError {
  return new ForebayError('E_OPTION', `${where}${option} is no option; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`)
}

/** Options as they were given, or `E_OPTION`: a text or a number would be none at all. */
export function objectOfOptions(where: string, given: unknown): Record<string, unknown> {
  if (given === undefined || (typeof given === 'object' && given !== null && !Array.isArray(given))) return withoutUndefined(given)
  throw new ForebayError('E_OPTION', `${where}the options are ${show(given)}; an object such as { ttl: '5m' }`)
}

export function withoutUndefined(options: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined))
}
