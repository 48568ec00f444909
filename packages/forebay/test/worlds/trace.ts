/** What happened in a world, line by line, with a hash that two runs of one seed must share. */
export class Trace {
  readonly #now: () => number
  readonly #lines: string[] = []
  #hash = 0x811c_9dc5

  constructor(now: () => number) {
    this.#now = now
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  add(text: string): void {
    const line = `${this.#now().toFixed(1).padStart(9)} ${text}`
    this.#lines.push(line)
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x0100_0193)
  }
}
