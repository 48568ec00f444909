import type { Clock, Random } from '../core/clock.js'
import { decodeValue, type EncodedValue, encodeValue } from '../core/codec.js'
import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { StoredValue } from '../core/far-store.js'
import { handOut, keptBytes, toKeep } from '../core/kept-value.js'
import { checkTags } from '../core/key.js'
import { withValidator } from '../core/validator.js'
import type { CachePlan } from '../core/plan.js'
import { checkGiven } from './given.js'
import { type EntryOptionsInOrder, lifeOf } from './lifetimes.js'
import type { Held } from './held.js'
import { admit, readBack } from './schemas.js'

/** What the header has room for. */
const highestVersion = 2 ** 48 - 1

/** A value about to be kept: its bytes for the far store, and what is kept of it in memory, as a later hit will find it. */
export interface Storable {
  readonly stored: StoredValue
  readonly value: unknown
  /** What it takes in memory. */
  readonly bytes: number
}

/** Encodes a value with its lifetimes and tags; throws on values, tags and lifetimes that cannot be kept. */
export function storable(
  plan: CachePlan,
  what: { key: unknown; value: unknown; costMs: number; validator?: string | undefined },
  options: EntryOptionsInOrder,
  parts: { readonly random: Random; readonly clock: Clock },
): Storable {
  for (const given of options) checkGiven(given)
  const encode = (value: unknown): EncodedValue => encodeValue(value, plan.codecs)
  const encoded = encode(admit(plan, what.value))
  const { codec, payload } = withValidator(encoded, what.validator)
  if (payload.length > plan.maxValueBytes) {
    throw new ForebayError(
      'E_VALUE_TOO_LARGE',
      `a value of cache '${plan.name}' has ${payload.length} bytes; maxValueBytes is ${plan.maxValueBytes}`,
    )
  }
  const value = toKeep(readBack(plan, decodeValue(encoded.codec, encoded.payload, 0, plan.codecs), encoded, encode), encoded.codec, plan)
  const life = lifeOf(plan, what.value, options, parts)
  const tags = tagsOf(plan, what.key, value, options)
  return {
    stored: {
      codec,
      payload,
      tags,
      costMs: Math.min(Math.round(what.costMs), 0xffff_ffff),
      version: versionOf(options),
      ...life,
    },
    value,
    bytes: plan.memory === undefined ? 0 : keptBytes(value),
  }
}

/** The memory copy of a value that the far store took no earlier than `sentMs`: its freshness ends with the far one's, or a little before. */
export function heldFrom({ stored, value, bytes }: Storable, sentMs: number): Held {
  const freshUntilMs = sentMs + stored.freshMs
  return {
    value,
    createdMs: sentMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs + stored.staleMs,
    errorUntilMs: freshUntilMs + stored.errorMs,
    tags: stored.tags,
    costMs: stored.costMs,
    extendMs: stored.extendMs,
    version: stored.version,
    validator: undefined,
    bytes,
  }
}

function tagsOf(plan: CachePlan, key: unknown, kept: unknown, options: EntryOptionsInOrder): readonly string[] {
  for (const given of options) if (given?.tags !== undefined) return checkTags(given.tags)
  if (typeof plan.tags !== 'function') return plan.tags
  const value = handOut(kept)
  return value === null || value === undefined ? [] : checkTags(plan.tags(value, key))
}

function versionOf(options: EntryOptionsInOrder): number {
  for (const given of options) if (given?.version !== undefined) return checkVersion(given.version)
  return 0
}

function checkVersion(version: unknown): number {
  if (Number.isSafeInteger(version) && (version as number) >= 1 && (version as number) <= highestVersion) return version as number
  throw new ForebayError('E_OPTION', `version is ${show(version)}; a whole number from 1 to 2^48 - 1`)
}
