import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Random } from '../core/clock.js'
import { systemClock } from '../system/clock.js'
import { ChaosPipe, clearWay, type Way } from './chaos-pipe.js'
import { SimRandom } from './sim-random.js'

/** Which way a fault acts: `up` to the target, `down` from it. */
export type ChaosDirection = 'up' | 'down' | 'both'

/** What slows a direction down. What is not named is as without the proxy. */
export interface ChaosDelay {
  /** Each piece comes so many milliseconds later. Default 0. */
  readonly latencyMs?: number | undefined
  /** At most so many milliseconds more, by chance; order is kept. Default 0. */
  readonly jitterMs?: number | undefined
  /** Of each connection. Default: no limit. */
  readonly bytesPerSecond?: number | undefined
}

/** A server: its port, and its host; the loopback interface if none is named. */
export interface ChaosTarget {
  readonly port: number
  readonly host?: string | undefined
}

export interface ChaosProxyOptions {
  /** Where connections lead. */
  readonly target: ChaosTarget
  /** Port to listen on, of the loopback interface. Default: a free one. */
  readonly port?: number | undefined
  /** The same seed gives the same jitter. Default 1. */
  readonly seed?: number | undefined
}

/** A TCP proxy on this machine that fails when told to. Faults add up until `heal`, and may be changed while connections are open. */
export interface ChaosProxy {
  readonly host: string
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Slows a direction down, in place of what slowed it down before. */
  delay(delay: ChaosDelay, direction?: ChaosDirection): void
  /** Nothing passes until `heal`; then what was held back arrives late, as after a route that comes back. */
  freeze(direction?: ChaosDirection): void
  /** What is sent is lost, and nothing is closed. A connection that has lost something stays dead after `heal`, as after a router that forgot it. */
  blackHole(direction?: ChaosDirection): void
  /** The same for connections that are open now, both ways; new ones are well. */
  loseConnections(): void
  /** Resets (RST) all connections; new ones are taken. */
  reset(): void
  /** Resets each connection, open or new, once so many more bytes have passed in this direction. */
  cutAfter(bytes: number, direction?: ChaosDirection): void
  /** Accepts new connections and never answers; open ones go on. */
  silence(): void
  /** Resets new connections at once; open ones go on. */
  refuse(): void
  /** New connections lead elsewhere from now on, as with an address that moves; open ones stay where they are. */
  leadTo(target: ChaosTarget): void
  /** Ends all faults. Dead connections stay dead until they are closed. */
  heal(): void
  /** Resets all connections and stops listening. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a proxy to a server. */
export async function chaosProxy(options: ChaosProxyOptions): Promise<ChaosProxy> {
  const proxy = new TcpProxy(options)
  await proxy.listen(options.port ?? 0)
  return proxy
}

/** What becomes of new connections. */
type Welcome = 'join' | 'silence' | 'refuse'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly pipes: readonly ChaosPipe[]
}

const loopback = '127.0.0.1'

class TcpProxy implements ChaosProxy {
  readonly host = loopback
  readonly #random: Random
  readonly #ways: Readonly<Record<'up' | 'down', Way>> = { up: clearWay(), down: clearWay() }
  readonly #pairs = new Set<Pair>()
  readonly #silent = new Set<Socket>()
  readonly #listening: Server
  #welcome: Welcome = 'join'
  #target: ChaosTarget

  constructor({ target, seed = 1 }: ChaosProxyOptions) {
    this.#target = target
    this.#random = new SimRandom(seed)
    this.#listening = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listening.once('error', reject)
      this.#listening.listen(port, loopback, () => resolve())
    })
  }

  get port(): number {
    return (this.#listening.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#silent.size + [...this.#pairs].filter(({ client }) => !client.destroyed).length
  }

  delay({ latencyMs = 0, jitterMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY }: ChaosDelay, direction?: ChaosDirection): void {
    this.#change({ latencyMs, jitterMs, bytesPerSecond }, direction)
  }

  freeze(direction?: ChaosDirection): void {
    this.#change({ frozen: true }, direction)
  }

  blackHole(direction?: ChaosDirection): void {
    this.#change({ hole: true }, direction)
  }

  cutAfter(bytes: number, direction?: ChaosDirection): void {
    this.#change({ cut: { afterBytes: bytes } }, direction)
  }

  loseConnections(): void {
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.lose()
  }

  reset(): void {
    for (const pair of this.#pairs) endPair(pair)
    for (const client of this.#silent) client.resetAndDestroy()
  }

  silence(): void {
    this.#welcome = 'silence'
  }

  refuse(): void {
    this.#welcome = 'refuse'
  }

  leadTo(target: ChaosTarget): void {
    this.#target = target
  }

  heal(): void {
    this.#welcome = 'join'
    this.#change(clearWay(), 'both')
  }

  async close(): Promise<void> {
    if (!this.#listening.listening) return
    const closed = new Promise<void>((resolve) => this.#listening.close(() => resolve()))
    this.reset()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #change(change: Partial<Way>, direction: ChaosDirection = 'both'): void {
    for (const way of direction === 'both' ? (['up', 'down'] as const) : [direction]) Object.assign(this.#ways[way], change)
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.pump()
  }

  #accept(client: Socket): void {
    client.on('error', () => {}) // told by the close that follows
    if (this.#welcome === 'refuse') return void client.resetAndDestroy()
    if (this.#welcome === 'silence') {
      this.#silent.add(client)
      client.on('close', () => this.#silent.delete(client))
      return void client.resume()
    }
    const { port, host = loopback } = this.#target
    this.#join(client, connect({ port, host, allowHalfOpen: true }))
  }

  #join(client: Socket, server: Socket): void {
    const common = { clock: systemClock, random: this.#random, reset: () => endPair(pair) }
    const up = new ChaosPipe({ ...common, from: client, to: server, way: this.#ways.up })
    const down = new ChaosPipe({ ...common, from: server, to: client, way: this.#ways.down })
    const pair: Pair = { client, server, pipes: [up, down] }
    this.#pairs.add(pair)
    const forget = (): void => {
      if (!client.destroyed || !server.destroyed) return
      this.#pairs.delete(pair)
    }
    client.on('close', forget)
    server.on('close', forget)
  }
}

function endPair({ client, server, pipes }: Pair): void {
  for (const pipe of pipes) pipe.stop()
  for (const socket of [client, server]) {
    // One that is not open yet, or is already being shut down, cannot be reset: Node would never finish closing it.
    if (socket.connecting || socket.writableEnded) socket.destroy()
    else socket.resetAndDestroy()
  }
}
