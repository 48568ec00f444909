import { wholeService } from '../core/far-store.js'
import { encodeTidings, firstNonce, type Tidings } from '../core/notice.js'

/**
 * Invalidations of one shard that could not be sent, or were not answered. Bounded: when full, single keys and tags become the clear of
 * their caches. While it is not empty, this process neither reads this shard nor takes leases in it.
 */
export class Outbox {
  readonly #most: number
  readonly #waiting = new Map<string, Unsent>()

  /** `most`: so many wait before they are coarsened. */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Keeps an invalidation; true if the outbox was full and has been coarsened. A set is kept as an invalidation, never as a late write. */
  add(nonce: string, tidings: Tidings): boolean {
    this.#put(nonce, asInvalidation(tidings))
    if (this.#waiting.size <= this.#most) return false
    this.#coarsen()
    return true
  }

  /** Keeps what was lost, to be sent again; whatever of the same kind waits already was meant later, and stays. */
  addLost(nonce: string, tidings: Tidings): boolean {
    return this.#waiting.has(nameOf(asInvalidation(tidings))) ? false : this.add(nonce, tidings)
  }

  first(): Unsent | undefined {
    for (const unsent of this.#waiting.values()) return unsent
    return undefined
  }

  /** Takes out what has been sent, unless it was replaced meanwhile. */
  sent(unsent: Unsent): void {
    if (this.#waiting.get(nameOf(unsent.tidings)) === unsent) this.#waiting.delete(nameOf(unsent.tidings))
  }

  all(): readonly Unsent[] {
    return [...this.#waiting.values()]
  }

  #put(nonce: string, tidings: Tidings): void {
    const name = nameOf(tidings)
    this.#waiting.delete(name)
    this.#waiting.set(name, { nonce, tidings })
  }

  #coarsen(): void {
    const all = this.all()
    this.#waiting.clear()
    // A clear is another write than the one whose place it takes: that one's notice may be in the log without it.
    const scopes = new Map(all.map(({ nonce, tidings }) => [scopeOf(tidings), `${firstNonce(nonce)}.all`]))
    const service = scopes.get(wholeService)
    if (service !== undefined) return this.#put(service, { kind: 'clear', scope: wholeService })
    for (const [scope, nonce] of scopes) this.#put(nonce, { kind: 'clear', scope })
  }
}

export interface Unsent {
  readonly nonce: string
  readonly tidings: Tidings
}

/** What is kept of a write that was not sent: a set or a mark becomes an invalidation. */
export function asInvalidation(tidings: Tidings): Tidings {
  return tidings.kind === 'stale' || tidings.kind === 'filled' ? { kind: 'key', cache: tidings.cache, key: tidings.key } : tidings
}

function scopeOf(tidings: Tidings): string {
  return 'scope' in tidings ? tidings.scope : tidings.cache
}

/** What tidings are about: of those with the same name one is enough. */
export function nameOf(tidings: Tidings): string {
  const { kind, payload } = encodeTidings(tidings)
  return kind + payload
}
