import type { Bytes } from '../core/bytes.js'
import { ForebayError } from '../core/errors.js'
import type { AcquireAnswer, ExtendAnswer, FillAnswer, PatternStamp, Position, SyncAnswer, WriteAnswer } from '../core/far-store.js'
import { type Notice, parseNotice } from '../core/notice.js'

/*
 * What the server and our scripts answer, made certain. Strings come as buffers; a number comes as an integer from a script, and as text
 * where it was read from a key.
 */

function strange(expected: string): ForebayError {
  return new ForebayError('E_REDIS_REPLY', `an answer is not ${expected}`)
}

export function listOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw strange('a list')
  return reply
}

export function textOf(reply: unknown): string {
  if (Buffer.isBuffer(reply)) return reply.toString()
  if (typeof reply === 'string') return reply
  throw strange('a text')
}

export function numberOf(reply: unknown): number {
  const number = typeof reply === 'number' ? reply : Number(textOf(reply))
  if (!Number.isSafeInteger(number)) throw strange('an integer')
  return number
}

export function bytesOf(reply: unknown): Bytes | undefined {
  if (reply === null) return undefined
  if (Buffer.isBuffer(reply)) return reply
  throw strange('bytes')
}

export function positionOf([inc, seq, head]: readonly unknown[]): Position {
  return { inc: textOf(inc), seq: numberOf(seq), head: textOf(head) }
}

/** A text is the list of versions that the writer should have known: nothing was written. */
export function writeAnswerOf(reply: unknown): WriteAnswer | string {
  const list = listOf(reply)
  const [inc, seq, head, stored] = list
  if (list.length === 2) return textOf(seq)
  return { stored: numberOf(stored) === 1, ...positionOf([inc, seq, head]) }
}

/** Milliseconds from the answer to `TIME`. */
export function timeOf(reply: unknown): number {
  const [seconds, micros] = listOf(reply)
  return numberOf(seconds) * 1_000 + Math.floor(numberOf(micros) / 1_000)
}

export function acquireAnswerOf(reply: unknown): AcquireAnswer {
  const [word, now, second, third, fourth] = listOf(reply)
  const kind = textOf(word)
  const nowMs = numberOf(now)
  if (kind === 'lease') return { kind, nowMs, inc: textOf(second), seq: numberOf(third), bytes: bytesOf(fourth) }
  if (kind === 'wait') return { kind, nowMs, holder: textOf(second), remainingMs: numberOf(third), bytes: bytesOf(fourth) }
  const bytes = bytesOf(second)
  if (kind === 'entry' && bytes !== undefined) return { kind, nowMs, bytes }
  throw strange('an entry, a lease or a wait')
}

export function extendAnswerOf(reply: unknown): ExtendAnswer | undefined {
  if (reply === null) return undefined
  const [now, created, fresh, stale, error] = listOf(reply)
  return {
    nowMs: numberOf(now),
    createdMs: numberOf(created),
    freshUntilMs: numberOf(fresh),
    staleUntilMs: numberOf(stale),
    errorUntilMs: numberOf(error),
  }
}

export function fillAnswerOf(reply: unknown): FillAnswer {
  const [word, now] = listOf(reply)
  const outcome = textOf(word)
  if (outcome === 'stored') return { kind: outcome, nowMs: numberOf(now) }
  if (outcome === 'lease' || outcome === 'epoch') return { kind: 'refused', why: outcome }
  throw strange('a fill or a refusal')
}

export function syncAnswerOf(reply: unknown, node: string): SyncAnswer {
  const [now, inc, seq, head, floor, clears, stamps, more, nonces, patterns] = listOf(reply)
  return {
    ...positionOf([inc, seq, head]),
    node,
    nowMs: numberOf(now),
    floor: numberOf(floor),
    clears: new Map(pairsOf(clears, numberOf)),
    patterns: new Map(pairsOf(patterns, patternsOf)),
    stamps: pairsOf(stamps, numberOf),
    moreStamps: numberOf(more) === 1,
    nonces: listOf(nonces).map(textOf),
  }
}

function pairsOf<T>(reply: unknown, read: (value: unknown) => T): (readonly [string, T])[] {
  const flat = listOf(reply)
  return Array.from({ length: flat.length / 2 }, (_, i) => [textOf(flat[2 * i]), read(flat[2 * i + 1])] as const)
}

/** A cache's pattern stamps, as the scripts keep them: JSON of [seq, parts]. */
function patternsOf(reply: unknown): readonly PatternStamp[] {
  try {
    const list: unknown = JSON.parse(textOf(reply))
    if (Array.isArray(list) && list.every(isPatternStamp)) return list
  } catch {
    // not JSON: not written by our scripts
  }
  throw strange('a list of patterns')
}

function isPatternStamp(value: unknown): value is PatternStamp {
  const [seq, parts]: readonly unknown[] = Array.isArray(value) ? value : []
  return Number.isSafeInteger(seq) && Array.isArray(parts) && parts.length > 0 && parts.every((part) => typeof part === 'string')
}

/** The notices of an `XRANGE`, up to the first that cannot be read. */
export function noticesOf(reply: unknown): readonly Notice[] {
  const notices: Notice[] = []
  for (const logged of listOf(reply)) {
    const [, fields] = listOf(logged)
    const notice = parseNotice(textOf(listOf(fields)[1]))
    if (notice === undefined) break
    notices.push(notice)
  }
  return notices
}
