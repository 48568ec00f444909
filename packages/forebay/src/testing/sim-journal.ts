import { type Journal, journalHead } from '../core/journal.js'

/** A disk that outlives the processes of a simulated machine, with the outboxes that they keep on it. */
export class SimDisk {
  readonly #service: string
  readonly #files = new Map<string, string>()
  /** Nothing more can be written. */
  full = false

  constructor(service: string) {
    this.#service = service
  }

  /** The outbox of a process; its name is its own, and what it does once it is no longer alive does nothing. */
  open(name: string, alive: () => boolean = () => true): Journal {
    const write = (text: string | undefined): void => {
      if (!alive()) return
      if (text === undefined) return void this.#files.delete(name)
      if (this.full) throw new Error('ENOSPC: no space left on the simulated disk')
      this.#files.set(name, text)
    }
    return {
      takeOver: (keep) => {
        const others = [...this.#files.keys()].filter((other) => other !== name)
        keep(others.map((other) => this.#files.get(other) ?? ''))
        for (const other of others) this.#files.delete(other)
      },
      append: (lines) => write((this.#files.get(name) ?? journalHead(this.#service)) + lines),
      replace: (lines) => write(lines === '' ? undefined : journalHead(this.#service) + lines),
      close() {},
    }
  }

  get files(): ReadonlyMap<string, string> {
    return this.#files
  }

  /** What stands in a process's outbox is altered, as by a crash in the middle of a write, or a bad block. */
  alter(name: string, change: (text: string) => string): void {
    this.#files.set(name, change(this.#files.get(name) ?? ''))
  }
}
