import { sharedMs } from './shared-clock.js'

/** A change of the origin: the new version, and when it became true. */
export interface Change {
  readonly version: number
  readonly atMs: number
}

/** The origin: numbers its values' versions by key. It lives in the parent process; the workers ask it over their channel. */
export class Origin {
  readonly #versions = new Map<string, number>()
  readonly #loads = new Map<string, number>()

  read(key: string): number {
    this.#loads.set(key, this.loads(key) + 1)
    return this.version(key)
  }

  change(key: string): Change {
    const version = this.version(key) + 1
    this.#versions.set(key, version)
    return { version, atMs: sharedMs() }
  }

  version(key: string): number {
    return this.#versions.get(key) ?? 1
  }

  /** How often a key has been read, as far as it is a load. */
  loads(key: string): number {
    return this.#loads.get(key) ?? 0
  }
}
