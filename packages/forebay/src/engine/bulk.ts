import { handOut } from '../core/kept-value.js'
import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { EntryAddress } from '../core/far-store.js'
import { BulkLoads, loaderOfEach, type Member, omitted } from './bulk-load.js'
import { FanOut } from './fan-out.js'
import type { Found } from './far-reads.js'
import { type Request, unlessAborted } from './flights.js'
import type { Doors } from './gate.js'
import type { Lane } from './lanes.js'
import type { LoadChain } from './load-chain.js'
import type { Served } from './served.js'
import type { Copy, Sampled } from './monitor.js'
import type { BulkLoader, BulkOptions, Key, Loader, ReadOptions, WarmManyOptions, WarmOptions, WarmResult } from './public.js'
import type { Reading } from './registry.js'
import { checkGiven, givenFunction, givenMany, givenOptions, givenSignal } from './given.js'
import { sideBySide } from './side-by-side.js'

/** What reading many keys needs of its cache. */
export interface BulkPort {
  readonly gate: Doors
  readonly chain: LoadChain
  readonly canonical: (key: Key) => string
  readonly address: (key: Key) => EntryAddress
  /** Makes what is read see the writes that it must see, if there are any. */
  readonly honour: (ats: readonly EntryAddress[], options: ReadOptions | undefined) => Promise<unknown> | undefined
  /** A memory copy that may be served; an old one is refreshed by the request. */
  readonly fromMemory: (at: EntryAddress, nowMs: number, request: Request | undefined) => Served | undefined
  /** Whether a flight of this key is under way that may be joined. */
  readonly isUnderWay: (at: EntryAddress) => boolean
  readonly begin: () => Reading
  readonly end: (reading: Reading) => void
  readonly readMany: (ats: readonly EntryAddress[], reading: Reading) => Promise<readonly Found[]>
  /** Of what was found for each, kept in memory and served what is fresh, or stale within its window. */
  readonly fromFar: (reading: Reading, ats: readonly EntryAddress[], found: readonly Found[]) => readonly (Served | undefined)[]
  readonly now: () => number
  readonly missed: (at: EntryAddress) => void
  readonly attempt: (request: Request) => Promise<Served>
  readonly refresh: (request: Request) => void
  /** Told what was served from the cache, where somebody looks at that. */
  readonly saw: ((served: readonly (readonly [Sampled, Copy])[]) => void) | undefined
}

/** Keys of one call that are read or written together, unless the call says otherwise. */
const keysOfAChunk = 500
/** Chunks of one call that are under way together. */
const chunksAtOnce = 4
/** Keys that `warm` loads at once, unless it says otherwise. */
const warmAtOnce = 4

const warmOptions = { concurrency: true, signal: true } as const satisfies Record<keyof WarmOptions, true>
const warmManyOptions = { signal: true, chunk: true } as const satisfies Record<keyof WarmManyOptions, true>

/** One distinct key of a call, and what became of it. */
interface Item {
  readonly key: Key
  readonly at: EntryAddress
  served: Served | undefined
  failure: { readonly error: unknown } | undefined
}

/** A call in hand: by what the keys are loaded, and for whom. */
interface Call {
  readonly load: BulkLoader<unknown>
  readonly options: BulkOptions | undefined
  readonly lane: Lane
  readonly signals: FanOut
}

/**
 * Many keys by one call. They are read together, and each that is missing gets a flight of its own, whose loads are gathered into few calls
 * of the bulk loader. So everything that holds for one key holds for each of many, and what is left to do here is to put them in order.
 */
export class Bulk {
  readonly #port: BulkPort

  constructor(port: BulkPort) {
    this.#port = port
  }

  /** What is cached under each key, in the order asked for. */
  async read(keys: readonly Key[], options: ReadOptions | undefined): Promise<readonly (Served | undefined)[]> {
    const ats = Array.from(givenMany('keys', keys), this.#port.address)
    givenSignal(options?.signal)
    const distinct = distinctOf(ats)
    const served = await unlessAborted(this.#read(distinct, options), options?.signal)
    if (distinct === ats) return served
    const byKey = new Map(distinct.map(({ key }, i) => [key, served[i]]))
    return ats.map(({ key }) => byKey.get(key))
  }

  async obtain(keys: readonly Key[], load: BulkLoader<unknown>, options: BulkOptions | undefined): Promise<unknown[]> {
    const { items, order } = this.#itemsOf(keys)
    givenFunction('the loader', load)
    checkGiven(options)
    givenSignal(options?.signal)
    await this.#obtain(items, { load, options, lane: 'callers' })
    if (this.#port.saw !== undefined) this.#port.saw(this.#fromCache(items, load))
    for (const { failure } of order) if (failure !== undefined) throw failure.error
    return order.map(({ served }) => (served?.value === omitted ? undefined : handOut(served?.value)))
  }

  async warmMany(keys: Iterable<Key>, load: BulkLoader<unknown>, options: WarmManyOptions | undefined): Promise<WarmResult> {
    const { items } = this.#itemsOf([...givenMany('keys', keys)])
    givenFunction('the loader', load)
    givenOptions(options, warmManyOptions)
    givenSignal(options?.signal)
    const { signal, chunk } = options ?? {}
    await this.#obtain(items, { load, options: { signal, chunk }, lane: 'warm-ups' })
    const result = { loaded: 0, present: 0, failed: 0 }
    for (const { served, failure } of items) result[outcomeOf(served, failure)]++
    return result
  }

  async warm(keys: Iterable<Key>, load: Loader<unknown>, options: WarmOptions | undefined): Promise<WarmResult> {
    givenOptions(options, warmOptions)
    const { signal, concurrency = warmAtOnce } = options ?? {}
    givenFunction('the loader', load)
    const result = { loaded: 0, present: 0, failed: 0 }
    const signals = new FanOut(signal)
    const one = async (key: Key): Promise<void> => {
      signal?.throwIfAborted()
      const at = this.#port.address(key)
      const leaving = signals.add()
      try {
        const served = await this.#port.attempt({ at, key, load, options: { signal: leaving?.signal }, lane: 'warm-ups' })
        result[outcomeOf(served, undefined)]++
      } catch (error) {
        if (signal?.aborted) throw error
        result.failed++
      } finally {
        signals.remove(leaving)
      }
    }
    try {
      await sideBySide(givenMany('keys', keys), atLeastOne('concurrency', concurrency), one)
    } finally {
      signals.end()
    }
    return result
  }

  /** What was served fresh without a load for this call, and how each would be loaded alone. */
  #fromCache(items: readonly Item[], load: BulkLoader<unknown>): readonly (readonly [Sampled, Copy])[] {
    const each = loaderOfEach({ load, canonical: this.#port.canonical })
    return items.flatMap(({ key, at, served }) =>
      served?.state === 'fresh' && served.tier !== 'origin' ? [[{ key, at, load: each }, served] as const] : [],
    )
  }

  /** Each distinct key once, and all of them in order; throws for one that cannot be a key before anything is asked. */
  #itemsOf(keys: readonly Key[]): { items: readonly Item[]; order: readonly Item[] } {
    const distinct = new Map<string, Item>()
    const order: Item[] = []
    for (const key of givenMany('keys', keys)) {
      const at = this.#port.address(key)
      let item = distinct.get(at.key)
      if (item === undefined) {
        item = { key, at, served: undefined, failure: undefined }
        distinct.set(at.key, item)
      }
      order.push(item)
    }
    return { items: distinct.size === order.length ? order : [...distinct.values()], order }
  }

  async #read(ats: readonly EntryAddress[], options: ReadOptions | undefined): Promise<readonly (Served | undefined)[]> {
    options?.signal?.throwIfAborted()
    await this.#port.honour(ats, options)
    const nowMs = this.#port.now()
    const served = ats.map((at) => this.#port.fromMemory(at, nowMs, undefined))
    const missing: number[] = []
    for (let i = 0; i < served.length; i++) if (served[i] === undefined) missing.push(i)
    await sideBySide(chunksOf(missing, keysOfAChunk), chunksAtOnce, async (places) => {
      const chunk = places.map((i) => ats[i] as EntryAddress)
      const answers = (await this.#readTogether(chunk)).served
      for (let i = 0; i < places.length; i++) {
        if (answers[i] === undefined) this.#port.missed(chunk[i] as EntryAddress)
        else served[places[i] as number] = answers[i]
      }
    })
    return served
  }

  /** Reads what memory has not: what may be served of it, and what was found. */
  async #readTogether(ats: readonly EntryAddress[]): Promise<{ served: readonly (Served | undefined)[]; found: readonly Found[] }> {
    const { begin, end, readMany, fromFar } = this.#port
    const reading = begin()
    try {
      const found = await readMany(ats, reading)
      return { served: fromFar(reading, ats, found), found }
    } finally {
      end(reading)
    }
  }

  async #obtain(items: readonly Item[], what: Omit<Call, 'signals'>): Promise<void> {
    const { options } = what
    options?.signal?.throwIfAborted()
    const signals = new FanOut(options?.signal)
    try {
      // Who leaves while the keys are being read does not wait for that.
      await unlessAborted(this.#obtainAll(items, { ...what, signals }), options?.signal)
    } finally {
      signals.end()
    }
  }

  async #obtainAll(items: readonly Item[], call: Call): Promise<void> {
    const { options } = call
    await this.#port.honour(
      items.map(({ at }) => at),
      options,
    )
    const missing = isAnew(options) ? items : this.#notInMemory(items, call)
    const size = atLeastOne('chunk', options?.chunk ?? keysOfAChunk)
    await sideBySide(chunksOf(missing, size), chunksAtOnce, async (chunk) => {
      const joined = await this.#obtainChunk(chunk, call)
      // Whoever loaded these for others has failed, or has left them out: now they are loaded for us.
      const failed = joined.filter(({ served, failure }) => failure !== undefined || served?.value === omitted)
      if (failed.length > 0) await this.#obtainChunk(failed, call)
    })
  }

  #notInMemory(items: readonly Item[], call: Call): readonly Item[] {
    const refreshes = this.#loadsOf(call)
    const refreshing: Call = { ...call, lane: 'refreshes' }
    const nowMs = this.#port.now()
    return items.filter((item) => {
      const member = refreshes.member(item.key, item.at)
      item.served = this.#port.fromMemory(item.at, nowMs, this.#request(item, member, refreshing))
      return item.served === undefined
    })
  }

  /** Answers the keys for which it has joined a flight of somebody else. */
  async #obtainChunk(chunk: readonly Item[], call: Call): Promise<readonly Item[]> {
    const loads = this.#loadsOf(call)
    const refreshes = this.#loadsOf(call)
    const members = new Map<Item, Member>()
    const work: Promise<void>[] = []
    const load = (item: Item, known: Request['known']): void => {
      const member = loads.member(item.key, item.at)
      members.set(item, member)
      work.push(this.#settle(item, this.#port.attempt(this.#request(item, member, call, known))))
    }
    const anew = isAnew(call.options)
    const known = call.options?.fresh === true ? ({ found: 'miss', previous: undefined } as const) : undefined
    const unknown = anew ? [] : chunk.filter((item) => !this.#port.isUnderWay(item.at))
    for (const item of chunk) if (anew || this.#port.isUnderWay(item.at)) load(item, known)
    if (unknown.length > 0) await this.#readChunk(unknown, load)
    for (const item of unknown) {
      if (item.served?.why !== 'revalidating') continue
      this.#port.refresh(this.#request(item, refreshes.member(item.key, item.at), { ...call, lane: 'refreshes' }))
    }
    await Promise.all(work)
    if (call.options?.signal?.aborted) throw call.options.signal.reason
    return [...members].filter(([, member]) => !member.entered).map(([item]) => item)
  }

  /** `load` is told what was found of each key that cannot be served: the old value, where there is one. */
  async #readChunk(chunk: readonly Item[], load: (item: Item, known: Request['known']) => void): Promise<void> {
    const { served, found } = await this.#readTogether(chunk.map(({ at }) => at))
    for (let i = 0; i < chunk.length; i++) {
      const item = chunk[i] as Item
      const one = found[i] as Found
      item.served = served[i]
      if (item.served !== undefined) continue
      load(item, typeof one === 'string' ? { found: one, previous: undefined } : { found: 'miss', previous: one })
    }
  }

  #settle(item: Item, served: Promise<Served>): Promise<void> {
    item.failure = undefined
    return served.then(
      (value) => {
        item.served = value
      },
      (error: unknown) => {
        item.failure = { error }
      },
    )
  }

  #loadsOf({ load }: Call): BulkLoads {
    const { gate, chain, canonical } = this.#port
    return new BulkLoads({ gate, chain, canonical, load })
  }

  #request({ key, at }: Item, { load, doors }: Member, { options, lane, signals }: Call, known?: Request['known']): Request {
    const own = options?.signal === undefined || lane === 'refreshes' ? options : { ...options, signal: signals.add()?.signal }
    return { at, key, load, options: own, lane, doors, known }
  }
}

/** Whether what is in memory, or being read, does not count. */
function isAnew(options: BulkOptions | undefined): boolean {
  return options?.fresh === true || options?.mustRevalidate === true
}

/** Each key once: mostly the very list. */
function distinctOf(ats: readonly EntryAddress[]): readonly EntryAddress[] {
  const keys = new Set<string>()
  for (const { key } of ats) keys.add(key)
  return keys.size === ats.length ? ats : ats.filter(({ key }) => keys.delete(key))
}

function outcomeOf(served: Served | undefined, failure: unknown): keyof WarmResult {
  if (failure !== undefined || served === undefined || served.value === omitted) return 'failed'
  return served.tier === 'origin' ? 'loaded' : 'present'
}

function* chunksOf<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += size) yield list.slice(from, from + size)
}

function atLeastOne(option: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number
  throw new ForebayError('E_OPTION', `${option} is ${show(value)}; a whole number, at least 1`)
}
