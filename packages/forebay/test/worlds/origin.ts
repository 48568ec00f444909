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
  /** It may be one past the cache: for a cache that is not used, or for the monitor. */
  readonly aside: boolean
}

export type LoadSpan = Pick<LoadRecord, 'startedMs' | 'endedMs'>

/** Loads further back than this have ended. */
const mostAtOnce = 200

/** The origin: numbers the versions of each key. A commit happens at one instant. */
export class Origin {
  readonly #clock: SimClock
  readonly #versions = new Map<string, number>()
  readonly #hollow: boolean
  readonly loads: LoadRecord[] = []
  /** Values that later loads have found unchanged, by the load that brought them first: when the last of these began and ended. */
  readonly #confirmed = new Map<number, LoadSpan>()
  /** Who brought a version first, by its key and number. */
  readonly #first = new Map<string, number>()

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

  beginLoad(node: string, key: string, { hardTimeoutMs = 0, aside = false } = {}): LoadRecord {
    const startedMs = this.#clock.now()
    const untilMs = startedMs + hardTimeoutMs
    const load: LoadRecord = { id: this.loads.length, node, key, startedMs, untilMs, endedMs: undefined, version: undefined, aside }
    this.loads.push(load)
    return load
  }

  /** The loads of a key that this process waits for. */
  running(node: string, key: string): LoadRecord[] {
    const nowMs = this.#clock.now()
    const recent = this.loads.slice(-mostAtOnce)
    return recent.filter(
      (load) => !load.aside && load.node === node && load.key === key && load.endedMs === undefined && nowMs < load.untilMs,
    )
  }

  /** A name for a value that comes from a `set`, in the same series as the loads. */
  nameSet(node: string, key: string, version: number): number {
    const load = this.beginLoad(node, key)
    load.version = version
    load.endedMs = load.startedMs
    return this.firstWith(load, version)
  }

  /** This load has seen that a value, brought first by another one, is still what there is. */
  confirm(by: number, { startedMs, endedMs = startedMs }: LoadRecord): void {
    const known = this.spanOf(by)
    this.#confirmed.set(by, {
      startedMs: Math.max(startedMs, known?.startedMs ?? 0),
      endedMs: Math.max(endedMs, known?.endedMs ?? 0),
    })
  }

  /** When the last load began that brought a value or found it unchanged, and when the last of them ended. */
  spanOf(by: number): LoadSpan | undefined {
    return this.#confirmed.get(by) ?? this.loads[by]
  }

  /** The name for this version that each load gives it, so that two copies of a version are the same. */
  firstWith(load: LoadRecord, version: number): number {
    const name = `${load.key} v${version}`
    const first = this.#first.get(name)
    if (first === undefined) this.#first.set(name, load.id)
    else this.confirm(first, load)
    return first ?? load.id
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
