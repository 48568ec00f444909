import { parseDuration, show } from './duration.js'
import { ForebayError } from './errors.js'

/** Variables by their names, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

const yes = ['1', 'true', 'yes', 'on']
const no = ['0', 'false', 'no', 'off']
const byteUnits: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/**
 * Reads variables as what they mean. One that is not set is `undefined`; one that is set and cannot be used throws `E_OPTION`, naming the
 * variable and its value, but no secret. Empty counts as a mistake: it is what is left of a reference to something that is not there.
 */
export class Variables {
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** Those that are set, of a family. */
  names(prefix: string): readonly string[] {
    return Object.keys(this.#environment).filter((name) => name.startsWith(prefix) && this.has(name))
  }

  has(name: string): boolean {
    return this.#environment[name] !== undefined
  }

  text(name: string): string | undefined {
    const text = this.#environment[name]?.trim()
    if (text === '') throw new ForebayError('E_OPTION', `${name} is set but empty; unset it, or give it a value`)
    return text
  }

  /** As it is, with all its spaces. */
  secret(name: string): string | undefined {
    return this.text(name) === undefined ? undefined : this.#environment[name]
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined) return undefined
    if (yes.includes(text)) return true
    return no.includes(text) ? false : refuse(name, text, `${yes.join(', ')} or ${no.join(', ')}`)
  }

  whole(name: string, least: number, most: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most ? value : refuse(name, text, `a whole number from ${least} to ${most}`)
  }

  /** Bytes, or a number of KiB, MiB or GiB. */
  bytes(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const [, digits = '', unit = ''] = /^(\d+) ?(B|[KMG]iB)?$/.exec(text) ?? []
    const value = Number(digits) * (byteUnits[unit] ?? 1)
    return digits !== '' && Number.isSafeInteger(value)
      ? value
      : refuse(name, text, "bytes, or a number with its unit ('512KiB', '64MiB', '1GiB')")
  }

  /**
   * Milliseconds, or a number with its unit. Others count such variables in seconds, so a number without a unit is refused below
   * `leastBareMs`, where it must have been meant so.
   */
  durationMs(name: string, leastBareMs: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (!/^\d+(\.\d+)?$/.test(text)) return parseDuration(name, text)
    const ms = Number(text)
    return ms >= leastBareMs
      ? parseDuration(name, ms)
      : refuse(name, text, `without a unit that would be milliseconds; say ${text}ms or ${text}s`)
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    return choices.find((choice) => choice === text) ?? refuse(name, text, choices.join(' or '))
  }
}

function refuse(name: string, text: string, wanted: string): never {
  throw new ForebayError('E_OPTION', `${name} is ${show(text)}; ${wanted}`)
}
