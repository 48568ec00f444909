import { decodeTidings, encodeTidings, type Tidings } from './notice.js'

/**
 * The port to what outlives the process: the invalidations that wait to be sent, as text. Each act is done when it returns, so that what
 * has been answered survives the death of the process; it throws where it cannot be done.
 */
export interface Journal {
  /** Hands over what others have left behind, a text for each, and forgets it once `keep` has returned. Only at the start. */
  takeOver(keep: (texts: readonly string[]) => void): void
  /** Adds lines at the end. */
  append(lines: string): void
  /** Puts these lines in the place of all, in one step; none: nothing waits any more. */
  replace(lines: string): void
  /** Lets go of it, and leaves there what is in it. */
  close(): void
}

/** One invalidation that waits, under the nonce with which it was first sent, or would have been. */
export interface JournalRecord {
  readonly nonce: string
  readonly tidings: Tidings
}

/** What a journal begins with. */
export const journalMark = 'forebay-outbox'

/** The first line: what it is, the version of its format, whose it is. */
export function journalHead(service: string): string {
  return `${journalMark} 1 ${service}\n`
}

/** A line: the checksum of the rest, the letter of the kind, the nonce, the payload, which is JSON and so holds no line feed. */
export function encodeRecord({ nonce, tidings }: JournalRecord): string {
  const { kind, payload } = encodeTidings(tidings)
  const rest = `${kind} ${nonce} ${payload}`
  return `${checksumOf(rest)} ${rest}\n`
}

/**
 * Reads a journal. A last line without its line feed was being written when the process died, so nobody has been answered for it. Anything
 * else that cannot be read is `damaged`: nobody knows what stood there.
 */
export function readJournal(text: string, service: string): { readonly records: readonly JournalRecord[]; readonly damaged: boolean } {
  const [head = '', ...lines] = text.split('\n')
  if (lines.length === 0) return { records: [], damaged: !journalHead(service).startsWith(head) }
  lines.pop()
  const records = lines.flatMap((line) => decodeRecord(line) ?? [])
  return { records, damaged: `${head}\n` !== journalHead(service) || records.length < lines.length }
}

function decodeRecord(line: string): JournalRecord | undefined {
  const [, checksum, rest = '', letter = '', nonce = '', payload = ''] = /^(\w{8}) ((\w) (\S+) (\[.*\]))$/s.exec(line) ?? []
  const tidings = checksum === checksumOf(rest) ? decodeTidings(letter, payload) : undefined
  return tidings && { nonce, tidings }
}

/** CRC-32 (ISO 3309) over the text's UTF-16 units, low byte first. */
function checksumOf(text: string): string {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let bit = 0; bit < 16; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0')
}
