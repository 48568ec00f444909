import { ForebayError } from './errors.js'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** Longest span accepted: a century. Anything longer is a mistake of unit. */
const longestMs = 100 * 365 * unitMs.d

/** A duration option in milliseconds; throws `E_OPTION` naming the option and the value. */
export function parseDuration(option: string, value: unknown): number {
  const ms = typeof value === 'number' ? value : fromText(value)
  if (ms === undefined || !Number.isFinite(ms) || ms <= 0 || ms > longestMs) {
    throw new ForebayError(
      'E_OPTION',
      `${option} is ${show(value)}; a duration is milliseconds or a number with its unit ('250ms', '30s', '5m', '2h', '1d'), greater than 0 and at most 100 years`,
    )
  }
  return ms
}

function fromText(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value)
  if (match === null) return undefined
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
}

/** A value as an error message shows it: short, and never a whole object. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (value === null || typeof value !== 'object') return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}
