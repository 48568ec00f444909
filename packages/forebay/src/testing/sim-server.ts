import { TwinServer } from '../memory/twin-server.js'
import type { SimClock } from './sim-clock.js'

/** A simulated Redis process: a twin server with a clock of its own, which can freeze, and go down and come back. */
export class SimServer {
  readonly name: string
  readonly #world: SimClock
  #twin: TwinServer
  #clockOffsetMs: number
  #frozenUntilMs = -1
  #waiting: (() => void)[] = []
  /** Its answers, and what it pushes, take so much longer than usual. */
  slowMs = 0
  #up = true
  #starts = 0
  readonly #onDown = new Set<() => void>()

  constructor(parts: { readonly name: string; readonly world: SimClock; readonly twin: TwinServer; readonly clockOffsetMs: number }) {
    this.name = parts.name
    this.#world = parts.world
    this.#twin = parts.twin
    this.#clockOffsetMs = parts.clockOffsetMs
  }

  get twin(): TwinServer {
    return this.#twin
  }

  get up(): boolean {
    return this.#up
  }

  /** Whether a connection can be made: a frozen process accepts none. */
  get reachable(): boolean {
    return this.#up && this.#frozenUntilMs < 0
  }

  /** Whole milliseconds, as a script sees them. */
  nowMs(): number {
    return Math.floor(this.#world.now() + this.#clockOffsetMs)
  }

  /** The server's clock is set forward or back. */
  shiftClock(byMs: number): void {
    this.#clockOffsetMs += byMs
  }

  /** A command has come in; it is executed now, after the thaw, or never. */
  receive(task: () => void): void {
    if (!this.#up) return
    if (this.#frozenUntilMs >= 0) this.#waiting.push(task)
    else task()
  }

  /** The process does not run for a while; what comes in meanwhile is executed afterwards, late. */
  freeze(spanMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#world.now() + spanMs)
    this.#world.after(spanMs, () => {
      if (this.#world.now() >= this.#frozenUntilMs) this.thaw()
    })
  }

  thaw(): void {
    this.#frozenUntilMs = -1
    const waiting = this.#waiting
    this.#waiting = []
    for (const task of waiting) this.receive(task)
  }

  /** Tells when the process ends, once. */
  onDown(listener: () => void): () => void {
    this.#onDown.add(listener)
    return () => this.#onDown.delete(listener)
  }

  stop(): void {
    this.#up = false
    this.#waiting = []
    this.#frozenUntilMs = -1
    const listeners = [...this.#onDown]
    this.#onDown.clear()
    for (const listener of listeners) listener()
  }

  /** A replica has caught up: it holds what its primary holds now. */
  follow(primary: TwinServer): void {
    this.#twin = primary.clone(this.#twin.runId)
  }

  /** Comes back as a new run, with its data or without. */
  start(options: { readonly loseData: boolean }): void {
    this.#starts += 1
    this.#twin = this.#twin.clone(`${this.name}.${this.#starts}`)
    this.#twin.writable = true
    if (options.loseData) this.#twin.flush()
    this.#up = true
  }
}

/** The shards that live together: a primary, a replica that lags behind it, and perhaps old primaries that somebody still reaches. */
export class SimGroup {
  readonly id: string
  #shards: readonly number[]
  readonly #world: SimClock
  #primary: SimServer
  readonly #replica: SimServer
  #replicatedMs: number
  #failovers = 0
  readonly #former: SimServer[] = []

  constructor(parts: {
    readonly id: string
    readonly shards: readonly number[]
    readonly allShards: number
    readonly world: SimClock
    readonly clockOffsetMs: number
  }) {
    this.id = parts.id
    this.#shards = parts.shards
    this.#world = parts.world
    const twin = new TwinServer({ shards: parts.allShards, runId: `${parts.id}.0` })
    this.#primary = new SimServer({ name: parts.id, world: parts.world, twin, clockOffsetMs: parts.clockOffsetMs })
    this.#replica = new SimServer({ ...parts, name: `${parts.id}-replica`, twin: twin.clone(`${parts.id}-replica`) })
    this.#replicatedMs = parts.world.now()
  }

  /** They move to other groups, perhaps all of them. */
  get shards(): readonly number[] {
    return this.#shards
  }

  get primary(): SimServer {
    return this.#primary
  }

  /** It answers plain reads, as of when it last caught up. */
  get replica(): SimServer {
    return this.#replica
  }

  /** Primaries of the past that are still up: demoted, they refuse to write. */
  get former(): readonly SimServer[] {
    return this.#former.filter((server) => server.up)
  }

  /** A shard moves from another group to this one, as slots do; replicas follow at once. */
  take(shard: number, from: SimGroup): void {
    this.primary.twin.adopt(shard, from.primary.twin)
    this.#shards = [...this.#shards, shard]
    from.#shards = from.#shards.filter((other) => other !== shard)
    this.replicate()
    from.replicate()
  }

  /** The replica catches up with the primary. */
  replicate(): void {
    this.#replica.follow(this.#primary.twin)
    this.#replicatedMs = this.#world.now()
  }

  /**
   * The replica becomes the primary. The old one dies, or stays up as a demoted server that the links which lead to it do not leave.
   * Answers when the replica had last caught up: what was done since is lost.
   */
  failover(options: { readonly oldStays: boolean; readonly clockOffsetMs: number }): { readonly sinceMs: number } {
    const old = this.#primary
    const lost = { sinceMs: this.#replicatedMs }
    this.#failovers += 1
    const twin = this.#replica.twin.clone(`${this.id}-${this.#failovers}.0`)
    twin.writable = true
    const name = `${this.id}-${this.#failovers}`
    this.#primary = new SimServer({ name, world: this.#world, twin, clockOffsetMs: options.clockOffsetMs })
    this.replicate()
    if (options.oldStays) {
      old.twin.writable = false
      this.#former.push(old)
    } else old.stop()
    return lost
  }
}
