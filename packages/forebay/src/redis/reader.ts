import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { Link } from './link.js'

interface Reading {
  readonly resolve: (bytes: Bytes | undefined) => void
  readonly reject: (error: ForebayError) => void
}

/** Keys that are read together, and who waits for each. */
type Batch = Map<string, Reading[]>

/** Most keys in one command: a longer one would hold up what comes behind it. */
const mostKeys = 64

/**
 * Plain reads of one link. A read that finds nothing under way is a `GET`, sent at once. Those that come while an answer is owed wait for
 * it and then go together, as one `MGET`: the more callers there are, the more share a command, a write and an answer, and a single caller
 * never waits. A full batch goes at once. A key that several wait for is read once.
 *
 * Who waits, waits at most as long as the answer ahead of it may take: if that is late, the link does not answer, and all are told.
 */
export class Reader {
  readonly #link: Link
  readonly #clock: Clock
  /** By lane: keys in different Cluster slots cannot share a command, keys on a single server can. */
  readonly #lanes = new Map<number, Batch>()
  /** Commands under way. */
  #trips = 0
  /** Whether the last answers woke one caller at most; then nobody is worth waiting for. */
  #alone = true
  #joined = 0
  #gathering = false

  constructor(link: Link, clock: Clock) {
    this.#link = link
    this.#clock = clock
  }

  get(lane: number, key: string): Promise<Bytes | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#trips === 0 && !this.#gathering) this.#readOne(key, { resolve, reject })
      else this.#join(lane, key, { resolve, reject })
    })
  }

  #join(lane: number, key: string, reading: Reading): void {
    this.#joined += 1
    let batch = this.#lanes.get(lane)
    if (batch === undefined) {
      batch = new Map()
      this.#lanes.set(lane, batch)
    }
    const others = batch.get(key)
    if (others === undefined) batch.set(key, [reading])
    else others.push(reading)
    if (batch.size < mostKeys) return
    this.#lanes.delete(lane)
    this.#send(batch)
  }

  /** An answer is in. Whoever it wakes asks for the next key in this turn of the event loop, so what waits is sent at the end of it. */
  #arrived(): void {
    this.#trips -= 1
    if (this.#trips > 0 || this.#gathering || (this.#alone && this.#lanes.size === 0)) return
    this.#gathering = true
    this.#clock.afterInput(() => this.#flush())
  }

  #flush(): void {
    this.#gathering = false
    const batches = [...this.#lanes.values()]
    this.#lanes.clear()
    this.#alone = this.#joined <= 1
    this.#joined = 0
    this.#link.inOneWrite(() => {
      for (const batch of batches) this.#send(batch)
    })
  }

  #send(batch: Batch): void {
    const [only, ...more] = batch.keys()
    if (only !== undefined && more.length === 0) this.#readOne(only, together([...batch.values()].flat()))
    else this.#readMany(batch)
  }

  #readOne(key: string, { resolve, reject }: Reading): void {
    this.#trips += 1
    this.#link.read('GET', [key], {
      resolve: (answer) => {
        this.#arrived()
        if (isAnswer(answer)) resolve(answer ?? undefined)
        else reject(strange('GET'))
      },
      reject: (error) => this.#failed(error, reject),
    })
  }

  #readMany(batch: Batch): void {
    const readings = [...batch.values()]
    const all = together(readings.flat())
    this.#trips += 1
    this.#link.read('MGET', [...batch.keys()], {
      resolve: (answers) => {
        this.#arrived()
        if (!Array.isArray(answers) || answers.length !== readings.length || !answers.every(isAnswer)) return all.reject(strange('MGET'))
        readings.forEach((sharing, i) => {
          for (const { resolve } of sharing) resolve(answers[i] ?? undefined)
        })
      },
      reject: (error) => this.#failed(error, all.reject),
    })
  }

  #failed(error: ForebayError, reject: Reading['reject']): void {
    reject(error)
    if (error.code === 'E_REDIS_DEADLINE') {
      for (const batch of this.#lanes.values()) together([...batch.values()].flat()).reject(error)
      this.#lanes.clear()
    }
    this.#arrived()
  }
}

function together(readings: readonly Reading[]): Reading {
  return {
    resolve: (bytes) => {
      for (const { resolve } of readings) resolve(bytes)
    },
    reject: (error) => {
      for (const { reject } of readings) reject(error)
    },
  }
}

function isAnswer(answer: unknown): answer is Bytes | null {
  return answer === null || Buffer.isBuffer(answer)
}

function strange(command: string): ForebayError {
  return new ForebayError('E_REDIS_REPLY', `${command} answered something else than values`)
}
