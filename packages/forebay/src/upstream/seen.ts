/** The ids dealt with last; the oldest is forgotten for a new one. */
export class Seen {
  readonly #most: number
  readonly #ids = new Set<unknown>()

  constructor(most: number) {
    this.#most = most
  }

  has(id: unknown): boolean {
    return this.#ids.has(id)
  }

  add(id: unknown): void {
    this.#ids.add(id)
    if (this.#ids.size <= this.#most) return
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest)
      return
    }
  }
}
