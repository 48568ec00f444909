import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What to answer in the place of the server, in RESP; `undefined`: let it answer itself. Words are in capitals where they are a command's name. */
export type Lie = (command: readonly string[]) => string | undefined

export interface LyingServer {
  readonly port: number
  /** From now on. */
  lie(how: Lie | undefined): void
  /** New connections lead to another server from now on; those that are open stay where they are. */
  lead(behind: number): void
  /** How many answers were replaced. */
  readonly told: number
  close(): Promise<void>
}

/** An answer that is due: its bytes, or nothing while the server has not given it. */
interface Due {
  bytes: Buffer | undefined
}

/** A server that stands before a real one on this machine, and gives other answers than that where it is told to. */
export async function startLyingServer(behind: number): Promise<LyingServer> {
  const sockets = new Set<Socket>()
  let port = behind
  let how: Lie | undefined
  let told = 0
  const ask: Lie = (command) => {
    const answer = how?.(command)
    if (answer !== undefined) told += 1
    return answer
  }
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    stand(near, far, ask)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    lie: (next) => {
      how = next
    },
    lead: (next) => {
      port = next
    },
    get told() {
      return told
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers come in the order of the commands. Who has subscribed hears more than answers, so nothing is replaced for him any more. */
function stand(near: Socket, far: Socket, ask: Lie): void {
  const due: Due[] = []
  let [asked, answered] = [Buffer.alloc(0), Buffer.alloc(0)]
  let subscribed = false
  const flush = () => {
    while (due[0]?.bytes !== undefined) near.write(due.shift()?.bytes ?? '')
  }
  near.on('data', (chunk) => {
    asked = Buffer.concat([asked, chunk])
    for (let end = endOf(asked, 0); end !== undefined; end = endOf(asked, 0)) {
      const bytes = asked.subarray(0, end)
      asked = asked.subarray(end)
      const command = wordsOf(bytes)
      const answer = subscribed ? undefined : ask(command)
      if (/SUBSCRIBE$/.test(command[0] ?? '')) subscribed = true
      due.push({ bytes: answer === undefined ? undefined : Buffer.from(answer) })
      if (answer === undefined) far.write(bytes)
    }
    flush()
  })
  far.on('data', (chunk) => {
    answered = Buffer.concat([answered, chunk])
    for (let end = endOf(answered, 0); end !== undefined; end = endOf(answered, 0)) {
      const bytes = Buffer.from(answered.subarray(0, end))
      answered = answered.subarray(end)
      const next = due.find((one) => one.bytes === undefined)
      if (next === undefined) near.write(bytes)
      else next.bytes = bytes
    }
    flush()
  })
}

/** Where the RESP2 value that begins at `at` ends; `undefined` while it is not all there. */
function endOf(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf('\r\n', at)
  if (line < 0) return undefined
  const count = Number(bytes.toString('latin1', at + 1, line))
  let end: number | undefined = line + 2
  if (bytes[at] === 0x24) return count < 0 ? end : end + count + 2 <= bytes.length ? end + count + 2 : undefined
  if (bytes[at] === 0x2a) for (let i = 0; i < count && end !== undefined; i += 1) end = endOf(bytes, end)
  return end
}

/** The words of a command, its name in capitals. */
function wordsOf(bytes: Buffer): string[] {
  const words: string[] = []
  for (let at = bytes.indexOf('\r\n') + 2; at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at)
    const length = Number(bytes.toString('latin1', at + 1, line))
    words.push(bytes.toString('latin1', line + 2, line + 2 + length))
    at = line + 4 + length
  }
  return words.map((word, i) => (i === 0 ? word.toUpperCase() : word))
}
