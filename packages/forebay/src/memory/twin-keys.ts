interface Kept<V> {
  readonly value: V
  readonly untilMs: number
  readonly weight: number
}

/** Keys with an end of life. A limit on their weight pushes the least recently used out. */
export class TwinKeys<V> {
  readonly #kept = new Map<string, Kept<V>>()
  readonly #limit: number
  readonly #weigh: (name: string, value: V) => number
  #weight = 0

  constructor(limit: number, weigh: (name: string, value: V) => number) {
    this.#limit = limit
    this.#weigh = weigh
  }

  /** The value, if its life is not over. Like Redis, a key still lives in the millisecond in which it ends. */
  read(name: string, nowMs: number): V | undefined {
    const kept = this.#kept.get(name)
    if (kept === undefined) return undefined
    this.#kept.delete(name)
    if (nowMs > kept.untilMs) {
      this.#weight -= kept.weight
      return undefined
    }
    this.#kept.set(name, kept)
    return kept.value
  }

  remainingMs(name: string, nowMs: number): number {
    return Math.max(0, (this.#kept.get(name)?.untilMs ?? nowMs) - nowMs)
  }

  store(name: string, value: V, untilMs: number, nowMs: number): void {
    this.drop(name)
    const weight = this.#weigh(name, value)
    if (weight > this.#limit) return
    this.#kept.set(name, { value, untilMs, weight })
    this.#weight += weight
    this.#makeRoom(nowMs)
  }

  /** Puts another value of the same weight in place; its life ends when it would have. */
  replace(name: string, value: V): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) this.#kept.set(name, { ...kept, value })
  }

  prolong(name: string, untilMs: number): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) this.#kept.set(name, { ...kept, untilMs })
  }

  drop(name: string): void {
    const kept = this.#kept.get(name)
    if (kept === undefined) return
    this.#kept.delete(name)
    this.#weight -= kept.weight
  }

  names(): string[] {
    return [...this.#kept.keys()]
  }

  dropWhere(drops: (name: string) => boolean): void {
    for (const name of [...this.#kept.keys()]) if (drops(name)) this.drop(name)
  }

  copyInto(other: TwinKeys<V>): void {
    for (const [name, kept] of this.#kept) other.#kept.set(name, kept)
    other.#weight = this.#weight
  }

  /** Takes over from another what has a name like this. */
  adopt(from: TwinKeys<V>, like: (name: string) => boolean): void {
    this.dropWhere(like)
    for (const [name, kept] of from.#kept) {
      if (!like(name)) continue
      this.#kept.set(name, kept)
      this.#weight += kept.weight
    }
  }

  /** Also drops what has expired at the cold end, so that keys which nobody asks for again do not pile up. */
  #makeRoom(nowMs: number): void {
    for (const [name, kept] of this.#kept) {
      if (this.#weight <= this.#limit && nowMs <= kept.untilMs) return
      this.drop(name)
    }
  }
}

/** Redis takes whole milliseconds, at least one. */
export function whole(ms: number): number {
  return Math.max(1, Math.round(ms))
}
