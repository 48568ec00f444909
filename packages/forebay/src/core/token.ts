import { ForebayError } from './errors.js'

/**
 * A read-your-writes token: the nonce of a write and, for each shard it touched, the position it reached there. Shown to a read in any
 * process, it makes that process see the write.
 */
export interface Token {
  readonly nonce: string
  readonly parts: readonly TokenPart[]
}

export interface TokenPart {
  readonly shard: number
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
  const parts = token.parts.map((part) => `*${part.shard.toString(36)}!${part.inc}!${part.seq.toString(36)}`)
  return prefix + token.nonce + parts.join('')
}

/** Reads a token; throws `E_TOKEN`. */
export function decodeToken(text: unknown): Token {
  if (typeof text !== 'string' || !text.startsWith(prefix) || text.length > longest) throw malformed()
  const [nonce = '', ...parts] = text.slice(prefix.length).split('*')
  if (!/^[\w.-]{1,40}$/.test(nonce)) throw malformed()
  return { nonce, parts: parts.map(decodePart) }
}

function decodePart(text: string): TokenPart {
  const match = /^([0-9a-z]{1,4})!([\w-]{0,16})!(-?[0-9a-z]{1,11})$/.exec(text)
  if (match === null) throw malformed()
  const [, shard = '', inc = '', seq = ''] = match
  return { shard: Number.parseInt(shard, 36), inc, seq: Number.parseInt(seq, 36) }
}

function malformed(): ForebayError {
  return new ForebayError('E_TOKEN', 'the token cannot be read; pass on the token of a write unchanged')
}
