import { setTimeout as pause } from 'node:timers/promises'
import type { Change } from './origin.js'
import { sharedMs } from './shared-clock.js'
import type { Side, Verb } from './side.js'
import { type Written, write } from './written.js'

export interface TrafficPlan {
  /** Read by this process, again and again. */
  readonly keys: readonly string[]
  /** Written by this process, and by no other. */
  readonly own: readonly string[]
  readonly verbs: readonly Verb[]
  readonly readEveryMs: number
  readonly writeEveryMs: number
}

/** What one process did and saw. */
export interface TrafficReport {
  /** Each key, each version of it that was served, and the start of the last read that served it. */
  readonly served: readonly (readonly [key: string, version: number, lastMs: number])[]
  readonly written: readonly Written[]
  readonly reads: number
  readonly failed: number
  /** Reads with a token that did not see its write. */
  readonly tokenOld: number
}

export interface Shown {
  readonly key: string
  readonly version: number
  readonly token: string
}

/** The parent's side: the origin, and who is told of writes. */
interface Outside {
  read(key: string): Promise<number>
  change(key: string): Promise<Change>
  writing(): void
  shown(shown: Shown): void
}

const longestLoadMs = 20

/**
 * Reads and writes of one process for as long as it is let. Of all that is read, the start of the last read that served a version is
 * enough to know the largest age at which it was served. A key has one writer, so that it does not matter which of two comes last.
 */
export class Traffic {
  readonly #side: Side
  readonly #outside: Outside
  readonly #served = new Map<string, Map<number, number>>()
  readonly #written: Written[] = []
  readonly #reading = new Set<string>()
  readonly #sending: Promise<void>[] = []
  #running: Promise<unknown> = Promise.resolve()
  #goesOn = false
  #reads = 0
  #failed = 0
  #tokenOld = 0

  constructor(side: Side, outside: Outside) {
    this.#side = side
    this.#outside = outside
  }

  start(plan: TrafficPlan): void {
    this.#goesOn = true
    this.#running = Promise.all([this.#readOn(plan), this.#writeOn(plan)])
  }

  /** Resolves when the last write has reached Redis. */
  async stop(): Promise<void> {
    this.#goesOn = false
    await this.#running
    await Promise.all(this.#sending)
  }

  report(): TrafficReport {
    const served = [...this.#served].flatMap(([key, versions]) => [...versions].map(([version, lastMs]) => [key, version, lastMs] as const))
    return { served, written: this.#written, reads: this.#reads, failed: this.#failed, tokenOld: this.#tokenOld }
  }

  /** A read that must see the write whose token is shown. */
  async readWith({ key, version, token }: Shown): Promise<void> {
    const startedMs = sharedMs()
    const seen = await this.#side.read(key, () => this.#outside.read(key), token)
    this.#note(key, seen, startedMs)
    if (seen < version) this.#tokenOld++
  }

  async #readOn({ keys, readEveryMs }: TrafficPlan): Promise<void> {
    while (this.#goesOn) {
      for (const key of keys) if (!this.#reading.has(key)) void this.#read(key)
      await pause(readEveryMs)
    }
  }

  async #read(key: string): Promise<void> {
    this.#reading.add(key)
    const startedMs = sharedMs()
    try {
      this.#note(key, await this.#side.read(key, () => this.#load(key)), startedMs)
    } catch {
      this.#failed++ // counted, and judged by the parent
    }
    this.#reading.delete(key)
  }

  async #load(key: string): Promise<number> {
    const version = await this.#outside.read(key)
    await pause(Math.random() * longestLoadMs)
    return version
  }

  #note(key: string, version: number, startedMs: number): void {
    this.#reads++
    const versions = this.#served.get(key) ?? new Map<number, number>()
    this.#served.set(key, versions)
    versions.set(version, Math.max(startedMs, versions.get(version) ?? 0))
  }

  async #writeOn({ own, verbs, writeEveryMs }: TrafficPlan): Promise<void> {
    while (this.#goesOn) {
      await pause(2 * Math.random() * writeEveryMs)
      const [key, verb] = [pick(own), pick(verbs)]
      this.#outside.writing()
      const { written, sent } = await write(this.#side, { key, verb, contested: false }, () => this.#outside.change(key))
      this.#written.push(written)
      this.#sending.push(sent)
      const { version, token } = written
      if (token !== undefined) this.#outside.shown({ key, version, token })
    }
  }
}

function pick<T>(from: readonly T[]): T {
  const one = from[Math.floor(Math.random() * from.length)]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}
