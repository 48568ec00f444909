/** A tag as the entries of one cache share it: dropping a tag is one write, however many entries have it. */
export interface TagCell {
  readonly name: string
  /** The arrival of the last notice that dropped it. */
  droppedAt: number
  entries: number
}

const none: readonly TagCell[] = []

/** The tags that entries in one cache's memory have; a tag without entries is forgotten. */
export class TagTable {
  readonly #cells = new Map<string, TagCell>()

  /** The cells for an entry's tags; give them back by `release`. */
  take(tags: readonly string[]): readonly TagCell[] {
    if (tags.length === 0) return none
    return tags.map((name) => {
      const cell = this.#cells.get(name) ?? { name, droppedAt: 0, entries: 0 }
      this.#cells.set(name, cell)
      cell.entries++
      return cell
    })
  }

  release(cells: readonly TagCell[]): void {
    for (const cell of cells) if (--cell.entries === 0) this.#cells.delete(cell.name)
  }

  drop(tag: string, arrival: number): void {
    const cell = this.#cells.get(tag)
    if (cell !== undefined) cell.droppedAt = arrival
  }
}
