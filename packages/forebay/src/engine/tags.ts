/** A tag as the entries of one cache share it: dropping a tag is one write, however many entries have it. */
export interface TagCell {
  readonly name: string
  /** The arrival of the last notice that dropped it. */
  droppedAt: number
  entries: number
  /** The list of this one alone, for all entries that have no other tag. */
  readonly alone: readonly TagCell[]
}

const none: readonly TagCell[] = []

/** The tags that entries in one cache's memory have; a tag without entries is forgotten. */
export class TagTable {
  readonly #cells = new Map<string, TagCell>()

  /** The cells for an entry's tags; give them back by `release`. */
  take(tags: readonly string[]): readonly TagCell[] {
    const [only] = tags
    if (only === undefined) return none
    return tags.length === 1 ? this.#take(only).alone : tags.map((name) => this.#take(name))
  }

  release(cells: readonly TagCell[]): void {
    for (const cell of cells) if (--cell.entries === 0) this.#cells.delete(cell.name)
  }

  drop(tag: string, arrival: number): void {
    const cell = this.#cells.get(tag)
    if (cell !== undefined) cell.droppedAt = arrival
  }

  #take(name: string): TagCell {
    const known = this.#cells.get(name)
    if (known !== undefined) {
      known.entries++
      return known
    }
    const alone: TagCell[] = []
    const cell = { name, droppedAt: 0, entries: 1, alone }
    alone.push(cell)
    this.#cells.set(name, cell)
    return cell
  }
}
