import type { Clock, Timer } from '../core/clock.js'
import type { Tell } from '../core/events.js'
import { wholeService } from '../core/far-store.js'
import { encodeRecord, type Journal, type JournalRecord, readJournal } from '../core/journal.js'
import type { Tidings } from '../core/notice.js'
import { asInvalidation, nameOf } from './outbox.js'
import type { Ids } from './parts.js'
import type { Shards } from './shards.js'

/**
 * Keeps in a journal what waits in the outboxes, so that it survives the process.
 *
 * Lines are only added. What has been sent stays in it until nothing waits any more, or until most of it is of no use: a line too many costs
 * whoever replays it an invalidation in vain, a line too few would be an old value that nobody invalidates. A fence of many shards is one
 * line, and goes to all of them when it is replayed: by then there may be another number of them.
 */
export interface OutboxJournalParts {
  readonly journal: Journal
  readonly service: string
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
}

/** A journal that has more lines of no use than of use, and more than this, is written anew. */
const mostUseless = 1_000
/** After a failure the journal is left alone this long; what waits meanwhile is written in one piece then. */
const againMs = 1_000

export class OutboxJournal {
  readonly #parts: OutboxJournalParts
  /** The fences in it, by nonce and name. */
  readonly #kept = new Set<string>()
  #retry: Timer | undefined
  #failing = false
  #takingOver = false

  constructor(parts: OutboxJournalParts) {
    this.#parts = parts
  }

  /** Queues what processes before this one have left. What cannot be read may have been anything: then everything is invalidated. */
  takeOver(queue: (record: JournalRecord) => void): void {
    const { journal, service, ids, clock } = this.#parts
    const keep = (texts: readonly string[]): void => {
      const found = texts.map((text) => readJournal(text, service))
      const damaged = found.some((one) => one.damaged)
      for (const { records } of found) for (const record of records) queue(record)
      if (damaged) queue({ nonce: ids.next(), tidings: { kind: 'clear', scope: wholeService } })
      clock.afterInput(() => this.#tellTaken(damaged))
      this.#write()
    }
    this.#takingOver = true
    this.#try(() => journal.takeOver(keep))
    this.#takingOver = false
  }

  /** Keeps an invalidation that is about to wait in an outbox. */
  keep(nonce: string, given: Tidings): void {
    const record = { nonce, tidings: asInvalidation(given) }
    if (this.#busy || this.#kept.has(nameIn(record))) return
    this.#try(() => {
      if (this.#kept.size > 2 * this.#parts.shards.unsent() + mostUseless) this.#write()
      this.#parts.journal.append(encodeRecord(record))
      this.#kept.add(nameIn(record))
    })
  }

  /** Something was sent: where nothing waits any more, nothing is kept. */
  sent(): void {
    if (!this.#busy && this.#kept.size > 0 && this.#parts.shards.unsent() === 0) this.#try(() => this.#write())
  }

  close(): void {
    this.#retry?.cancel()
    this.#parts.journal.close()
  }

  /** What is queued now will be written with all the rest. */
  get #busy(): boolean {
    return this.#takingOver || this.#retry !== undefined
  }

  #write(): void {
    const waiting = this.#parts.shards.all.flatMap(({ outbox }) => outbox.all())
    const records = new Map(waiting.map((record) => [nameIn(record), record]))
    this.#parts.journal.replace([...records.values()].map(encodeRecord).join(''))
    this.#kept.clear()
    for (const name of records.keys()) this.#kept.add(name)
  }

  /** A disk that is full harms nobody while the process lives: the outbox in memory goes on. */
  #try(work: () => void): void {
    try {
      work()
      if (this.#failing) this.#warn('invalidations that wait are kept on disk again')
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#warn(`invalidations that wait cannot be kept on disk, and are lost if this process dies: ${String(error)}`)
      this.#failing = true
      this.#retry = this.#parts.clock.after(againMs, () => {
        this.#retry = undefined
        this.#try(() => this.#write())
      })
    }
  }

  #warn(text: string): void {
    const { clock, tell } = this.#parts
    clock.afterInput(() => tell({ type: 'warning', text }))
  }

  #tellTaken(damaged: boolean): void {
    const { shards, tell } = this.#parts
    if (damaged)
      tell({ type: 'warning', text: 'an outbox that a process left behind is damaged: everything of this service is invalidated' })
    if (shards.unsent() > 0) tell({ type: 'outbox', waiting: shards.unsent(), coarsened: false })
  }
}

function nameIn({ nonce, tidings }: JournalRecord): string {
  return `${nonce} ${nameOf(tidings)}`
}
