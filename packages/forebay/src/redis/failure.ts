import { ForebayError } from '../core/errors.js'

/** Replies by which a server says that it will not do it now, or not for us. Scripts of Redis 6 put a dash before the word. */
const refusals =
  /(?:^|-)(?:READONLY|NOREPLICAS|LOADING|MASTERDOWN|OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM|CLUSTERDOWN|CROSSSLOT|TRYAGAIN|MOVED|ASK|BUSY)\b|max number of clients|^ERR (?:The user executing the script can't|invalid password)/
/** This server, or this login, will not do: only another connection can help. */
const ofConnection = /\b(?:READONLY|MASTERDOWN|NOAUTH|WRONGPASS)\b|ERR invalid password|max number of clients/
/** The server serves nobody for a while, or takes no writes. */
const ofServer = /\b(?:LOADING|MISCONF|NOREPLICAS|BUSY)\b/
/** Whoever called knows what to do, or the cause has been told: the answer to the command that was refused. */
const ofCall = /\b(?:MOVED|ASK|TRYAGAIN|NOSCRIPT|EXECABORT)\b/

/**
 * What an error reply means for the link on which it came, whoever it was for: the connection is left for another one, or counts as unusable
 * until the server takes writes again; or it is only told; or nothing.
 */
export type Reaction = 'leave' | 'wait' | 'tell' | 'none'

/** What ioredis calls an error reply of the server. */
const replyErrorName = 'ReplyError'

/**
 * An error of the client as one of ours. The client's error is not kept as a cause: it carries the command's arguments, which for AUTH are
 * the password.
 */
export function failureOf(error: unknown): ForebayError {
  if (error instanceof ForebayError) return error
  if (!(error instanceof Error)) return new ForebayError('E_REDIS_AWAY', String(error))
  if (error.name !== replyErrorName) {
    return new ForebayError(error.message === 'Command timed out' ? 'E_REDIS_DEADLINE' : 'E_REDIS_AWAY', wordsOf(error))
  }
  return new ForebayError(refusals.test(error.message) ? 'E_REDIS_REFUSED' : 'E_REDIS_REPLY', error.message)
}

/** Whether the client only says that a connection has gone before an answer came: why is told otherwise. */
export function isConsequence(error: unknown): boolean {
  return error instanceof Error && error.name === 'MaxRetriesPerRequestError'
}

/** Where a name has several addresses, and none can be reached, the words are those of the first. */
function wordsOf(error: Error): string {
  const [first]: unknown[] = error instanceof AggregateError ? error.errors : []
  const words = error.message || (first instanceof Error ? first.message : error.name)
  if (isConsequence(error)) return 'the connection was lost'
  const byte = /^(?:Unknown RESP type \d+|Protocol error, got) "(.*?)"/s.exec(words)?.[1]
  return byte === undefined ? words : `what answers does not speak the protocol of Redis: it begins with ${JSON.stringify(byte)}`
}

export function reactionTo(failure: ForebayError): Reaction {
  if (failure.code !== 'E_REDIS_REFUSED' && failure.code !== 'E_REDIS_REPLY') return 'none'
  if (ofConnection.test(failure.message)) return 'leave'
  if (ofServer.test(failure.message)) return 'wait'
  return ofCall.test(failure.message) ? 'none' : 'tell'
}

const hungUp = /closed before it could be used|ECONNRESET|EPIPE/

/**
 * Where one side speaks TLS and the other does not, neither says so: a plain server waits for more, and one that speaks TLS hangs up, as it
 * does without a certificate that it wants. Said of links that have never been usable; later such words mean what they say.
 */
export function withHint(words: string, secure: boolean): string {
  if (!secure) return hungUp.test(words) || /begins with "\\u0015/.test(words) ? `${words}; perhaps this port speaks TLS` : words
  if (/ETIMEDOUT|before secure TLS|wrong version number|packet length/.test(words)) return `${words}; perhaps this port speaks no TLS`
  return hungUp.test(words) ? `${words}; perhaps the server wants a certificate, or another one` : words
}

/** Whether the server has refused a user or his password. */
export function isRefusedLogin({ code, message }: ForebayError): boolean {
  return code === 'E_REDIS_REFUSED' && /\b(?:WRONGPASS|NOAUTH)\b|ERR invalid password/.test(message)
}

/** Whether the user may not do what was asked. */
export function isForbidden({ message }: ForebayError): boolean {
  return /\bNOPERM\b|The user executing the script can't/.test(message)
}

/** Whether the server does not know the script of an `EVALSHA`; asked of the client's own error. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.name === replyErrorName && error.message.startsWith('NOSCRIPT')
}

/** Whether a server says that it serves nobody now; other refusals concern some commands, or some users. */
export function isUnavailable(error: ForebayError): boolean {
  return error.code === 'E_REDIS_REFUSED' && /\b(?:BUSY|LOADING|MASTERDOWN|CLUSTERDOWN)\b/.test(error.message)
}

/** Where a shard has moved to; `undefined` if the error says nothing of the kind. An empty host is the one that was asked. */
export function movedTo(error: unknown): { readonly slot: number; readonly host: string; readonly port: number } | undefined {
  if (!(error instanceof ForebayError) || error.code !== 'E_REDIS_REFUSED') return undefined
  const match = /\bMOVED (\d+) (\S*):(\d+)/.exec(error.message)
  if (match === null) return undefined
  const [, slot = '', host = '', port = ''] = match
  return { slot: Number(slot), host, port: Number(port) }
}

/** Whether the error says that a shard is not, or not wholly, where it was sought. */
export function isMisplaced(error: unknown): boolean {
  return error instanceof ForebayError && /\b(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY)\b/.test(error.message)
}
