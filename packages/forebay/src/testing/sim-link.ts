import { ForebayError } from '../core/errors.js'
import type { Notice } from '../core/notice.js'
import { stallMs } from '../core/supervisor/health-loop.js'
import type { Ending, Judged, Supervisor } from '../core/supervisor/supervisor.js'
import type { TwinServer } from '../memory/twin-server.js'
import type { SimClock } from './sim-clock.js'
import type { SimProcess } from './sim-process.js'
import type { SimRandom } from './sim-random.js'
import type { SimGroup, SimServer } from './sim-server.js'

/** What the network does to messages. Probabilities are per message. */
export interface Weather {
  readonly latencyMs: readonly [low: number, high: number]
  /** Share of messages that take up to `slowMs`. */
  slow: number
  readonly slowMs: number
  lostRequest: number
  lostAnswer: number
  /** A second copy of the request is executed long after its caller has given up. */
  lateCopy: number
  lostPush: number
  /** A new connection leads to a former primary that is still up. */
  wrongServer: number
}

/** The fate of one request, told when the server executes it. */
export interface Execution {
  readonly server: SimServer
  readonly answer: unknown
  readonly error: unknown
  /** The caller had given up or died, or had been answered by the first copy. */
  readonly late: boolean
}

export interface LinkParts {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly weather: Weather
  readonly process: SimProcess
  readonly group: SimGroup
  /** Whether it leads to the group's replica. */
  readonly toReplica: boolean
  readonly deadlineMs: number
  /** Judges the server by this link. */
  readonly supervisor?: Supervisor | undefined
  /** The link can be used again. */
  readonly onUp: () => void
  readonly tell: (what: 'up' | 'down', server: SimServer | undefined) => void
}

interface Pending {
  fail(error: ForebayError): void
}

interface Owed extends Judged {
  over: boolean
}

interface Connection {
  readonly server: SimServer
  readonly runId: string
  readonly endings: (() => void)[]
  /** Messages keep their order in each direction. */
  outAtMs: number
  backAtMs: number
  live: boolean
}

type Direction = 'out' | 'back'

/**
 * One process's connection to one group: it breaks and comes back, messages on it keep their order, and each direction can be blocked, so
 * that what was sent waits in the sockets until the block ends. Every call has a deadline; a call that has failed may still be executed.
 */
export class SimLink {
  readonly #parts: LinkParts
  readonly #pending = new Set<Pending>()
  /** Calls that the supervisor counts as owed. */
  readonly #owed = new Set<Owed>()
  readonly #blocked: Record<Direction, (() => void)[] | undefined> = { out: undefined, back: undefined }
  #connection: Connection | undefined
  #push: ((shard: number, notice: Notice) => void) | undefined
  #closed = false

  constructor(parts: LinkParts) {
    this.#parts = parts
    parts.clock.after(parts.random.between(0, 5), () => this.#connect())
  }

  /** The run id of the server this leads to, as of the connection's start. */
  get runId(): string | undefined {
    return this.#connection?.runId
  }

  /** Connected to a server that runs, and blocked in no direction. */
  get whole(): boolean {
    const { out, back } = this.#blocked
    return this.#connection?.server.reachable === true && out === undefined && back === undefined
  }

  /** Hears the notices of the server, whoever it is. */
  listen(push: (shard: number, notice: Notice) => void): void {
    this.#push = push
    if (this.#connection !== undefined) this.#subscribe(this.#connection)
  }

  /** `reads`: how many keys a reader waits for; 0 = it is no read. */
  call<T>(act: (twin: TwinServer, nowMs: number) => T, executed: (execution: Execution) => void, reads = 0): Promise<T> {
    const { process, random, weather, clock } = this.#parts
    const connection = this.#connection
    if (connection === undefined) return Promise.reject(new ForebayError('E_REDIS_AWAY', 'There is no link to the simulated server.'))
    const owed = this.#begin(reads)
    const deadlineMs = owed.patienceMs
    return new Promise<T>((resolve, reject) => {
      let done = false
      let lost = false
      const settle = (finish: () => void) => {
        if (done) return
        done = true
        deadline.cancel()
        this.#pending.delete(pending)
        finish()
      }
      const pending: Pending = { fail: (error) => settle(() => reject(error)) }
      const expire = () => pending.fail(new ForebayError('E_REDIS_DEADLINE', 'The simulated server did not answer in time.'))
      const deadline = process.after(deadlineMs, () => {
        const stalled = process.now() - owed.dueMs > stallMs
        process.afterInput(() => {
          if (!done) this.#late(owed, { stalled, lost })
          expire()
        })
      })
      this.#pending.add(pending)
      const arrive = (copy: boolean) =>
        connection.server.receive(() => {
          const outcome = attempt(() => act(connection.server.twin, connection.server.nowMs()))
          executed({ server: connection.server, answer: outcome.answer, error: outcome.error, late: done || copy || !process.alive })
          if (copy) return
          lost = random.chance(weather.lostAnswer)
          if (lost) return
          this.#send(connection, 'back', () => {
            this.#end(owed, 'answered')
            settle(() => (outcome.error === undefined ? resolve(outcome.answer as T) : reject(outcome.error)))
          })
        })
      lost = random.chance(weather.lostRequest)
      if (!lost) this.#send(connection, 'out', () => arrive(false))
      if (random.chance(weather.lateCopy)) clock.after(deadlineMs + random.between(0, 2_000), () => arrive(true))
    })
  }

  /** The connection ends; a new one is tried for after a while. What is under way is rejected; its commands may still be executed. */
  break(): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    connection.live = false
    for (const end of connection.endings) end()
    this.#parts.tell('down', connection.server)
    this.#parts.process.input(() => {
      const owed = this.#owed.size > 0
      for (const one of this.#owed) this.#end(one, 'lost')
      this.#parts.supervisor?.linkDown(this.#parts.process.now(), 'the link broke', owed)
      for (const pending of [...this.#pending]) pending.fail(new ForebayError('E_REDIS_AWAY', 'The link broke.'))
    })
    this.#reconnectSoon()
  }

  block(direction: Direction): void {
    this.#blocked[direction] ??= []
  }

  unblock(direction: Direction): void {
    const held = this.#blocked[direction] ?? []
    this.#blocked[direction] = undefined
    for (const deliver of held) deliver()
  }

  close(): void {
    this.#closed = true
    this.break()
  }

  #reconnectSoon(): void {
    if (!this.#closed) this.#parts.clock.after(this.#parts.random.between(20, 200), () => this.#connect())
  }

  #connect(): void {
    if (this.#closed || this.#connection !== undefined) return
    const server = this.#findServer()
    if (server === undefined || this.#blocked.out !== undefined || this.#blocked.back !== undefined) {
      this.#reconnectSoon()
      return
    }
    const connection: Connection = { server, runId: server.twin.runId, endings: [], outAtMs: 0, backAtMs: 0, live: true }
    connection.endings.push(server.onDown(() => this.break()))
    this.#connection = connection
    if (this.#push !== undefined) this.#subscribe(connection)
    this.#parts.tell('up', server)
    this.#parts.process.input(() => {
      this.#parts.supervisor?.linkUp(this.#parts.process.now())
      this.#parts.onUp()
    })
  }

  #begin(reads: number): Owed {
    const { process, supervisor, deadlineMs } = this.#parts
    const patienceMs = reads > 0 ? (supervisor?.deadlineMs ?? deadlineMs) : deadlineMs
    const owed: Owed = { dueMs: process.now() + patienceMs, patienceMs, reads, over: false }
    supervisor?.begin(reads)
    this.#owed.add(owed)
    return owed
  }

  /** What is lost on a link that stands will never be answered. A real one loses nothing. */
  #late(owed: Owed, { stalled, lost }: { readonly stalled: boolean; readonly lost: boolean }): void {
    const { process, supervisor } = this.#parts
    if (!stalled) supervisor?.late(owed, process.now())
    owed.over = true
    if (lost) this.#end(owed, 'lost')
  }

  #end(owed: Owed, ending: Ending): void {
    if (this.#owed.delete(owed)) this.#parts.supervisor?.ended(owed, ending, this.#parts.process.now())
  }

  #findServer(): SimServer | undefined {
    const { group, random, weather, toReplica } = this.#parts
    if (toReplica) return group.replica.reachable ? group.replica : undefined
    if (group.former.length > 0 && random.chance(weather.wrongServer)) return random.pick(group.former)
    return group.primary.reachable ? group.primary : undefined
  }

  #subscribe(connection: Connection): void {
    const { random, weather, group } = this.#parts
    const stop = connection.server.twin.listen((shard, notice) => {
      if (!group.shards.includes(shard) || random.chance(weather.lostPush)) return
      this.#send(connection, 'back', () => this.#push?.(shard, notice))
    })
    connection.endings.push(stop)
  }

  #send(connection: Connection, direction: Direction, deliver: () => void): void {
    const { clock, process } = this.#parts
    const lane = direction === 'out' ? 'outAtMs' : 'backAtMs'
    const slowMs = direction === 'back' ? connection.server.slowMs : 0
    const atMs = Math.max(connection[lane], clock.now() + this.#latencyMs() + slowMs)
    connection[lane] = atMs
    const arrive = () => {
      if (direction === 'out') deliver()
      else if (connection.live) process.input(deliver)
    }
    clock.after(atMs - clock.now(), () => {
      const blocked = this.#blocked[direction]
      if (blocked === undefined) arrive()
      else if (connection.live) blocked.push(arrive)
    })
  }

  #latencyMs(): number {
    const { random, weather } = this.#parts
    const [low, high] = weather.latencyMs
    return random.chance(weather.slow) ? random.between(high, weather.slowMs) : random.between(low, high)
  }
}

function attempt<T>(act: () => T): { readonly answer: T | undefined; readonly error: unknown } {
  try {
    return { answer: act(), error: undefined }
  } catch (error) {
    if (error instanceof ForebayError) return { answer: undefined, error }
    throw error
  }
}
