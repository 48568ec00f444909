import { ForebayError } from './errors.js'

/**
 * A read-your-writes token: for each shard that a write, or several, touched, the position reached there and the nonce of the write that
 * reached it. Shown to a read in any process, it makes that process see the writes.
 */
export type Token = readonly TokenPart[]

export interface TokenPart {
  readonly shard: number
  readonly nonce: string
  readonly inc: string
  /** `unsent` where the write waits in an outbox. */
  readonly seq: number
}

export const unsent = -1
const prefix = 'fbt1.'
/** A clear of the largest service, 1,024 shards, must come back. */
const longest = 32_768

/** The token's text: safe in a header, a cookie or a URL. */
export function encodeToken(token: Token): string {
  const byNonce = new Map<string, string>()
  for (const { shard, nonce, inc, seq } of token) {
    byNonce.set(nonce, `${byNonce.get(nonce) ?? nonce}*${shard.toString(36)}!${inc}!${seq.toString(36)}`)
  }
  return prefix + [...byNonce.values()].join('~')
}

/** One token for several writes. Of two in the same shard the later one tells of both; one that waits to be sent outweighs all. */
export function mergeTokens(tokens: readonly Token[]): Token {
  const latest = new Map<number, TokenPart>()
  for (const part of tokens.flat()) {
    const known = latest.get(part.shard)
    const later = known === undefined || part.seq === unsent || (known.seq !== unsent && part.seq > known.seq)
    if (later) latest.set(part.shard, part)
  }
  return [...latest.values()]
}

/** Reads a token; throws `E_TOKEN`. */
export function decodeToken(text: unknown): Token {
  if (typeof text !== 'string' || !text.startsWith(prefix) || text.length > longest) throw malformed()
  const writes = text.slice(prefix.length)
  return writes === '' ? [] : writes.split('~').flatMap(decodeWrite)
}

function decodeWrite(text: string): Token {
  const [nonce = '', ...parts] = text.split('*')
  if (!/^[\w.-]{1,40}$/.test(nonce)) throw malformed()
  return parts.map((part) => decodePart(nonce, part))
}

function decodePart(nonce: string, text: string): TokenPart {
  const match = /^([0-9a-z]{1,4})!([\w-]{0,16})!(-?[0-9a-z]{1,11})$/.exec(text)
  if (match === null) throw malformed()
  const [, shard = '', inc = '', seq = ''] = match
  return { shard: Number.parseInt(shard, 36), nonce, inc, seq: Number.parseInt(seq, 36) }
}

function malformed(): ForebayError {
  return new ForebayError('E_TOKEN', 'the token cannot be read; pass on the token of a write unchanged')
}
