import type { Random } from '../core/clock.js'
import { decodeValue, type EncodedValue, encodeValue } from '../core/codec.js'
import { parseDuration, show } from '../core/duration.js'
import { headerLength } from '../core/envelope.js'
import { ForebayError } from '../core/errors.js'
import type { StoredValue } from '../core/far-store.js'
import { handOut, toKeep } from '../core/kept-value.js'
import { checkTags } from '../core/key.js'
import type { CachePlan, Lifetimes } from '../core/plan.js'
import type { Held } from './near.js'
import type { EntryOptions } from './public.js'
import { admit, readBack } from './schemas.js'

/** What the header has room for. */
const highestVersion = 2 ** 48 - 1

/** A value about to be kept: its bytes for the far store, and what is kept of it in memory, as a later hit will find it. */
export interface Storable {
  readonly stored: StoredValue
  readonly value: unknown
}

/** Encodes a value with its lifetimes and tags; throws on values, tags and lifetimes that cannot be kept. */
export function storable(
  plan: CachePlan,
  what: { key: unknown; value: unknown; costMs: number },
  options: readonly (EntryOptions | undefined)[],
  random: Random,
): Storable {
  const encode = (value: unknown): EncodedValue => encodeValue(value, plan.codecs)
  const encoded = encode(admit(plan, what.value))
  const { codec, payload } = encoded
  if (payload.length > plan.maxValueBytes) {
    throw new ForebayError(
      'E_VALUE_TOO_LARGE',
      `a value of cache '${plan.name}' has ${payload.length} bytes; maxValueBytes is ${plan.maxValueBytes}`,
    )
  }
  const value = toKeep(readBack(plan, decodeValue(codec, payload, 0, plan.codecs), encoded, encode), codec, plan)
  const { ttlMs, staleMs, errorMs } = lifetimesOf(plan, options)
  const freshMs = Math.max(1, Math.round(ttlMs * (1 - plan.jitter * random.unit())))
  const tags = tagsOf(plan, what.key, value, options)
  return {
    stored: {
      codec,
      payload,
      tags,
      freshMs,
      staleMs,
      errorMs,
      costMs: Math.min(Math.round(what.costMs), 0xffff_ffff),
      version: versionOf(options),
    },
    value,
  }
}

/** The memory copy of a value that the far store took no earlier than `sentMs`: its freshness ends with the far one's, or a little before. */
export function heldFrom({ stored, value }: Storable, sentMs: number): Held {
  const freshUntilMs = sentMs + stored.freshMs
  return {
    value,
    createdMs: sentMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs + stored.staleMs,
    errorUntilMs: freshUntilMs + stored.errorMs,
    tags: stored.tags,
    bytes: headerLength + stored.payload.length,
  }
}

function lifetimesOf(plan: CachePlan, options: readonly (EntryOptions | undefined)[]): Lifetimes {
  const pick = (name: 'ttl' | 'staleWhileRevalidate' | 'staleIfError', otherwise: number): number => {
    for (const given of options) if (given?.[name] !== undefined) return Math.round(parseDuration(name, given[name]))
    return otherwise
  }
  return {
    ttlMs: pick('ttl', plan.ttlMs),
    staleMs: pick('staleWhileRevalidate', plan.staleMs),
    errorMs: pick('staleIfError', plan.errorMs),
  }
}

function tagsOf(plan: CachePlan, key: unknown, kept: unknown, options: readonly (EntryOptions | undefined)[]): readonly string[] {
  for (const given of options) if (given?.tags !== undefined) return checkTags(given.tags)
  if (typeof plan.tags !== 'function') return plan.tags
  const value = handOut(kept)
  return value === null || value === undefined ? [] : checkTags(plan.tags(value, key))
}

function versionOf(options: readonly (EntryOptions | undefined)[]): number {
  for (const given of options) if (given?.version !== undefined) return checkVersion(given.version)
  return 0
}

function checkVersion(version: unknown): number {
  if (Number.isSafeInteger(version) && (version as number) >= 1 && (version as number) <= highestVersion) return version as number
  throw new ForebayError('E_OPTION', `version is ${show(version)}; a whole number from 1 to 2^48 - 1`)
}
