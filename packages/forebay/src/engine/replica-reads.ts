import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { openHeader, timesIn } from '../core/envelope.js'
import { isAway } from '../core/errors.js'
import type { EntryAddress, FarStore, ReplicaAnswer, Replicas } from '../core/far-store.js'
import { RunningQuantile } from '../core/running-quantile.js'
import type { ReplicaStats } from './reports.js'
import type { Shards } from './shards.js'

export interface ReplicaReadsParts {
  readonly far: Pick<FarStore, 'get'>
  readonly replicas: Replicas
  readonly shards: Shards
  readonly clock: Clock
}

/** An answer that counts; `undefined` = whoever was asked has none that does. */
type Answer = { readonly bytes: Bytes | undefined; readonly from: 'primary' | 'replica' } | undefined

/** One of the two that a read may ask; `undefined` = it cannot be asked now. */
type Way = () => Promise<Answer> | undefined

/** Hedges that may be sent at once, whatever the share: a hiccup strikes all that is under way, and a quiet process has earned none before it. */
const mostAtOnce = 100

/**
 * How long the one asked first has, where it is not said. As many answers come later as may be hedged by default. Never so soon that a pause of
 * this process or of the network would be taken for a slow server; and in a slow time, never so late that nothing would be won.
 */
const patience = { share: 0.95, startMs: 20, leastMs: 2, mostMs: 50 }

/**
 * Plain reads that may be answered by a replica.
 *
 * A plain read of the primary may be trusted while its shard is proven: everything that had been written when the proof was asked for has
 * been heard here. What a replica has may be older than that by any time. So its answer brings the shard's position there, taken in the same
 * moment as the entry, and counts only if that lies on the chain as heard here, and not before what had been heard, or acknowledged to this
 * process, when the replica was asked. It then has every fence up to the proof, every own one, and whatever a token has shown.
 *
 * Only an entry that is still fresh counts: that a replica has none says nothing. Whatever does not count, the primary answers.
 */
export class ReplicaReads {
  readonly #parts: ReplicaReadsParts
  readonly #counts = { asked: 0, served: 0, refused: 0, hedged: 0, won: 0 }
  #hedges = mostAtOnce
  /** How long the one asked first takes to answer. */
  readonly #takes = new RunningQuantile(patience)

  constructor(parts: ReplicaReadsParts) {
    this.#parts = parts
  }

  get stats(): ReplicaStats {
    return { ...this.#counts }
  }

  /** A plain read of a shard that is proven by its primary. */
  async read(at: EntryAddress): Promise<Bytes | undefined> {
    const { far, replicas } = this.#parts
    const { reads, budget } = replicas.plan
    this.#hedges = Math.min(mostAtOnce, this.#hedges + budget)
    let trouble: unknown
    const primary: Way = async () => {
      try {
        return { bytes: await far.get(at), from: 'primary' }
      } catch (error) {
        if (!isAway(error)) throw error
        trouble = error
        return undefined
      }
    }
    const replica: Way = () =>
      this.#ask(at)?.then((answer) => (answer?.bytes !== undefined && this.#isFresh(at, answer.bytes) ? answer : undefined))
    const answer = await (reads === 'prefer' ? this.#race(replica, primary) : this.#race(primary, replica))
    if (answer === undefined) throw trouble
    return this.#served(answer)
  }

  /** A plain read while the primary is out of reach; `undefined` = there is no replica to ask. */
  instead(at: EntryAddress): Promise<Bytes | undefined> | undefined {
    return this.#ask(at)?.then((answer) => answer && this.#served(answer))
  }

  /** Asks one; and the other where that one is late and there is a hedge left, or where its answer does not count. The first that counts wins. */
  #race(first: Way, second: Way): Promise<Answer> {
    const { clock, replicas } = this.#parts
    const beganMs = clock.now()
    return new Promise((resolve, reject) => {
      let waitedFor = 0
      let asked: 'one' | 'both' | 'hedge' = 'one'
      const ask = (way: Way): void => expect(way, way() ?? Promise.resolve(undefined))
      const expect = (way: Way, answering: Promise<Answer>): void => {
        waitedFor += 1
        answering.then((answer) => arrive(way, answer), fail)
      }
      const fail = (error: unknown): void => {
        timer.cancel()
        asked = 'both'
        reject(error)
      }
      const arrive = (way: Way, answer: Answer): void => {
        waitedFor -= 1
        timer.cancel()
        if (way === first) this.#takes.record(clock.now() - beganMs)
        if (answer === undefined && asked === 'one') {
          asked = 'both'
          return ask(second)
        }
        if (answer === undefined && waitedFor > 0) return
        if (answer !== undefined && way === second && asked === 'hedge' && waitedFor > 0) this.#counts.won += 1
        asked = 'both'
        resolve(answer)
      }
      const hedge = (): void => {
        if (asked !== 'one' || waitedFor === 0 || this.#hedges < 1) return
        const answering = second()
        if (answering === undefined) return
        this.#hedges -= 1
        this.#counts.hedged += 1
        asked = 'hedge'
        expect(second, answering)
      }
      // Judged once the input that waits has been read: after a stall, timers fire before it.
      const timer = clock.after(replicas.plan.hedgeAfterMs ?? this.#takes.ms, () => clock.afterInput(hedge))
      ask(first)
    })
  }

  /** Nothing where no replica can be asked; an answer without a value where none of it counts. */
  #ask(at: EntryAddress): Promise<Answer> | undefined {
    const { replicas, shards } = this.#parts
    const shard = shards.of(at)
    const { leastSeq, droppedAt } = shard.view
    const counts = ({ position }: ReplicaAnswer): boolean =>
      position !== undefined && shard.view.droppedAt === droppedAt && shard.view.vouchesFor(position, leastSeq)
    const asked = replicas.get(at)
    if (asked === undefined) return undefined
    this.#counts.asked += 1
    return asked.then(
      (answer) => {
        if (counts(answer)) return { bytes: answer.bytes, from: 'replica' }
        this.#counts.refused += 1
        return undefined
      },
      (error: unknown) => {
        if (!isAway(error)) throw error
        return undefined
      },
    )
  }

  #isFresh(at: EntryAddress, bytes: Bytes): boolean {
    const { clock, shards } = this.#parts
    return openHeader(bytes) !== undefined && clock.now() < timesIn(bytes, shards.of(at).offsetMs).freshUntilMs
  }

  #served({ bytes, from }: NonNullable<Answer>): Bytes | undefined {
    if (from === 'replica' && bytes !== undefined) this.#counts.served += 1
    return bytes
  }
}
