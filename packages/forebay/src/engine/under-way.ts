/** The work that nobody awaits, and that must not be lost sight of: `settled()` and `close()` wait for it. */
export class UnderWay {
  readonly #work = new Set<Promise<unknown>>()
  readonly #others: () => readonly Promise<unknown>[]

  /** `others`: what is under way besides, as of now. */
  constructor(others: () => readonly Promise<unknown>[]) {
    this.#others = others
  }

  readonly track = (work: Promise<unknown>): void => {
    this.#work.add(work)
    const done = (): void => {
      this.#work.delete(work)
    }
    work.then(done, done)
  }

  /** Resolves when nothing is under way, nor what that has begun. */
  async settled(): Promise<void> {
    for (let work = this.#all(); work.length > 0; work = this.#all()) await Promise.allSettled(work)
  }

  #all(): readonly Promise<unknown>[] {
    return [...this.#work, ...this.#others()]
  }
}
