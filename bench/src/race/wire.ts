import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'

/** Which way a hole swallows: `up` to the server, `down` from it. */
export type Direction = 'up' | 'down'

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** A TCP link that can be cut, and that can swallow what is sent through it and bring it late. */
export class Wire {
  readonly #pairs = new Set<Pair>()
  readonly #held = new Set<Direction>()
  readonly #listening: Server
  #refuses = false

  private constructor(port: number) {
    this.#listening = createServer((client) => {
      if (this.#refuses) return void client.destroy()
      this.#join({ client, server: connect({ host: '127.0.0.1', port }) })
    })
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port)
    await new Promise<void>((resolve) => wire.#listening.listen(0, '127.0.0.1', resolve))
    return wire
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#listening.address() as AddressInfo).port}`
  }

  /** Resets all connections; new ones are taken. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      reset(client)
      reset(server)
    }
  }

  /** Cuts, and takes no new connection until `heal`. */
  close(): void {
    this.#refuses = true
    this.cut()
  }

  /** From now on nothing passes in these directions, on the connections there are and on new ones. Nothing is closed. */
  swallow(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.add(direction)
    for (const pair of this.#pairs) this.#apply(pair)
  }

  /** All passes again; what was held back arrives late, as after a route that comes back. */
  heal(): void {
    this.#refuses = false
    this.#held.clear()
    for (const pair of this.#pairs) this.#apply(pair)
  }

  stop(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
    this.#listening.close()
  }

  #join(pair: Pair): void {
    const { client, server } = pair
    this.#pairs.add(pair)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk) => to.write(chunk))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        this.#pairs.delete(pair)
      })
    }
    this.#apply(pair)
  }

  /** A socket that is not read keeps its bytes in the kernel. */
  #apply({ client, server }: Pair): void {
    if (this.#held.has('up')) client.pause()
    else client.resume()
    if (this.#held.has('down')) server.pause()
    else server.resume()
  }
}

/** A socket that is already being shut down is left to that: Node would never finish closing it after a reset. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
