import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** What the servers of a service have done, all together. */
export interface Effort {
  readonly seconds: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly cpuMs: number
}

interface Reading extends Effort {
  /** Length of the answers read: the next reading finds them among what was sent. */
  readonly ownOut: number
}

/** Commands by their names, with how often each was sent. */
export type Commands = ReadonlyMap<string, number>

/** Reads off servers what their clients cost them. */
export class Meter {
  /** One of each server, primaries first. */
  readonly #clients: readonly Redis[]
  readonly #primaries: number

  constructor(urls: readonly string[], primaries: number) {
    this.#clients = urls.map((url) => new Redis(url))
    this.#primaries = primaries
  }

  /** A client of the first server. */
  get client(): Redis {
    const [client] = this.#clients
    if (client === undefined) throw new Error('no server')
    return client
  }

  close(): void {
    for (const client of this.#clients) client.disconnect()
  }

  /** What happens during `work`, less what the readings themselves cost. */
  async during(work: () => Promise<unknown>): Promise<Effort> {
    const before = await this.#read()
    await work()
    const after = await this.#read()
    return {
      seconds: after.seconds - before.seconds,
      bytesIn: after.bytesIn - before.bytesIn - ownIn * this.#clients.length,
      bytesOut: after.bytesOut - before.bytesOut - before.ownOut,
      cpuMs: after.cpuMs - before.cpuMs,
    }
  }

  /** What happens in a second when nobody does anything. */
  async idle(ms: number): Promise<Effort> {
    const { seconds, bytesIn, bytesOut, cpuMs } = await this.during(() => pause(ms))
    return { seconds: 1, bytesIn: bytesIn / seconds, bytesOut: bytesOut / seconds, cpuMs: cpuMs / seconds }
  }

  /** The commands that clients send to primaries during `work`; what scripts call is not among them. */
  async commands(work: () => Promise<unknown>): Promise<Commands> {
    const counts = new Map<string, number>()
    const primaries = this.#clients.slice(0, this.#primaries)
    const monitors = await Promise.all(primaries.map((client) => client.monitor()))
    const ends = monitors.map(
      (monitor) =>
        new Promise<void>((ended) => {
          monitor.on('monitor', (_: string, [command = '']: string[], source: string) => {
            const name = command.toUpperCase()
            if (name === 'ECHO') ended()
            else if (source !== 'lua' && !others.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
          })
        }),
    )
    await work()
    await Promise.all(primaries.map((client) => client.echo('over')))
    await Promise.all(ends)
    for (const monitor of monitors) monitor.disconnect()
    return counts
  }

  async #read(): Promise<Reading> {
    const startedMs = performance.now()
    const infos = await Promise.all(this.#clients.map((client) => client.info('everything')))
    const sum = (field: string) => infos.reduce((total, info) => total + Number(new RegExp(`^${field}:(.*)`, 'm').exec(info)?.[1]), 0)
    return {
      seconds: startedMs / 1_000,
      bytesIn: sum('total_net_input_bytes'),
      bytesOut: sum('total_net_output_bytes'),
      cpuMs: 1_000 * (sum('used_cpu_user') + sum('used_cpu_sys')),
      ownOut: infos.reduce((total, info) => total + Buffer.byteLength(info) + `$${Buffer.byteLength(info)}\r\n\r\n`.length, 0),
    }
  }
}

/** Bytes of `INFO everything` on the wire. */
const ownIn = 31
/** What servers send each other, and what a new connection begins with. */
const others = new Set(['REPLCONF', 'INFO', 'CLUSTER', 'HELLO', 'CLIENT', 'COMMAND'])
