/**
 * What happened in a world, line by line, with a hash that two runs of one seed must share. Most worlds keep all promises and nobody reads
 * what happened in them: such a trace only counts, and whoever wants to read it runs the world again.
 */
export class Trace {
  /** Whether lines are kept: what costs much to describe is described only then. */
  readonly kept: boolean
  readonly #now: () => number
  readonly #lines: string[] = []
  #hash = 0x811c_9dc5
  #events = 0

  constructor(now: () => number, kept: boolean) {
    this.#now = now
    this.kept = kept
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  get events(): number {
    return this.#events
  }

  /** Of the lines kept. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  add(text: string): void {
    this.#events++
    if (!this.kept) return
    const line = `${this.#now().toFixed(1).padStart(9)} ${text}`
    this.#lines.push(line)
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x0100_0193)
  }

  /** Something that costs much to describe. */
  addLazily(describe: () => string): void {
    if (this.kept) this.add(describe())
    else this.#events++
  }
}
