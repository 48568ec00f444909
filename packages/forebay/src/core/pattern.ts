import { show } from './duration.js'
import { ForebayError } from './errors.js'

/**
 * A pattern over string keys: literal text with gaps, each of which fits any text. Made only by the `pattern` template, in which a `*` that
 * stands in the program is a gap and one that comes from a value is data.
 */
export interface Pattern {
  readonly [patternMark]: true
  /** The literals between the gaps: one more than there are gaps. */
  readonly parts: readonly string[]
}

const patternMark: unique symbol = Symbol('forebay.pattern')
/** Bounds of one pattern: what every check of an entry may have to walk through. */
const mostGaps = 16
const longestPattern = 512
const loneSurrogate = /\p{Surrogate}/u

/** A pattern over keys: `` pattern`author:${id}:*` ``. A `*` between the values is a gap; the values are data, whatever they hold. */
export function pattern(texts: TemplateStringsArray, ...values: readonly (string | number)[]): Pattern {
  if (!Array.isArray(texts)) throw notATemplate(texts)
  const parts = ['']
  texts.forEach((text, i) => {
    const [first = '', ...rest] = text.split('*')
    parts[parts.length - 1] += first
    parts.push(...rest)
    if (i < values.length) parts[parts.length - 1] += literal(values[i])
  })
  if (parts.length - 1 > mostGaps) throw new ForebayError('E_PATTERN', `the pattern has ${parts.length - 1} gaps; at most ${mostGaps}`)
  if (parts.join('').length > longestPattern) throw new ForebayError('E_PATTERN', `the pattern is longer than ${longestPattern} characters`)
  // Redis compares bytes, in which lone surrogates are all the same.
  if (parts.some((part) => loneSurrogate.test(part))) throw new ForebayError('E_PATTERN', 'the pattern is not well-formed Unicode')
  return { [patternMark]: true, parts }
}

/** The parts of a pattern; throws `E_PATTERN` for anything that the template did not make. */
export function partsOf(given: unknown): readonly string[] {
  if (given === null || typeof given !== 'object' || !(patternMark in given)) {
    throw notATemplate(given)
  }
  return (given as Pattern).parts
}

function notATemplate(given: unknown): ForebayError {
  return new ForebayError('E_PATTERN', `a pattern is ${show(given)}; make it by the template, as in pattern\`author:\${id}:*\``)
}

/** Whether a canonical key fits: its literals occur in this order, the first at the beginning, the last at the end. */
export function fits(parts: readonly string[], key: string): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return key === first
  if (!key.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = key.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return key.length - last.length >= at && key.endsWith(last)
}

/** A tag of several parts: `tag('author', 7)` is `author:7`. A `:` or `%` inside a part is escaped, so that no part can pose as two. */
export function tag(...parts: readonly [string | number, ...(string | number)[]]): string {
  return parts.map((part) => literal(part).replace(/[%:]/g, (char) => (char === '%' ? '%25' : '%3A'))).join(':')
}

function literal(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  throw new ForebayError('E_PATTERN', `a value in a pattern or tag is ${show(value)}; strings and finite numbers`)
}
