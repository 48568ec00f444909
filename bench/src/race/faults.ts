import { setTimeout as pause } from 'node:timers/promises'
import type { ChaosDirection } from 'forebay/testing'
import type { RedisServer } from '../server.js'
import type { Fleet } from './fleet.js'
import { verdictNow } from './storm.js'

/** A fault, in a fleet under traffic. Resolves when it is over. */
export type Fault = (fleet: Fleet) => Promise<void>

/** A strike at most this often, so that there are links to strike at. */
const strikeEveryMs = 300
/** A strike comes at some moment of the write: before, within, or after it. */
const strikeWithinMs = 3

/** For a while, breaks connections at the moment of a write. */
function atWrites(forMs: number, strike: (fleet: Fleet) => void): Fault {
  return async (fleet) => {
    let lastMs = 0
    fleet.hooks.writing = () => {
      if (performance.now() - lastMs < strikeEveryMs) return
      lastMs = performance.now()
      setTimeout(() => strike(fleet), Math.random() * strikeWithinMs)
    }
    await pause(forMs)
    fleet.hooks.writing = () => {}
  }
}

/** The server ends all connections, those of the bells too. */
export function clientKill(forMs: number): Fault {
  return atWrites(forMs, ({ servers }) => {
    for (const server of servers) {
      for (const type of ['normal', 'pubsub']) server.command('CLIENT', 'KILL', 'TYPE', type).catch(() => {})
    }
  })
}

/** One process's connections are reset, or all processes'. */
export function cut(forMs: number): Fault {
  return atWrites(forMs, ({ workers }) => {
    const one = Math.floor(Math.random() * 2 * workers.length)
    for (const [i, { link }] of workers.entries()) if (one >= workers.length || i === one) link?.reset()
  })
}

/** One process after the other talks into a hole for `eachMs`: to the server, from it, or both; then what was held back arrives. */
export function blackHole(eachMs: number, direction?: ChaosDirection): Fault {
  return async ({ workers }) => {
    for (const { link } of workers) {
      link?.freeze(direction)
      await pause(eachMs)
      link?.heal()
      await pause(eachMs / 2)
    }
  }
}

/** The server, or one primary, does nothing for a while. `before` it goes on, `seen` is told how old what has been served until then was. */
export function frozenServer(forMs: number, seen: (sinceChangeMs: number) => void): Fault {
  return async (fleet) => {
    const server = first(fleet.servers)
    server.pause()
    await pause(forMs)
    seen((await verdictNow(fleet)).sinceChangeMs)
    server.resume()
  }
}

/** The server is killed and starts again without its data. */
export function emptiedServer(awayMs: number): Fault {
  return async ({ servers }) => {
    const server = first(servers)
    await server.kill()
    await pause(awayMs)
    await server.restart()
  }
}

/** A primary is killed; its replica takes over. */
export function killedPrimary(forMs: number): Fault {
  return async ({ servers }) => {
    await first(servers).kill()
    await pause(forMs)
  }
}

/** One process after the other is stopped for longer than the contract. */
export function suspendedProcess(forMs: number): Fault {
  return async ({ workers }) => {
    for (const worker of workers) {
      await worker.signal('SIGSTOP')
      await pause(forMs)
      await worker.signal('SIGCONT')
      await pause(forMs / 2)
    }
  }
}

function first(servers: readonly RedisServer[]): RedisServer {
  const [server] = servers
  if (server === undefined) throw new Error('there is no server')
  return server
}
