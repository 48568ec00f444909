import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { ShedReason, Tell } from '../core/events.js'
import type { EntryAddress } from '../core/far-store.js'
import type { CachePlan } from '../core/plan.js'
import { type Lane, Lanes, type LoadStats } from './lanes.js'

/** Who wants to load. */
export interface Entrant {
  /** What for, as things stand now. */
  readonly lane: Lane
  /** Aborted when nobody waits for it any longer. */
  readonly controller: () => AbortController
  /** Waits in a queue until called with `undefined`; `hurry` is to be called when a caller joins. */
  readonly queued: (hurry: (() => void) | undefined) => void
}

/** The right to load, until it is left. To leave twice is to leave once. */
export interface Place {
  leave(): void
}

/** Where a load asks to be let in: the cache's gate, or the batch that it is one of. */
export interface Doors<E extends Entrant = Entrant> {
  /** Rejects with `E_OVERLOADED` if turned away, or with the reason if nobody waits any longer. */
  enter(at: EntryAddress, entrant: E): Place | Promise<Place>
}

/** Lets so many loads of a cache in at once; the others wait, but no longer than a load may take. */
export class Gate implements Doors {
  readonly #plan: Pick<CachePlan, 'name' | 'hardTimeoutMs' | 'loads'>
  readonly #parts: { readonly clock: Clock; readonly tell: Tell }
  readonly #lanes: Lanes

  constructor(plan: Pick<CachePlan, 'name' | 'hardTimeoutMs' | 'loads'>, parts: { readonly clock: Clock; readonly tell: Tell }) {
    this.#plan = plan
    this.#parts = parts
    this.#lanes = new Lanes(plan.loads)
  }

  enter(at: EntryAddress, entrant: Entrant): Place | Promise<Place> {
    return this.#lanes.enter() ? this.#place() : this.#wait(at, entrant)
  }

  /** A place if one is free: behind all who wait, since then none is, and without waiting itself. */
  spare(): Place | undefined {
    return this.#lanes.enter() ? this.#place() : undefined
  }

  report(): LoadStats {
    return this.#lanes.report()
  }

  #wait(at: EntryAddress, entrant: Entrant): Promise<Place> {
    const { signal } = entrant.controller()
    const lanes = this.#lanes
    let over = (): void => {}
    const waiting = new Promise<Place>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const ticket = lanes.queue(entrant.lane, {
        admit: () => resolve(this.#place()),
        shed: (lane, why) => reject(this.#shed(at, lane, why)),
      })
      if (ticket === undefined) return
      const timer = this.#parts.clock.after(this.#plan.hardTimeoutMs, () => lanes.giveUp(ticket))
      const abort = (): void => {
        lanes.cancel(ticket)
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      entrant.queued(() => lanes.hurry(ticket))
      over = () => {
        timer.cancel()
        signal.removeEventListener('abort', abort)
        entrant.queued(undefined)
      }
    })
    return waiting.finally(() => over())
  }

  #place(): Place {
    let left = false
    return {
      leave: () => {
        if (!left) this.#lanes.leave()
        left = true
      },
    }
  }

  #shed(at: EntryAddress, lane: Lane, why: ShedReason): ForebayError {
    const { name, loads, hardTimeoutMs } = this.#plan
    this.#parts.tell({ type: 'shed', cache: name, key: at.key, lane, why })
    const detail = why === 'full' ? `${loads.queue} more wait` : `none has ended for it within ${hardTimeoutMs} ms`
    return new ForebayError('E_OVERLOADED', `${loads.max} loads of cache '${name}' run at once, and ${detail}`)
  }
}
