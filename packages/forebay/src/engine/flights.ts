import type { EntryAddress } from '../core/far-store.js'
import { mostLoadsPerKey } from '../core/plan.js'
import type { Doors } from './gate.js'
import type { Held } from './held.js'
import type { Lane } from './lanes.js'
import type { Job } from './job.js'
import { type Registration, type Registry, mayJoin } from './registry.js'
import type { Served } from './served.js'

/** What is asked for, where, and by whom. */
export interface Request extends Pick<Job, 'key' | 'load' | 'options' | 'lane'> {
  readonly at: EntryAddress
  readonly doors?: Doors<Job> | undefined
  /** What a read has found already: the flight begins with the load. The old value counts for nothing unless the shard confirms it. */
  readonly known?: { readonly found: 'miss' | 'away'; readonly previous: Held | undefined } | undefined
  readonly soonMs?: number | undefined
}

/** One read or load that callers share. What only a load needs is made when there is one: most flights are a read that hits. */
export class Flight implements Job {
  readonly request: Request
  readonly registration: Registration<Flight>
  /** What the callers get. */
  readonly served: Promise<Served>
  /** Nobody joins it later than that. */
  sharedUntilMs = Number.POSITIVE_INFINITY
  #waiters = 0
  /** A caller waits for it, or has. */
  #wanted = false
  #hurry: (() => void) | undefined
  /** Nobody waits any longer: it must not be joined. */
  #abandoned = false
  #controller: AbortController | undefined
  #storing: Promise<unknown>[] | undefined
  #over = false
  #landing: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor(request: Request, registration: Registration<Flight>, fly: (flight: Flight) => Promise<Served>) {
    this.request = request
    this.registration = registration
    this.served = fly(this)
  }

  get at(): EntryAddress {
    return this.request.at
  }
  get key(): Job['key'] {
    return this.request.key
  }
  get load(): Job['load'] {
    return this.request.load
  }
  get options(): Job['options'] {
    return this.request.options
  }
  get doors(): Doors<Job> | undefined {
    return this.request.doors
  }
  get lane(): Lane {
    return this.#wanted ? 'callers' : this.request.lane
  }
  get background(): boolean {
    return this.request.lane === 'refreshes'
  }

  get soonMs(): number | undefined {
    return this.request.soonMs
  }

  get abandoned(): boolean {
    return this.#abandoned
  }

  /** Waits as one of its callers; one who gives up does not end it for the others, but for itself if it is the last. */
  share(signal: AbortSignal | undefined, lane: Lane): Promise<Served> {
    this.#waiters++
    if (lane === 'callers') {
      this.#wanted = true
      this.#hurry?.()
    }
    if (signal === undefined) return this.served
    return unlessAborted(this.served, signal).finally(() => {
      this.#waiters--
      if (this.#waiters === 0 && signal.aborted && !this.background) this.#abandon(signal.reason)
    })
  }

  controller(): AbortController {
    this.#controller ??= new AbortController()
    if (this.#abandoned) this.#controller.abort()
    return this.#controller
  }

  queued(hurry: (() => void) | undefined): void {
    this.#hurry = hurry
  }

  track(work: Promise<unknown>): void {
    this.#storing ??= []
    this.#storing.push(work)
  }

  /** What must be over before it leaves the table, besides itself. */
  storing(): Promise<unknown> | undefined {
    return this.#storing && allOf(this.#storing)
  }

  shareUntil(ms: number): void {
    this.sharedUntilMs = ms
  }

  /** Resolves when it has left the table: its value was shared, or refused. */
  landed(): Promise<void> {
    if (this.#over) return Promise.resolve()
    this.#landing ??= opened()
    return this.#landing.promise
  }

  /** It has left the table. */
  land(): void {
    this.#over = true
    this.#landing?.resolve()
  }

  #abandon(reason: unknown): void {
    this.#abandoned = true
    this.#controller?.abort(reason)
  }
}

/** The flights of one cache, found by what is registered for a key: the newest may be joined. */
export class Flights {
  readonly #registry: Registry<Flight>

  constructor(registry: Registry<Flight>) {
    this.#registry = registry
  }

  /** Whether anything is registered for a key: without that there is no flight, and no more to ask. */
  mayHave(key: string): boolean {
    return this.#registry.newest(key) !== undefined
  }

  /** The flight that a caller who comes now may share. `proven`: notices are heard, so whatever concerns a flight marks it. */
  joinable(key: string, proven: boolean, nowMs: number, maxStalenessMs: number): Flight | undefined {
    const flight = this.#newest(key)
    if (flight === undefined || flight.abandoned || nowMs >= flight.sharedUntilMs || !mayJoin(flight.registration)) return undefined
    return proven || nowMs - flight.registration.trueAsOfMs < maxStalenessMs ? flight : undefined
  }

  /** What must land before another flight of this key may begin: one good runs, and those that an invalidation has overtaken. */
  inTheWay(key: string): Promise<void> | undefined {
    const newest = this.#registry.newest(key)
    if (newest === undefined) return undefined
    const flights: Flight[] = []
    for (let one: Registration<Flight> | undefined = newest; one !== undefined; one = one.older)
      if (one.flight !== undefined) flights.push(one.flight)
    return flights.length < mostLoadsPerKey ? undefined : Promise.race(flights.map((flight) => flight.landed()))
  }

  add(flight: Flight): void {
    flight.registration.flight = flight
  }

  /** It has landed: its registration ends with it. */
  remove(flight: Flight): void {
    this.#registry.end(flight.registration)
    flight.registration.flight = undefined
    flight.land()
  }

  /** The ends of all that are under way. */
  landings(): Promise<void>[] {
    const landings: Promise<void>[] = []
    this.#registry.each(({ flight }) => {
      if (flight !== undefined) landings.push(flight.landed())
    })
    return landings
  }

  #newest(key: string): Flight | undefined {
    let one = this.#registry.newest(key)
    while (one !== undefined && one.flight === undefined) one = one.older
    return one?.flight
  }
}

/** What the work brings, unless this caller gives up before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}

/** Waits for work to which more may be added meanwhile. */
async function allOf(growing: readonly Promise<unknown>[]): Promise<void> {
  for (const work of growing) await work.catch(() => {}) // its end counts, not how it ends
}

function opened(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
