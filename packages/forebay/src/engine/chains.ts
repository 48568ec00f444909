/** Something under way for a key. */
export interface Chained<T> {
  /** What began before it for the same key and is still under way. Kept by the chains alone. */
  older: T | undefined
}

/** What is under way, by key and newest first. A key has mostly none or one, so each has a chain and not a list. */
export class Chains<T extends Chained<T>> {
  readonly #newest = new Map<string, T>()

  newest(key: string): T | undefined {
    return this.#newest.get(key)
  }

  add(key: string, item: T): void {
    item.older = this.#newest.get(key)
    this.#newest.set(key, item)
  }

  remove(key: string, item: T): void {
    const newest = this.#newest.get(key)
    if (newest !== item) {
      for (let one = newest; one !== undefined; one = one.older) if (one.older === item) one.older = item.older
    } else if (item.older === undefined) this.#newest.delete(key)
    else this.#newest.set(key, item.older)
  }

  each(visit: (item: T) => void): void {
    for (const newest of this.#newest.values()) for (let one: T | undefined = newest; one !== undefined; one = one.older) visit(one)
  }
}
