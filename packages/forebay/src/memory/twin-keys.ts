/** A key, between those that were last used before and after it. */
interface Kept<V> {
  readonly name: string
  value: V
  untilMs: number
  readonly weight: number
  colder: Kept<V> | undefined
  warmer: Kept<V> | undefined
}

/**
 * Keys with an end of life. A limit on their weight pushes the least recently used out. (The order of a `Map` would do as well, but each
 * look at its first key passes all places that deleted ones have left.)
 */
export class TwinKeys<V> {
  readonly #kept = new Map<string, Kept<V>>()
  #coldest: Kept<V> | undefined
  #warmest: Kept<V> | undefined
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
    if (nowMs > kept.untilMs) {
      this.#remove(kept)
      return undefined
    }
    this.#unlink(kept)
    this.#link(kept)
    return kept.value
  }

  remainingMs(name: string, nowMs: number): number {
    return Math.max(0, (this.#kept.get(name)?.untilMs ?? nowMs) - nowMs)
  }

  store(name: string, value: V, untilMs: number, nowMs: number): void {
    this.drop(name)
    const weight = this.#weigh(name, value)
    if (weight > this.#limit) return
    this.#add(name, { value, untilMs, weight })
    this.#makeRoom(nowMs)
  }

  /** Puts another value of the same weight in place; its life ends when it would have. */
  replace(name: string, value: V): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) kept.value = value
  }

  prolong(name: string, untilMs: number): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) kept.untilMs = untilMs
  }

  drop(name: string): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) this.#remove(kept)
  }

  names(): string[] {
    return [...this.#kept.keys()]
  }

  dropWhere(drops: (name: string) => boolean): void {
    for (const [name, kept] of this.#kept) if (drops(name)) this.#remove(kept)
  }

  copyInto(other: TwinKeys<V>): void {
    for (const kept of this.#fromColdest()) other.#add(kept.name, kept)
  }

  /** Takes over from another what has a name like this. */
  adopt(from: TwinKeys<V>, like: (name: string) => boolean): void {
    this.dropWhere(like)
    for (const kept of from.#fromColdest()) if (like(kept.name)) this.#add(kept.name, kept)
  }

  #add(name: string, { value, untilMs, weight }: Pick<Kept<V>, 'value' | 'untilMs' | 'weight'>): void {
    const kept = { name, value, untilMs, weight, colder: undefined, warmer: undefined }
    this.#kept.set(name, kept)
    this.#link(kept)
    this.#weight += weight
  }

  #remove(kept: Kept<V>): void {
    this.#kept.delete(kept.name)
    this.#unlink(kept)
    this.#weight -= kept.weight
  }

  /** As the one used last. */
  #link(kept: Kept<V>): void {
    kept.colder = this.#warmest
    kept.warmer = undefined
    if (this.#warmest === undefined) this.#coldest = kept
    else this.#warmest.warmer = kept
    this.#warmest = kept
  }

  #unlink({ colder, warmer }: Kept<V>): void {
    if (colder === undefined) this.#coldest = warmer
    else colder.warmer = warmer
    if (warmer === undefined) this.#warmest = colder
    else warmer.colder = colder
  }

  *#fromColdest(): Generator<Kept<V>> {
    for (let kept = this.#coldest; kept !== undefined; kept = kept.warmer) yield kept
  }

  /** Also drops what has expired at the cold end, so that keys which nobody asks for again do not pile up. */
  #makeRoom(nowMs: number): void {
    for (const kept of this.#fromColdest()) {
      if (this.#weight <= this.#limit && nowMs <= kept.untilMs) return
      this.#remove(kept)
    }
  }
}

/** Redis takes whole milliseconds, at least one. */
export function whole(ms: number): number {
  return Math.max(1, Math.round(ms))
}
