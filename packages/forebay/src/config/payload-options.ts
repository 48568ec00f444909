import { ForebayError } from '../core/errors.js'
import { type CompressionCodec, compressionBits, type CompressionPlan, type SealPlan } from '../core/packing.js'
import type { CachePlan } from '../core/plan.js'
import type { Schema } from '../core/schema.js'
import { Secret } from '../core/secret.js'
import { refusal } from './option-checks.js'

/** Below this size compression saves little, and costs each read from Redis a decompression. */
const thresholdOtherwise = 16 * 1024
/** The fastest of each: on JSON the next levels take two to four times as long for a tenth fewer bytes. */
const levels: Readonly<Record<CompressionCodec, { readonly least: number; readonly most: number; readonly otherwise: number }>> = {
  gzip: { least: 1, most: 9, otherwise: 1 },
  brotli: { least: 0, most: 11, otherwise: 1 },
  zstd: { least: 1, most: 22, otherwise: 1 },
}

const names = Object.keys(compressionBits) as CompressionCodec[]
const keyBytes = 32

/** `compression` resolved; throws `E_OPTION`. */
export function compressionOption(where: string, given: unknown): CompressionPlan | undefined {
  if (given === undefined || given === false) return undefined
  const {
    codec: wanted,
    threshold = thresholdOtherwise,
    level,
    ...rest
  } = typeof given === 'string' ? { codec: given } : fields(where, given)
  for (const option of Object.keys(rest)) {
    throw new ForebayError('E_OPTION', `${where}compression.${option} is no option; there are codec, threshold, level`)
  }
  const codec = names.find((name) => name === wanted)
  if (codec === undefined) throw refusal(where, 'compression', wanted, `false or one of ${names.join(', ')}`)
  const { least, most, otherwise } = levels[codec]
  return {
    codec,
    thresholdBytes: whole(where, 'compression.threshold', threshold, [0, Number.MAX_SAFE_INTEGER]),
    level: whole(where, 'compression.level', level ?? otherwise, [least, most]),
  }
}

/** `seal` resolved; throws `E_OPTION`, which never shows anything of a key. */
export function sealOption(where: string, given: unknown): SealPlan | undefined {
  if (given === undefined || given === false) return undefined
  const { keys, use, ...rest } = record(given) ?? {}
  if (Object.keys(rest).length > 0) throw new ForebayError('E_OPTION', `${where}seal has an option that there is not; there are keys, use`)
  const ring = Object.entries(record(keys) ?? {})
  if (ring.length === 0) throw new ForebayError('E_OPTION', `${where}seal has no keys; { keys: { name: 32 bytes }, use: name }, or false`)
  const secrets = new Map(ring.map(([name, key]) => [keyName(where, name), secretOf(where, name, key)]))
  if (typeof use === 'string' && secrets.has(use)) return { use, keys: secrets }
  throw new ForebayError('E_OPTION', `${where}seal.use names no key of seal.keys; new values are sealed with the key it names`)
}

/** `schema` and `migrate` checked; throws `E_OPTION`. */
export function schemaOptions(where: string, schema: unknown, migrate: unknown): Pick<CachePlan, 'schema' | 'migrate'> {
  if (schema !== undefined && !isSchema(schema)) {
    throw refusal(where, 'schema', schema, 'a Standard Schema v1, as of zod 3.24, valibot 1 and arktype 2')
  }
  if (migrate !== undefined && typeof migrate !== 'function')
    throw refusal(where, 'migrate', migrate, 'a function (old) => new value or undefined')
  if (migrate !== undefined && schema === undefined)
    throw new ForebayError('E_OPTION', `${where}migrate needs a schema, which says when it is called`)
  return { schema, migrate: migrate as CachePlan['migrate'] }
}

/** Whether two caches seal alike. Plans are compared as text, in which keys do not show. */
export function sameSeal(a: SealPlan | undefined, b: SealPlan | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.use === b.use && a.keys.size === b.keys.size && [...a.keys].every(([name, key]) => key.equals(b.keys.get(name)))
}

function isSchema(given: unknown): given is Schema {
  const standard = record(record(given)?.['~standard'])
  return standard?.version === 1 && typeof standard.validate === 'function'
}

/** Short enough for its length to fit in a byte; and too short for a key that was put in the place of its name, which no message may show. */
function keyName(where: string, name: string): string {
  if (/^[A-Za-z0-9_.-]{1,32}$/.test(name)) return name
  throw new ForebayError('E_OPTION', `${where}seal.keys has a name that cannot be used; 1-32 letters, digits, '_', '-' or '.'`)
}

function secretOf(where: string, name: string, key: unknown): Secret {
  if (key instanceof Uint8Array && key.length === keyBytes) return new Secret(key)
  if (typeof key === 'string' && /^[A-Za-z0-9+/_-]{43}=?$/.test(key)) return new Secret(Buffer.from(key, 'base64'))
  const got = key === undefined ? 'is undefined' : 'is no key'
  throw new ForebayError('E_OPTION', `${where}seal.keys.${name} ${got}; ${keyBytes} bytes, as a Buffer or as text in base64`)
}

function fields(where: string, given: unknown): Record<string, unknown> {
  const found = record(given)
  if (found === undefined) throw refusal(where, 'compression', given, `false, one of ${names.join(', ')}, or { codec, threshold, level }`)
  return found
}

/** arktype's schemas are functions. */
function record(given: unknown): Record<string, unknown> | undefined {
  return given !== null && (typeof given === 'object' || typeof given === 'function') ? (given as Record<string, unknown>) : undefined
}

function whole(where: string, option: string, value: unknown, [least, most]: readonly [number, number]): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw refusal(where, option, value, `a whole number from ${least} to ${most}`)
}
