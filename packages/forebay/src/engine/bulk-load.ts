import { ForebayError } from '../core/errors.js'
import type { EntryAddress } from '../core/far-store.js'
import type { Doors, Entrant, Place } from './gate.js'
import type { Lane } from './lanes.js'
import type { LoadChain } from './load-chain.js'
import { type BulkLoader, doNotStore, type Key, type Loader } from './public.js'

/** The value of a key that a bulk loader has left out: known to whoever reads many, never handed to a caller. */
export const omitted: unique symbol = Symbol('forebay.omitted')

/** One key among those that are loaded together: what its flight enters by, and loads with. */
export interface Member {
  readonly doors: Doors<Loading>
  readonly load: Loader<unknown>
  /** Whether a flight of its own has come so far; else it has joined another's, or its value was there. */
  readonly entered: boolean
}

/** A flight that enters: it stays in the table until the call is over, since that loads its key even if it has left. */
export interface Loading extends Entrant {
  readonly track: (work: Promise<unknown>) => void
}

export interface BulkLoadParts {
  readonly gate: Doors
  readonly chain: LoadChain
  readonly load: BulkLoader<unknown>
  readonly canonical: (key: Key) => string
}

/**
 * Loads many keys by few calls. Each key has a flight of its own, with its own lease, so that others can join it and an invalidation stops
 * only what it concerns. What the flights share is the call: a batch takes one place among the loads, its members ask for their leases, and
 * once each of them either stands there with his lease or has left (his value was there, or another process loads it), the loader is called
 * for those who stand there. Who comes later, when another process has failed, comes into the next batch.
 */
export class BulkLoads {
  readonly #parts: BulkLoadParts
  #batch: Batch | undefined

  constructor(parts: BulkLoadParts) {
    this.#parts = parts
  }

  member(key: Key, at: EntryAddress): Member {
    let entered = false
    let seat: Seat | undefined
    return {
      doors: {
        enter: async (_, entrant) => {
          entered = true
          seat = await this.#open().enter(key, at, entrant)
          return seat
        },
      },
      load: ({ signal }) => {
        if (seat === undefined) throw new RangeError('a member enters before it loads')
        return seat.load(signal)
      },
      get entered() {
        return entered
      },
    }
  }

  #open(): Batch {
    if (this.#batch === undefined || this.#batch.closed) this.#batch = new Batch(this.#parts)
    return this.#batch
  }
}

/** A member's place in a batch. */
interface Seat extends Place {
  /** Stands ready, until the call is answered. */
  load(signal: AbortSignal): Promise<never>
}

interface Ready {
  readonly key: Key
  readonly at: EntryAddress
  readonly resolve: (loaded: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A bulk loader as a loader of single keys; one that it leaves out has no value. */
export function loaderOfEach({ load, canonical }: Pick<BulkLoadParts, 'load' | 'canonical'>): Loader<unknown> {
  return async ({ key, signal }) => {
    return byKey(await load({ keys: [key], signal }), canonical).get(canonical(key))
  }
}

/** One call of a bulk loader, and those it is made for. */
class Batch {
  readonly #parts: BulkLoadParts
  readonly #controller = new AbortController()
  /** By canonical key: who stands here with his lease. */
  readonly #ready = new Map<string, Ready>()
  readonly #lanes: (() => Lane)[] = []
  #place: Promise<Place> | undefined
  #hurry: (() => void) | undefined
  /** Of those who have neither left nor been given up. */
  readonly #waiting = new Set<AbortSignal>()
  /** Why the last one was given up. */
  #reason: unknown
  #undecided = 0
  #closed = false
  /** The call has ended, or was told to. */
  readonly #over: Promise<void>
  #end = (): void => {}

  constructor(parts: BulkLoadParts) {
    this.#parts = parts
    this.#over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** The call is made, or nobody is left to make it for: it is given up, and so would be whoever came in now. */
  get closed(): boolean {
    return this.#closed || this.#controller.signal.aborted
  }

  async enter(key: Key, at: EntryAddress, entrant: Loading): Promise<Seat> {
    this.#undecided++
    const dismiss = this.#admit(entrant.controller().signal)
    entrant.queued(() => this.#hurry?.())
    this.#lanes.push(() => entrant.lane)
    this.#place ??= Promise.resolve(this.#parts.gate.enter(at, this.#entrant()))
    try {
      await this.#place
    } catch (error) {
      this.#closed = true
      dismiss()
      throw error
    } finally {
      entrant.queued(undefined)
    }
    const stand = (ready: Ready): void => {
      this.#ready.set(at.key, ready)
      entrant.track(this.#over)
    }
    return this.#seat({ key, at }, stand, dismiss)
  }

  #seat(whose: Pick<Ready, 'key' | 'at'>, stand: (ready: Ready) => void, dismiss: () => void): Seat {
    let decided = false
    const decide = (): void => {
      if (!decided) this.#decided()
      decided = true
    }
    return {
      leave: () => {
        dismiss()
        decide()
      },
      load: (signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) reject(signal.reason)
          else stand({ ...whose, resolve: resolve as Ready['resolve'], reject })
          decide()
        }),
    }
  }

  /** The first of its members' lanes: one caller is enough. */
  #entrant(): Entrant {
    const lanes = this.#lanes
    return {
      get lane() {
        const own = lanes.map((lane) => lane())
        return own.find((lane) => lane === 'callers') ?? own[0] ?? 'callers'
      },
      controller: () => this.#controller,
      queued: (hurry) => {
        this.#hurry = hurry
      },
    }
  }

  #decided(): void {
    this.#undecided--
    if (this.#undecided > 0 || this.#closed) return
    this.#closed = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const place = await this.#place
    const end = (): void => {
      place?.leave()
      this.#end()
    }
    this.#controller.signal.addEventListener('abort', end, { once: true })
    if (this.#waiting.size > 0) await this.#call()
    else for (const { reject } of this.#ready.values()) reject(this.#reason)
    end()
  }

  async #call(): Promise<void> {
    const { load, canonical, chain } = this.#parts
    const { signal } = this.#controller
    try {
      const ready = [...this.#ready.values()]
      const keys = ready.map(({ key }) => key)
      const ats = ready.map(({ at }) => at)
      const loaded = byKey(await chain.run(ats, async () => load({ keys, signal })), canonical)
      for (const [key, { resolve }] of this.#ready) resolve(loaded.has(key) ? loaded.get(key) : doNotStore(omitted))
    } catch (error) {
      for (const { reject } of this.#ready.values()) reject(error)
    }
  }

  /** From now on it is waited for, until it leaves: whoever tries again enters again. */
  #admit(signal: AbortSignal): () => void {
    const giveUp = (): void => this.#givenUp(signal)
    this.#waiting.add(signal)
    signal.addEventListener('abort', giveUp, { once: true })
    if (signal.aborted) giveUp()
    return () => {
      signal.removeEventListener('abort', giveUp)
      this.#waiting.delete(signal)
    }
  }

  /** A member's hard timeout is over, or nobody waits for him: the call ends with the last of those for whom it is made. */
  #givenUp(signal: AbortSignal): void {
    this.#waiting.delete(signal)
    this.#reason = signal.reason
    if (this.#waiting.size === 0) this.#controller.abort(signal.reason)
  }
}

/** What a bulk loader has answered: pairs, in any order. Keys that it was not asked for mean nothing. */
function byKey(answer: unknown, canonical: (key: Key) => string): ReadonlyMap<string, unknown> {
  if (answer === null || typeof answer !== 'object' || !(Symbol.iterator in answer)) {
    throw new ForebayError('E_VALUE_UNSUPPORTED', 'a bulk loader answers a Map, or a list of pairs [key, value]')
  }
  const loaded = new Map<string, unknown>()
  for (const pair of answer as Iterable<unknown>) {
    if (!Array.isArray(pair)) throw new ForebayError('E_VALUE_UNSUPPORTED', 'a bulk loader answers pairs [key, value]; one of them is none')
    loaded.set(canonical(pair[0]), pair[1])
  }
  return loaded
}
