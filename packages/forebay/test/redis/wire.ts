import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly url: string
  /** Lets no byte of the present connections through any more, in either direction; new ones are well. */
  freeze(): void
  /** Accepts connections and never answers, until called with `false`. */
  mute(on: boolean): void
  /** How many connections that had failed ended with a reset. */
  readonly resets: number
  close(): Promise<void>
}

/** A wire to a server on this machine that can fail as networks do: silently. */
export async function layWire(port: number): Promise<Wire> {
  const pairs = new Set<readonly Socket[]>()
  const failed = new Set<Socket>()
  let muted = false
  let resets = 0
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    const pair = [near, far]
    pairs.add(pair)
    near.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' && failed.has(near)) resets += 1
    })
    far.on('error', () => near.destroy())
    near.on('close', () => {
      pairs.delete(pair)
      far.destroy()
    })
    far.on('close', () => near.destroy())
    if (muted) {
      failed.add(near)
      return void near.resume()
    }
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze() {
      for (const [near, far] of pairs) {
        if (near !== undefined) failed.add(near)
        near?.unpipe()
        far?.unpipe()
        near?.resume()
        far?.resume()
      }
    },
    mute(on) {
      muted = on
    },
    get resets() {
      return resets
    },
    async close() {
      for (const sockets of pairs) for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
