// A Redis conversation of one command, in raw RESP2. The scripts here must run before anything is installed, so they use no client.
import { connect } from 'node:net'

/** @typedef {string | number | null | Reply[]} Reply */

const REPLY_WITHIN_MS = 10_000

/**
 * Sends one command to a server on this machine and resolves with its reply; an error reply rejects.
 * @param {number} port
 * @param {...(string | number)} words
 * @returns {Promise<Reply>}
 */
export function command(port, ...words) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = ''
    const fail = (/** @type {Error} */ error) => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(REPLY_WITHIN_MS, () => fail(new Error(`no reply to ${words[0]} from port ${port} within ${REPLY_WITHIN_MS} ms`)))
    socket.on('error', fail)
    socket.on('close', () => reject(new Error(`port ${port} closed before its reply to ${words[0]} was complete`)))
    socket.on('connect', () => socket.write(encode(words)))
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const parsed = parse(received, 0)
      if (parsed === undefined) return
      if (parsed.reply instanceof Error) return fail(parsed.reply)
      socket.destroy()
      resolve(parsed.reply)
    })
  })
}

/** @param {(string | number)[]} words */
function encode(words) {
  const parts = words.map(String).map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return `*${parts.length}\r\n${parts.join('')}`
}

/**
 * Reads the reply that begins at `at`; undefined while it is incomplete.
 * @param {string} text
 * @param {number} at
 * @returns {{ reply: Reply | Error, end: number } | undefined}
 */
function parse(text, at) {
  const lineEnd = text.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = text.slice(at + 1, lineEnd)
  const end = lineEnd + 2
  switch (text[at]) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: new Error(line), end }
    case ':':
      return { reply: Number(line), end }
    case '$':
      return parseBulk(text, end, Number(line))
    case '*':
      return parseArray(text, end, Number(line))
    default:
      return { reply: new Error(`not RESP: ${JSON.stringify(text.slice(at, at + 20))}`), end }
  }
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} length
 */
function parseBulk(text, at, length) {
  if (length < 0) return { reply: null, end: at }
  if (text.length < at + length + 2) return undefined
  // Lengths count bytes, which is why the text is held as latin1 until here.
  return { reply: Buffer.from(text.slice(at, at + length), 'latin1').toString(), end: at + length + 2 }
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} count
 * @returns {{ reply: Reply | Error, end: number } | undefined}
 */
function parseArray(text, at, count) {
  if (count < 0) return { reply: null, end: at }
  /** @type {Reply[]} */
  const items = []
  let end = at
  for (let index = 0; index < count; index++) {
    const item = parse(text, end)
    if (item === undefined) return undefined
    if (item.reply instanceof Error) return item
    items.push(item.reply)
    end = item.end
  }
  return { reply: items, end }
}
