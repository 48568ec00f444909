import { ForebayError } from '../core/errors.js'
import type { CompressionCodec } from '../core/packing.js'
import type { Variables } from '../core/variables.js'
import type { CacheOptions, CompressionOptions, SealOptions } from '../engine/public.js'
import type { ServiceOptions } from './forebay-plan.js'
import { withoutUndefined } from './option-checks.js'
import { compressionOption, sealOption } from './payload-options.js'
import { profiles } from './profiles.js'

/** The variables of Forebay's own. */
export const forebayVariables = [
  'FOREBAY_SERVICE',
  'FOREBAY_PROFILE',
  'FOREBAY_DISABLED',
  'FOREBAY_REDIS',
  'FOREBAY_SHARDS',
  'FOREBAY_OUTBOX_DIRECTORY',
  'FOREBAY_REDACT_KEYS',
  'FOREBAY_DEFAULT_TTL',
  'FOREBAY_STALE_WHILE_REVALIDATE',
  'FOREBAY_STALE_IF_ERROR',
  'FOREBAY_MAX_STALENESS',
  'FOREBAY_HARD_TIMEOUT',
  'FOREBAY_ON_OUTAGE',
  'FOREBAY_MAX_VALUE_BYTES',
  'FOREBAY_MEMORY_BYTES',
  'FOREBAY_MEMORY_ENTRIES',
  'FOREBAY_MEMORY_POLICY',
  'FOREBAY_COMPRESSION',
  'FOREBAY_COMPRESSION_THRESHOLD',
  'FOREBAY_COMPRESSION_LEVEL',
  'FOREBAY_SEAL_KEYS',
  'FOREBAY_SEAL_USE',
]

/** What this repository's tests and tools read. */
const variablesOfTools = ['FOREBAY_SEED', 'FOREBAY_SEEDS', 'FOREBAY_REDIS_SERVER', 'FOREBAY_POSTGRES_BIN', 'FOREBAY_OUTBOX_ROUNDS']
/** What Kubernetes and Docker put there where there is a service called forebay. */
const linked = /^FOREBAY_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_\w+)?)$/
/** A lifetime as short as this is a number of seconds. */
const leastBareLifeMs = 1_000
const leastBareTimeoutMs = 100

type Found = { -readonly [P in keyof ServiceOptions<never>]?: ServiceOptions<never>[P] }

/** Refuses what begins like a variable of ours and is none: a typing error would otherwise be a setting that does nothing. */
export function checkVariableNames(variables: Variables): void {
  for (const name of variables.names('FOREBAY_')) {
    if (forebayVariables.includes(name) || variablesOfTools.includes(name) || linked.test(name)) continue
    throw new ForebayError('E_OPTION', `${name} is no variable of Forebay; there are ${forebayVariables.join(', ')}`)
  }
}

/** Options of the service by their variables, over those that the code gives. Throws `E_OPTION` naming the variable. */
export function serviceOptionsFrom(variables: Variables, given: Pick<ServiceOptions<never>, 'defaults' | 'outbox'>): Found {
  const defaults = { ...withoutUndefined(given.defaults), ...withoutUndefined(cacheOptionsFrom(variables, given.defaults)) }
  const directory = variables.text('FOREBAY_OUTBOX_DIRECTORY')
  return withoutUndefined({
    service: variables.text('FOREBAY_SERVICE'),
    profile: variables.oneOf('FOREBAY_PROFILE', profiles),
    disabled: variables.flag('FOREBAY_DISABLED'),
    shards: variables.whole('FOREBAY_SHARDS', 1, 1_024),
    outbox: directory === undefined ? undefined : { ...given.outbox, directory },
    redactKeys: variables.flag('FOREBAY_REDACT_KEYS'),
    defaults: Object.keys(defaults).length === 0 ? undefined : defaults,
  })
}

function cacheOptionsFrom(variables: Variables, given: CacheOptions | undefined): CacheOptions {
  const life = (name: string) => variables.durationMs(name, leastBareLifeMs)
  return {
    ttl: life('FOREBAY_DEFAULT_TTL'),
    staleWhileRevalidate: life('FOREBAY_STALE_WHILE_REVALIDATE'),
    staleIfError: life('FOREBAY_STALE_IF_ERROR'),
    maxStaleness: variables.durationMs('FOREBAY_MAX_STALENESS', leastBareTimeoutMs),
    hardTimeout: variables.durationMs('FOREBAY_HARD_TIMEOUT', leastBareTimeoutMs),
    onOutage: variables.oneOf('FOREBAY_ON_OUTAGE', ['reload', 'serve']),
    maxValueBytes: atLeastOne('FOREBAY_MAX_VALUE_BYTES', variables.bytes('FOREBAY_MAX_VALUE_BYTES')),
    memory: memoryFrom(variables, given?.memory),
    compression: compressionFrom(variables, given?.compression),
    seal: sealFrom(variables),
  }
}

function memoryFrom(variables: Variables, given: CacheOptions['memory']): CacheOptions['memory'] {
  const found = withoutUndefined({
    maxBytes: atLeastOne('FOREBAY_MEMORY_BYTES', variables.bytes('FOREBAY_MEMORY_BYTES')),
    maxEntries: variables.whole('FOREBAY_MEMORY_ENTRIES', 1, Number.MAX_SAFE_INTEGER),
    policy: variables.oneOf('FOREBAY_MEMORY_POLICY', ['s3fifo', 'lru', 'lfu']),
  })
  return Object.keys(found).length === 0 ? undefined : { ...(given === false ? {} : given), ...found }
}

const codecs: readonly (CompressionCodec | 'false')[] = ['false', 'gzip', 'brotli', 'zstd']

function compressionFrom(variables: Variables, given: CacheOptions['compression']): CacheOptions['compression'] {
  const codec = variables.oneOf('FOREBAY_COMPRESSION', codecs)
  const threshold = variables.bytes('FOREBAY_COMPRESSION_THRESHOLD')
  const level = variables.whole('FOREBAY_COMPRESSION_LEVEL', 0, 100)
  const [only] = variables.names('FOREBAY_COMPRESSION_')
  if (codec === 'false' || (codec === undefined && !given)) {
    if (only === undefined) return codec === undefined ? undefined : false
    throw new ForebayError('E_OPTION', `${only} is set, and nothing is compressed; set FOREBAY_COMPRESSION to gzip, brotli or zstd`)
  }
  if (codec === undefined && only === undefined) return undefined
  const before: Partial<CompressionOptions> = typeof given === 'string' ? { codec: given } : given || {}
  const sameCodec = codec === undefined || codec === before.codec
  const found = withoutUndefined({
    ...before,
    level: sameCodec ? before.level : undefined,
    ...withoutUndefined({ codec, threshold, level }),
  })
  inWordsOf('FOREBAY_COMPRESSION_LEVEL', () => compressionOption('', found))
  return found as unknown as CompressionOptions
}

/** `name:key,name:key`; which of them seals must be said where there are several. */
function sealFrom(variables: Variables): SealOptions | undefined {
  const text = variables.secret('FOREBAY_SEAL_KEYS')?.trim()
  const use = variables.text('FOREBAY_SEAL_USE')
  if (text === undefined) {
    if (use !== undefined) throw new ForebayError('E_OPTION', 'FOREBAY_SEAL_USE is set, and FOREBAY_SEAL_KEYS has no keys')
    return undefined
  }
  const pairs = text.split(',').map((pair) => /^\s*([^:\s]+):(\S+)\s*$/.exec(pair) ?? [])
  const keys = Object.fromEntries(pairs.map(([, name = '', key = '']) => [name, key]))
  const [first = '', ...others] = Object.keys(keys)
  if (use === undefined && others.length > 0)
    throw new ForebayError('E_OPTION', 'FOREBAY_SEAL_USE is missing; it names the key that new values are sealed with')
  const seal = { keys, use: use ?? first }
  inWordsOf('FOREBAY_SEAL_KEYS', () => sealOption('', seal))
  if (Object.keys(keys).length < pairs.length) throw new ForebayError('E_OPTION', 'FOREBAY_SEAL_KEYS names a key twice')
  return seal
}

function atLeastOne(name: string, bytes: number | undefined): number | undefined {
  if (bytes === 0) throw new ForebayError('E_OPTION', `${name} is "0"; at least 1`)
  return bytes
}

/** What the option says of its value, under the name of the variable. */
function inWordsOf(name: string, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    throw error instanceof ForebayError ? new ForebayError(error.code, `${name}: ${error.message.replace(/^E_\w+: /, '')}`) : error
  }
}
