import type { Bytes } from './bytes.js'

/**
 * The envelope: a value's bytes in the far store behind a short binary header. All integers are big endian; times are milliseconds of the
 * store's own clock, put in by the store itself, so that no two machines' clocks are ever compared.
 *
 *     0  u8   format (1)                 22  u48  serve on error until
 *     1  u8   codec of the payload       28  8 B  incarnation of the shard it was loaded under (ASCII)
 *     2  u16  extension, coded           36  u48  epoch: the shard's seq when its load began
 *     4  u48  created                    42  u32  what the load cost, ms
 *     10 u48  fresh until                46  u16  length of the tags in bytes
 *     16 u48  serve stale until          48 u48  the value's version at its origin, 0 = none
 *                                        54       tags, each a u16 length and UTF-8; then the payload
 *
 * The extension is the span that an extended entry is fresh for from then on: 5 bits of exponent, 11 of mantissa, rounded down. 0 = its
 * life has a fixed end and is never extended, as were all lives before there were extensions.
 */
export interface Envelope extends Header, Times {
  readonly costMs: number
  readonly extendMs: number
  readonly version: number
  readonly payload: Bytes
}

/** What an entry is judged and decoded by. */
export interface Header {
  readonly codec: number
  readonly inc: string
  readonly epoch: number
  readonly tags: readonly string[]
}

/** An entry's life, by the store's clock. */
export interface Times {
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
  readonly errorUntilMs: number
}

/** Bytes before the tags. */
export const headerLength = 54
/** Longest list of tags, in bytes with their lengths, that a header can describe. */
export const maxTagsLength = 65_535
/** The end of a freshness that does not end by time; a span that reaches beyond it has no end. Windows after it still fit into 48 bits. */
export const endlessMs = 2 ** 47
const format = 1
const noTags: readonly string[] = []

/** Reads an envelope without looking into the payload; `undefined` if the bytes are foreign, truncated or corrupt. */
export function openEnvelope(bytes: Bytes): Envelope | undefined {
  const header = openHeader(bytes)
  return (
    header && {
      ...header,
      ...timesIn(bytes, 0),
      costMs: costIn(bytes),
      extendMs: extensionIn(bytes),
      version: versionIn(bytes),
      payload: bytes.subarray(payloadStart(bytes)),
    }
  )
}

/** Reads of an envelope what is needed of every entry: on the path of a hit in the far store each number and each view of bytes is felt. */
export function openHeader(bytes: Bytes): Header | undefined {
  if (bytes.length < headerLength || bytes[0] !== format) return undefined
  const tagsEnd = payloadStart(bytes)
  if (tagsEnd > bytes.length) return undefined
  const tags = tagsEnd === headerLength ? noTags : readTags(bytes, tagsEnd)
  return tags && { codec: bytes[1] ?? 0, inc: incarnation(bytes), epoch: u48(bytes, 36), tags }
}

/** When a well-formed envelope's value was made, by the store's clock. */
export function createdIn(bytes: Bytes): number {
  return u48(bytes, 4)
}

/** Until when it is fresh, and served stale, and served on error. */
export function freshUntilIn(bytes: Bytes): number {
  return u48(bytes, 10)
}

export function staleUntilIn(bytes: Bytes): number {
  return u48(bytes, 16)
}

export function errorUntilIn(bytes: Bytes): number {
  return u48(bytes, 22)
}

/** The times of a well-formed envelope, less `offsetMs`: on a clock that is so much behind the store's. */
export function timesIn(bytes: Bytes, offsetMs: number): Times {
  return {
    createdMs: u48(bytes, 4) - offsetMs,
    freshUntilMs: u48(bytes, 10) - offsetMs,
    staleUntilMs: u48(bytes, 16) - offsetMs,
    errorUntilMs: u48(bytes, 22) - offsetMs,
  }
}

/** What the load of a well-formed envelope cost. */
export function costIn(bytes: Bytes): number {
  return u32(bytes, 42)
}

/** By which span a well-formed envelope's freshness is extended, 0 = never. */
export function extensionIn(bytes: Bytes): number {
  const coded = u16(bytes, 2)
  return (coded & 0x7ff) * 2 ** (coded >>> 11)
}

/** The version at its origin of a well-formed envelope, 0 = none. */
export function versionIn(bytes: Bytes): number {
  return u48(bytes, 48)
}

/** Where the payload of an envelope begins. */
export function payloadStart(bytes: Bytes): number {
  return headerLength + u16(bytes, 46)
}

/** Writes an envelope: what the memory twin does, and what the scripts do in Lua. */
export function sealEnvelope(envelope: Envelope): Bytes {
  const tags = encodeTags(envelope.tags)
  const bytes = new Uint8Array(headerLength + tags.length + envelope.payload.length)
  bytes[0] = format
  bytes[1] = envelope.codec
  putU16(bytes, 2, codedExtension(envelope.extendMs))
  putU48(bytes, 4, envelope.createdMs)
  putU48(bytes, 10, envelope.freshUntilMs)
  putU48(bytes, 16, envelope.staleUntilMs)
  putU48(bytes, 22, envelope.errorUntilMs)
  for (let i = 0; i < 8; i++) bytes[28 + i] = envelope.inc.charCodeAt(i)
  putU48(bytes, 36, envelope.epoch)
  putU32(bytes, 42, envelope.costMs)
  putU16(bytes, 46, tags.length)
  putU48(bytes, 48, envelope.version)
  bytes.set(tags, headerLength)
  bytes.set(envelope.payload, headerLength + tags.length)
  return bytes
}

/** The same envelope with its freshness ended, and the stale windows from there; `undefined` if the bytes are none. A copy, since readers may hold these bytes. */
export function endFreshness(bytes: Bytes, nowMs: number): Bytes | undefined {
  const envelope = openEnvelope(bytes)
  if (envelope === undefined) return undefined
  const ended = Uint8Array.from(bytes)
  const cutMs = Math.max(0, envelope.freshUntilMs - nowMs)
  putU48(ended, 10, envelope.freshUntilMs - cutMs)
  putU48(ended, 16, envelope.staleUntilMs - cutMs)
  putU48(ended, 22, envelope.errorUntilMs - cutMs)
  return ended
}

/** How long an extended entry is to be fresh. */
export interface Extension {
  /** From now on, 0 = for its own span again. */
  readonly freshMs: number
  /** The age at which freshness ends at the latest, 0 = none. */
  readonly maxAgeMs: number
}

/**
 * The same envelope with its freshness extended, its stale windows moved along, and by how much; `undefined` if it is not fresh any more.
 * Never shortened. A copy, since readers may hold these bytes.
 */
export function extendFreshness(bytes: Bytes, nowMs: number, { freshMs, maxAgeMs }: Extension): { bytes: Bytes; byMs: number } | undefined {
  const envelope = openEnvelope(bytes)
  if (envelope === undefined || envelope.freshUntilMs <= nowMs) return undefined
  const { createdMs, freshUntilMs, staleUntilMs, errorUntilMs, extendMs } = envelope
  const wantedMs = Math.min(nowMs + (freshMs > 0 ? freshMs : extendMs), maxAgeMs > 0 ? createdMs + maxAgeMs : Number.MAX_SAFE_INTEGER)
  const byMs = extendMs === 0 ? 0 : Math.max(0, wantedMs - freshUntilMs)
  const extended = Uint8Array.from(bytes)
  putU48(extended, 10, freshUntilMs + byMs)
  putU48(extended, 16, staleUntilMs + byMs)
  putU48(extended, 22, errorUntilMs + byMs)
  return { bytes: extended, byMs }
}

/** 2 bytes for up to a century, at most a two-thousandth too short. */
function codedExtension(ms: number): number {
  let exponent = 0
  let mantissa = Math.floor(ms)
  for (; mantissa > 0x7ff; exponent++) mantissa = Math.floor(mantissa / 2)
  return exponent * 0x800 + mantissa
}

/** A tag that begins with U+FEFF must come back with it, or its stamp would not be found. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const toUtf8 = new TextEncoder()

/** The tags as they stand in a header. */
export function encodeTags(tags: readonly string[]): Bytes {
  const encoded = tags.map((tag) => toUtf8.encode(tag))
  const bytes = new Uint8Array(encoded.reduce((length, tag) => length + 2 + tag.length, 0))
  let at = 0
  for (const tag of encoded) {
    putU16(bytes, at, tag.length)
    bytes.set(tag, at + 2)
    at += 2 + tag.length
  }
  return bytes
}

function readTags(bytes: Bytes, end: number): string[] | undefined {
  const tags: string[] = []
  for (let at = headerLength; at < end; ) {
    const next = at + 2 + u16(bytes, at)
    if (next > end) return undefined
    tags.push(utf8.decode(bytes.subarray(at + 2, next)))
    at = next
  }
  return tags
}

function u16(bytes: Bytes, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function u32(bytes: Bytes, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2)
}

function u48(bytes: Bytes, at: number): number {
  return u16(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 2)
}

function putU16(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function putU32(bytes: Bytes, at: number, value: number): void {
  putU16(bytes, at, value >>> 16)
  putU16(bytes, at + 2, value & 0xffff)
}

function putU48(bytes: Bytes, at: number, value: number): void {
  putU16(bytes, at, Math.floor(value / 0x1_0000_0000))
  putU32(bytes, at + 2, (value % 0x1_0000_0000) >>> 0)
}

function incarnation(bytes: Bytes): string {
  return String.fromCharCode(
    at(bytes, 28),
    at(bytes, 29),
    at(bytes, 30),
    at(bytes, 31),
    at(bytes, 32),
    at(bytes, 33),
    at(bytes, 34),
    at(bytes, 35),
  )
}

function at(bytes: Bytes, i: number): number {
  return bytes[i] ?? 0
}
