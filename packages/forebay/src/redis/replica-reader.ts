import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { Position, ReplicaAnswer } from '../core/far-store.js'
import type { Caller } from './calls.js'
import { failureOf } from './failure.js'
import type { Link } from './link.js'
import { bytesOf, listOf, positionOf } from './replies.js'
import { ValueSize } from './value-size.js'

/** An entry's key, and that of its shard's metadata. */
export interface ReplicaKey {
  readonly key: string
  readonly meta: string
}

interface Reading extends ReplicaKey {
  readonly resolve: (answer: ReplicaAnswer) => void
  readonly reject: (error: ForebayError) => void
}

/** Most reads in one transaction. */
const mostReads = 64
/** One that was late is not asked for so long. */
const restMs = 1_000
const unheeded: Caller = { resolve: () => {}, reject: () => {} }

/**
 * Reads of one link to a replica: entries, each with the place where its shard stands there. All of it in one transaction, for a replica may
 * take over a whole other dataset between two commands, and a position would then vouch for what it does not belong to.
 *
 * As at the primary, reads that come while an answer is owed wait for it and then go together.
 */
export class ReplicaReader {
  readonly #link: Link
  readonly #clock: Clock
  /** By lane: keys in different Cluster slots cannot share a transaction. */
  #lanes = new Map<number, Reading[]>()
  /** Transactions under way. */
  #trips = 0
  #gathering = false
  readonly #sizes = new ValueSize()
  #restsUntilMs = Number.NEGATIVE_INFINITY

  constructor(link: Link, clock: Clock) {
    this.#link = link
    this.#clock = clock
  }

  get link(): Link {
    return this.#link
  }

  /** It has a connection, and was not late just now: whoever asks one that does not answer only waits. */
  get isUsable(): boolean {
    return this.#link.node !== undefined && this.#clock.now() >= this.#restsUntilMs
  }

  get(lane: number, { key, meta }: ReplicaKey): Promise<ReplicaAnswer> {
    return new Promise((resolve, reject) => {
      const reading = { key, meta, resolve, reject }
      if (this.#trips === 0 && !this.#gathering) return this.#send([reading])
      const batch = this.#lanes.get(lane) ?? []
      batch.push(reading)
      const full = batch.length >= mostReads || this.#sizes.isEnough(batch.length)
      if (full) this.#lanes.delete(lane)
      else this.#lanes.set(lane, batch)
      if (full) this.#send(batch)
    })
  }

  #send(batch: readonly Reading[]): void {
    const metas = [...new Set(batch.map(({ meta }) => meta))]
    const keys = batch.map(({ key }) => key)
    this.#trips += 1
    this.#link.inOneWrite(() => {
      this.#link.read('multi', [], unheeded)
      for (const meta of metas) this.#link.read('hmget', [meta, 'inc', 'seq', 'head'], unheeded)
      this.#link.read('mget', keys, unheeded)
      this.#link.read('exec', [], {
        resolve: (answers) => {
          this.#arrived()
          this.#settle(batch, metas, answers)
        },
        reject: (error) => this.#failed(batch, error),
      })
    })
  }

  #settle(batch: readonly Reading[], metas: readonly string[], answers: unknown): void {
    try {
      const [places, values] = this.#partsOf(listOf(answers), metas.length)
      if (values.length !== batch.length) throw new ForebayError('E_REDIS_REPLY', 'a transaction has answered another number of reads')
      const positions = new Map(metas.map((meta, i) => [meta, placeOf(places[i])] as const))
      for (const [i, { meta, resolve }] of batch.entries())
        resolve({ position: positions.get(meta), bytes: this.#sizes.measured(bytesOf(values[i])) })
    } catch (error) {
      for (const { reject } of batch) reject(failureOf(error))
    }
  }

  /** The places, then the values. More than that would belong to a transaction before, which was never ended. */
  #partsOf(answers: readonly unknown[], places: number): readonly [readonly unknown[], readonly unknown[]] {
    if (answers.length !== places + 1) throw new ForebayError('E_REDIS_REPLY', 'a transaction has answered another number of commands')
    return [answers.slice(0, places), listOf(answers[places])]
  }

  /** Whoever waits behind an answer that is late would be late too. */
  #failed(batch: readonly Reading[], error: ForebayError): void {
    const isLate = error.code === 'E_REDIS_DEADLINE'
    const waiting = isLate ? [...this.#lanes.values()].flat() : []
    if (isLate) {
      this.#lanes = new Map()
      this.#restsUntilMs = this.#clock.now() + restMs
    }
    for (const { reject } of [...batch, ...waiting]) reject(error)
    this.#arrived()
  }

  /** Whoever an answer wakes asks for the next key in this turn of the event loop, so what waits is sent at the end of it. */
  #arrived(): void {
    this.#trips -= 1
    if (this.#trips > 0 || this.#gathering) return
    this.#gathering = true
    this.#clock.afterInput(() => {
      this.#gathering = false
      const lanes = this.#lanes
      this.#lanes = new Map()
      for (const batch of lanes.values()) this.#send(batch)
    })
  }
}

/** `undefined`: the shard has no metadata there. */
function placeOf(fields: unknown): Position | undefined {
  const place = listOf(fields)
  return place.includes(null) ? undefined : positionOf(place)
}
