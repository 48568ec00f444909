import type { ForebayEvent } from '../core/events.js'
import { wholeService } from '../core/far-store.js'
import type { Notice, Tidings } from '../core/notice.js'
import { fits } from '../core/pattern.js'
import { processIn } from './parts.js'
import type { Decision } from './reports.js'

/** What is remembered of each cache: its last so many decisions, of all keys together. */
const mostRecords = 512

interface Record {
  readonly atMs: number
  readonly what: string
  readonly key: string | undefined
  /** Of an invalidation, what it concerns. */
  readonly tidings: Tidings | undefined
  readonly details: Decision['details']
}

/** The last decisions of each cache, for `explain`. Hits are none: nothing was decided there. */
export class Recorder {
  readonly #process: string
  readonly #rings = new Map<string, Ring>()
  #last: Tidings | undefined

  /** `process`: the name that this process's writes carry. */
  constructor(process: string) {
    this.#process = process
    this.open(wholeService)
  }

  /** From now on a cache's decisions are remembered; those of caches that this process does not have are not. */
  open(cache: string): void {
    this.#rings.set(cache, new Ring())
  }

  /** An event, if it is about one key. */
  told(event: ForebayEvent, atMs: number): void {
    if (!('key' in event)) return
    const { type, cache, key, ...details } = event
    this.#rings.get(cache)?.add({ atMs, what: type, key, tidings: undefined, details: 'error' in details ? named(details) : details })
  }

  /** An invalidation: a notice from another process, or a write of this one, which is told before it is sent and when it is answered. */
  heard(tidings: Tidings | Notice, atMs: number): void {
    if (tidings.kind === 'filled' || tidings === this.#last) return
    this.#last = tidings
    const by = 'nonce' in tidings ? processIn(tidings.nonce) : this.#process
    const how = tidings.kind === 'tags' ? { by, how: tidings.kind, tags: tidings.tags } : { by, how: tidings.kind }
    const key = 'key' in tidings ? tidings.key : undefined
    const cache = 'key' in tidings ? tidings.cache : (tidings.scope.split('@')[0] ?? '')
    this.#rings.get(cache)?.add({ atMs, what: 'invalidated', key, tidings, details: how })
  }

  /** What was decided about a key, the last first. `tags`: those that its entry has, as far as is known. */
  about(cache: string, key: string, tags: readonly string[]): (nowMs: number) => readonly Decision[] {
    const all = [cache, wholeService].flatMap((name) => this.#rings.get(name)?.all() ?? [])
    const records = all.filter((record) => concerns(record, key, tags))
    records.sort((a, b) => b.atMs - a.atMs)
    return (nowMs) => records.map(({ atMs, what, details }) => ({ msAgo: nowMs - atMs, what, details }))
  }
}

/** The last records, the oldest overwritten first. */
class Ring {
  readonly #records: Record[] = []
  #next = 0

  add(record: Record): void {
    this.#records[this.#next] = record
    this.#next = (this.#next + 1) % mostRecords
  }

  all(): readonly Record[] {
    return this.#records
  }
}

function concerns({ key, tidings }: Record, about: string, tags: readonly string[]): boolean {
  if (key !== undefined) return key === about
  if (tidings?.kind === 'tags') return tidings.tags.some((tag) => tags.includes(tag))
  return tidings?.kind === 'pattern' ? fits(tidings.parts, about) : true
}

/** An error by its message: a record must not keep alive what hangs on it. */
function named<T extends { readonly error: unknown }>(details: T): Decision['details'] {
  return { ...details, error: details.error instanceof Error ? details.error.message : String(details.error) }
}
