import { parseDuration } from '../core/duration.js'
import { checkControl, wholeRamp } from '../core/control.js'
import { endlessMs } from '../core/envelope.js'
import { ForebayError } from '../core/errors.js'
import { checkName, checkTags } from '../core/key.js'
import type { CachePlan } from '../core/plan.js'
import { noCodecs } from '../core/value-codec.js'
import type { CacheOptions } from '../engine/public.js'
import { lifetimeOptions } from './lifetime-options.js'
import { memoryBounds } from './memory-options.js'
import { between, noOption, objectOfOptions, oneOf, refusal, whole, withoutUndefined } from './option-checks.js'
import { withStrategy } from './strategy-option.js'
import { compressionOption, sameSeal, schemaOptions, sealOption } from './payload-options.js'

/** Shortest staleness contract: below this, questions would follow each other faster than a busy network answers. */
const shortestContractMs = 100

export const cacheOptions: readonly (keyof CacheOptions)[] = [
  'ttl',
  'strategy',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'tags',
  'maxStaleness',
  'onOutage',
  'hardTimeout',
  'memory',
  'maxValueBytes',
  'loads',
  'version',
  'monitor',
  'control',
  'compression',
  'seal',
  'schema',
  'migrate',
  'values',
  'negativeTtl',
  'sliding',
  'expireDaily',
  'earlyRefresh',
  'softTimeout',
  'keepForRevalidation',
]

/** Options with a default; null is none of their values, and no way to ask for it. */
const otherwise = { jitter: 0.05, onOutage: 'reload', maxValueBytes: 8 * 1024 * 1024, values: 'frozen' }
/** More loads at once than a pool of connections serves only make each slower; what waits costs a promise or two. */
const loadsOtherwise = { max: 256, queue: 10_000 }

/** The options of a cache over the service's defaults, checked and resolved; throws `E_OPTION` naming the option and the value. */
export function cachePlan(name: string, given: CacheOptions<never> | undefined, defaults: CacheOptions | undefined): CachePlan {
  checkName('the cache name', name)
  const where = `cache '${name}': `
  const own = objectOfOptions(where, given)
  const said: Record<string, unknown> = { ...otherwise, ...withoutUndefined(defaults), ...own }
  for (const option of Object.keys(said)) {
    if (!cacheOptions.includes(option as keyof CacheOptions)) throw noOption(where, option, cacheOptions)
  }
  const { strategy, options } = withStrategy(where, said, own)
  if (options.ttl === undefined && strategy !== 'persistent') {
    throw new ForebayError('E_OPTION', `${where}ttl is missing; give the cache one, or createForebay({ defaults: { ttl } })`)
  }
  const duration = (option: keyof CacheOptions, otherwiseMs: number): number =>
    options[option] === undefined ? otherwiseMs : parseDuration(where + option, options[option])
  const maxStalenessMs = duration('maxStaleness', 2_000)
  if (maxStalenessMs < shortestContractMs) throw refusal(where, 'maxStaleness', options.maxStaleness, `at least ${shortestContractMs} ms`)
  return {
    name,
    version: versionOption(where, options.version),
    ttlMs: strategy === 'persistent' ? endlessMs : Math.max(1, Math.round(duration('ttl', 0))),
    strategy,
    staleMs: Math.round(duration('staleWhileRevalidate', 0)),
    errorMs: Math.round(duration('staleIfError', 0)),
    jitter: between(where, 'jitter', options.jitter, 0, 0.5),
    tags: tagsOption(where, options.tags),
    maxStalenessMs,
    onOutage: oneOf(where, 'onOutage', options.onOutage, ['reload', 'serve']),
    hardTimeoutMs: duration('hardTimeout', 30_000),
    memory: memoryBounds(where, options.memory, strategy),
    ...lifetimeOptions(where, options, duration),
    maxValueBytes: whole(where, 'maxValueBytes', options.maxValueBytes, 1),
    loads: loadBounds(where, options.loads),
    monitor: monitorOption(where, options.monitor),
    control: { mode: 'on', ramp: wholeRamp, ...checkControl(where, options.control) },
    compression: compressionOption(where, options.compression),
    seal: sealOption(where, options.seal),
    ...schemaOptions(where, options.schema, options.migrate),
    values: oneOf(where, 'values', options.values, ['frozen', 'cloned', 'shared']),
    codecs: noCodecs,
    doubts: doubtsAbout(where, options),
  }
}

/** What can be used, but is hardly meant: other caches count seconds, so a bare number as small as this is probably some. */
const leastBareMs = 1_000

function doubtsAbout(where: string, options: Record<string, unknown>): readonly string[] {
  return ['ttl', 'staleWhileRevalidate', 'staleIfError', 'negativeTtl'].flatMap((name) => {
    const value = options[name]
    if (typeof value !== 'number' || value >= leastBareMs) return []
    return [`${where}${name} is ${value}, which is ${value} milliseconds: say '${value}s' if seconds are meant, else '${value}ms'`]
  })
}

/** Whether two plans are the same but for their functions and schemas, which cannot be compared. */
export function samePlan(a: CachePlan, b: CachePlan): boolean {
  const comparable = (plan: CachePlan): string => JSON.stringify({ ...plan, schema: plan.schema !== undefined, doubts: [] })
  return comparable(a) === comparable(b) && sameSeal(a.seal, b.seal)
}

function loadBounds(where: string, loads: unknown): CachePlan['loads'] {
  if (loads !== undefined && (loads === null || typeof loads !== 'object')) {
    throw refusal(where, 'loads', loads, 'an object of max and queue')
  }
  const { max, queue, ...rest }: Record<string, unknown> = { ...loadsOtherwise, ...withoutUndefined(loads) }
  for (const option of Object.keys(rest)) throw noOption(where, `loads.${option}`, ['max', 'queue'])
  return { max: whole(where, 'loads.max', max, 1), queue: whole(where, 'loads.queue', queue, 0) }
}

function monitorOption(where: string, monitor: unknown): CachePlan['monitor'] {
  if (monitor === undefined || monitor === false) return undefined
  if (monitor === null || typeof monitor !== 'object') {
    throw refusal(where, 'monitor', monitor, 'an object of share and maxPerSecond, or false')
  }
  const { share, maxPerSecond, ...rest }: Record<string, unknown> = { maxPerSecond: 10, ...withoutUndefined(monitor) }
  for (const option of Object.keys(rest)) throw noOption(where, `monitor.${option}`, ['share', 'maxPerSecond'])
  return {
    share: between(where, 'monitor.share', share, 0, 1),
    maxPerSecond: between(where, 'monitor.maxPerSecond', maxPerSecond, 0.001, 1_000),
  }
}

function versionOption(where: string, version: unknown): string {
  if (version === undefined) return ''
  const text = typeof version === 'number' ? String(version) : version
  if (typeof text === 'string' && /^[A-Za-z0-9_.-]{1,32}$/.test(text)) return text
  throw refusal(where, 'version', version, "1-32 letters, digits, '_', '-' or '.'")
}

function tagsOption(where: string, tags: unknown): CachePlan['tags'] {
  if (tags === undefined) return []
  if (typeof tags === 'function') return (value, key) => tags(value, key) as readonly string[]
  if (!Array.isArray(tags)) throw refusal(where, 'tags', tags, 'an array of tags, or a function (value, key) => tags')
  return checkTags(tags)
}
