import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { pick, readKeys, writtenKeys } from './keys.js'
import { Samples } from './samples.js'
import type { Item, Side } from './side.js'

const lanes = 32
export const originMs = 5
const writeEveryMs = 20
const lookEveryMs = 5

export interface LoadPlan {
  readonly valueBytes: number
  /** How long a lane rests between its calls. */
  readonly restMs: number
}

/** The callers of one process, its origin, and one writer. */
export class LoadUnder {
  readonly samples = new Samples()
  readonly #side: Side
  readonly #filler: string
  readonly #restMs: number
  readonly #versions = new Map<string, number>()
  readonly #loading = new Map<string, number>()
  #writes = true
  #failedWrites = 0
  #longestWriteMs = 0

  constructor(side: Side, { valueBytes, restMs }: LoadPlan) {
    this.#side = side
    this.#restMs = restMs
    this.#filler = Array.from({ length: valueBytes }, (_, i) => String.fromCharCode(97 + ((i * i) % 26))).join('')
  }

  get failedWrites(): number {
    return this.#failedWrites
  }

  get longestWriteMs(): number {
    return this.#longestWriteMs
  }

  start(): void {
    for (let lane = 0; lane < lanes; lane++) void this.#callOn()
    void this.#writeOn()
    void this.#lookOn()
  }

  stopWriting(): void {
    this.#writes = false
  }

  /** Keys of which this process, or the other one, is answered with an older version than the origin's. */
  async outdated(): Promise<number> {
    const old = await Promise.all(
      writtenKeys.map(async (key) => {
        const seen = [this.#side.read(key, this.#origin(key)), this.#side.readElsewhere(key, this.#origin(key))]
        const settled = await Promise.allSettled(seen)
        return settled.some((one) => one.status === 'fulfilled' && one.value.version < this.#version(key))
      }),
    )
    return old.filter(Boolean).length
  }

  async #callOn(): Promise<never> {
    for (;;) {
      await this.#call(pick(Math.random() < 0.2 ? writtenKeys : readKeys))
      // Without a rest too others have their turn: an answer from memory takes none.
      await (this.#restMs > 0 ? pause(this.#restMs) : turn())
    }
  }

  async #call(key: string): Promise<void> {
    const joins = this.#loading.has(key)
    let loaded = joins
    const call = this.samples.begin(readKeys.indexOf(key))
    try {
      await this.#side.read(key, () => {
        loaded = true
        return this.#origin(key)()
      })
      this.samples.end(call, loaded ? 'loaded' : 'hit')
    } catch {
      this.samples.end(call, 'failed')
    }
  }

  async #writeOn(): Promise<void> {
    while (this.#writes) {
      const key = pick(writtenKeys)
      this.#versions.set(key, this.#version(key) + 1)
      const startedMs = performance.now()
      await this.#side.invalidate(key).catch(() => this.#failedWrites++)
      this.#longestWriteMs = Math.max(this.#longestWriteMs, performance.now() - startedMs)
      await pause(writeEveryMs)
    }
  }

  /** Another process, which has what is written in its memory. */
  async #lookOn(): Promise<never> {
    for (;;) {
      const key = pick(writtenKeys)
      void this.#side.readElsewhere(key, this.#origin(key)).catch(() => {}) // not a caller whose errors are counted
      await pause(lookEveryMs)
    }
  }

  #origin(key: string): () => Promise<Item> {
    return async () => {
      const version = this.#version(key)
      this.#loading.set(key, (this.#loading.get(key) ?? 0) + 1)
      await pause(originMs)
      const others = (this.#loading.get(key) ?? 1) - 1
      if (others > 0) this.#loading.set(key, others)
      else this.#loading.delete(key)
      return { version, filler: this.#filler }
    }
  }

  #version(key: string): number {
    return this.#versions.get(key) ?? 0
  }
}
