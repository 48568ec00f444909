/**
 * A notice: one line of a shard's log. Notices form a chain: each carries the nonce of the one before it, so a reader knows by itself
 * whether it has heard everything, whatever happened to the log or to the server in between.
 *
 * Its text is `kind inc seq nonce previous payload`, where only the payload (a JSON array) may hold spaces. The scripts put the first
 * five together and never look into the payload.
 */
export type Notice = {
  readonly inc: string
  readonly seq: number
  readonly nonce: string
  readonly previous: string
} & Tidings

/** What a notice tells. `stale`: keep the far entry, drop the near one. `filled`: a lease ended; only waiters care. */
export type Tidings =
  | { readonly kind: 'key' | 'stale' | 'filled'; readonly cache: string; readonly key: string }
  | { readonly kind: 'tags'; readonly scope: string; readonly tags: readonly string[] }
  | { readonly kind: 'clear'; readonly scope: string }
  /** All keys of the cache that fit these literals with gaps between them (`core/pattern.ts`). */
  | { readonly kind: 'pattern'; readonly scope: string; readonly parts: readonly string[] }

/** What a group's stamp tells: of a pattern, of tags, or of everything. */
export function tidingsOf(group: {
  readonly scope: string
  readonly tags: readonly string[]
  readonly parts?: readonly string[] | undefined
}): Tidings {
  const { scope, tags, parts } = group
  if (parts !== undefined) return { kind: 'pattern', scope, parts: [...parts] }
  return tags.length === 0 ? { kind: 'clear', scope } : { kind: 'tags', scope, tags: [...tags] }
}

/** The nonce before the first notice of an incarnation. */
export const noNotice = '-'

const repeatMark = '~'

/**
 * A nonce under which a write is sent once more. Each sending has its own: were it the same, a history in which the write was lost and
 * sent again could look like the one in which it was heard. The first nonce stays in it, so that whoever holds the write knows it again.
 */
export function repeatNonce(nonce: string, unique: string): string {
  return `${firstNonce(nonce)}${repeatMark}${unique}`
}

/** The nonce under which a write was first sent. */
export function firstNonce(nonce: string): string {
  const end = nonce.indexOf(repeatMark)
  return end === -1 ? nonce : nonce.slice(0, end)
}

const letters = { key: 'k', stale: 's', filled: 'f', tags: 't', clear: 'c', pattern: 'p' } as const
const kinds = new Map<string, Tidings['kind']>(Object.entries(letters).map(([kind, letter]) => [letter, kind as Tidings['kind']]))

/** The one-letter kind and the payload that a script needs to write the notice. */
export function encodeTidings(tidings: Tidings): { readonly kind: string; readonly payload: string } {
  const kind = letters[tidings.kind]
  switch (tidings.kind) {
    case 'tags':
      return { kind, payload: JSON.stringify([tidings.scope, ...tidings.tags]) }
    case 'pattern':
      return { kind, payload: JSON.stringify([tidings.scope, ...tidings.parts]) }
    case 'clear':
      return { kind, payload: JSON.stringify([tidings.scope]) }
    default:
      return { kind, payload: JSON.stringify([tidings.cache, tidings.key]) }
  }
}

/** The text of a whole notice, as the scripts write it. */
export function encodeNotice(notice: Notice): string {
  const { kind, payload } = encodeTidings(notice)
  return `${kind} ${notice.inc} ${notice.seq} ${notice.nonce} ${notice.previous} ${payload}`
}

/** Reads a notice; `undefined` if the text is none of ours (the chain then shows a gap, and the shard's memory is dropped). */
export function parseNotice(text: string): Notice | undefined {
  const match = /^(\w) (\S+) (\d+) (\S+) (\S+) (\[.*\])$/s.exec(text)
  if (match === null) return undefined
  const [, letter = '', inc = '', seq = '', nonce = '', previous = '', payload = ''] = match
  const tidings = decodeTidings(letter, payload)
  return tidings && { inc, seq: Number(seq), nonce, previous, ...tidings }
}

/** The reverse of `encodeTidings`; `undefined` if it is none of ours. */
export function decodeTidings(letter: string, payload: string): Tidings | undefined {
  const kind = kinds.get(letter)
  const parts = parseStrings(payload)
  if (kind === undefined || parts === undefined) return undefined
  const [first, second] = parts
  if (first === undefined) return undefined
  if (kind === 'tags') return second === undefined ? undefined : { kind, scope: first, tags: parts.slice(1) }
  if (kind === 'pattern') return second === undefined ? undefined : { kind, scope: first, parts: parts.slice(1) }
  if (kind === 'clear') return { kind, scope: first }
  return second === undefined ? undefined : { kind, cache: first, key: second }
}

function parseStrings(payload: string): string[] | undefined {
  try {
    const parts: unknown = JSON.parse(payload)
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : undefined
  } catch {
    return undefined // not JSON: not a notice of ours
  }
}
