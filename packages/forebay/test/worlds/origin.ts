import type { SimClock } from '../../src/testing/sim-clock.js'

/** A value as the origin gives it: it names its version, so that each answer can be placed in time. */
export interface Versioned {
  readonly key: string
  readonly version: number
  /** The load, or the set, that brought it. */
  readonly by: number
}

export type OriginValue = Versioned | null | undefined

/** One run of a loader. */
export interface LoadRecord {
  readonly id: number
  readonly node: string
  readonly key: string
  readonly startedMs: number
  /** When it gave or failed, or was given up: by its signal, or at its hard timeout. */
  endedMs: number | undefined
  readonly untilMs: number
  /** The version that it read; `undefined` until it has read. */
  version: number | undefined
}

/** Loads further back than this have ended. */
const mostAtOnce = 200

/** The origin: numbers the versions of each key. A commit happens at one instant. */
export class Origin {
  readonly #clock: SimClock
  readonly #versions = new Map<string, number>()
  readonly #hollow: boolean
  readonly loads: LoadRecord[] = []

  /** `hollow`: some versions are null or undefined. */
  constructor(clock: SimClock, hollow: boolean) {
    this.#clock = clock
    this.#hollow = hollow
  }

  version(key: string): number {
    return this.#versions.get(key) ?? 1
  }

  commit(key: string): number {
    const version = this.version(key) + 1
    this.#versions.set(key, version)
    return version
  }

  beginLoad(node: string, key: string, hardTimeoutMs: number): LoadRecord {
    const startedMs = this.#clock.now()
    const untilMs = startedMs + hardTimeoutMs
    const load: LoadRecord = { id: this.loads.length, node, key, startedMs, untilMs, endedMs: undefined, version: undefined }
    this.loads.push(load)
    return load
  }

  /** The loads of a key that this process waits for. */
  running(node: string, key: string): LoadRecord[] {
    const nowMs = this.#clock.now()
    const recent = this.loads.slice(-mostAtOnce)
    return recent.filter((load) => load.node === node && load.key === key && load.endedMs === undefined && nowMs < load.untilMs)
  }

  /** A name for a value that comes from a `set`, in the same series as the loads. */
  nameSet(node: string, key: string, version: number): number {
    const load = this.beginLoad(node, key, 0)
    load.version = version
    load.endedMs = load.startedMs
    return load.id
  }

  value(key: string, version: number, by: number): OriginValue {
    if (this.#hollow && version % 5 === 3) return null
    if (this.#hollow && version % 7 === 5) return undefined
    return { key, version, by }
  }

  /** The newest version that a value can be: its own, or, where it is empty, the newest empty one. */
  newestVersionOf(key: string, value: OriginValue): number {
    if (value !== null && value !== undefined) return value.version
    for (let version = this.version(key); version > 0; version--) if (this.value(key, version, 0) === value) return version
    return 0
  }
}
