import { mostLoadsPerKey } from '../core/plan.js'
import type { Served } from './loads.js'
import { type Registration, mayJoin } from './registry.js'

/** One read or load that callers share. */
export interface Flight {
  readonly registration: Registration
  readonly background: boolean
  /** What the callers get. */
  readonly served: Promise<Served>
  /** Resolves when the flight has left the table: its value was shared, or refused. */
  landed: Promise<void>
  waiters: number
  controller: AbortController | undefined
  /** Nobody waits any longer: it must not be joined. */
  abandoned: boolean
}

/** The flights of one cache, by key: the newest that may be joined, and all that run. */
export class Flights {
  readonly #running = new Map<string, Flight[]>()

  /** The flight that a caller who comes now may share. `proven`: notices are heard, so whatever concerns a flight marks it. */
  joinable(key: string, proven: boolean, nowMs: number, maxStalenessMs: number): Flight | undefined {
    const flight = this.#running.get(key)?.at(-1)
    if (flight === undefined || flight.abandoned || !mayJoin(flight.registration)) return undefined
    return proven || nowMs - flight.registration.startedMs < maxStalenessMs ? flight : undefined
  }

  /** What must land before another flight of this key may begin: one good runs, and those that an invalidation has overtaken. */
  inTheWay(key: string): Promise<void> | undefined {
    const flights = this.#running.get(key)
    if (flights === undefined || flights.length < mostLoadsPerKey) return undefined
    return Promise.race(flights.map((flight) => flight.landed))
  }

  add(flight: Flight): void {
    const flights = this.#running.get(flight.registration.key)
    if (flights === undefined) this.#running.set(flight.registration.key, [flight])
    else flights.push(flight)
  }

  remove(flight: Flight): void {
    const { key } = flight.registration
    const flights = this.#running.get(key)?.filter((other) => other !== flight)
    if (flights === undefined || flights.length === 0) this.#running.delete(key)
    else this.#running.set(key, flights)
  }
}

/** Waits for a flight as one of its callers; a caller who gives up does not end it for the others. */
export async function share(flight: Flight, signal: AbortSignal | undefined): Promise<Served> {
  flight.waiters++
  try {
    return await unlessAborted(flight.served, signal)
  } finally {
    flight.waiters--
    if (flight.waiters === 0 && signal?.aborted && !flight.background) {
      flight.abandoned = true
      flight.controller?.abort(signal.reason)
    }
  }
}

/** What the work brings, unless this caller gives up before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
