import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { Supervisor } from '../core/supervisor/supervisor.js'
import type { Caller } from './calls.js'
import type { Link, Patience } from './link.js'
import { ValueSize } from './value-size.js'

interface Reading {
  readonly resolve: (bytes: Bytes | undefined) => void
  readonly reject: (error: ForebayError) => void
  /** Who waits for the same key. */
  readonly other: Reading | undefined
}

/** Keys that are read together, and who waits for each. */
type Batch = Map<string, Reading>

/** So many single reads may be under way before others gather. */
const few = 8
/** Most keys in one command: a longer one would hold up what comes behind it. */
const mostKeys = 64
/** The same where many are read by one call: whoever asks for so many waits for them anyway. */
const mostKeysAtOnce = 128

/**
 * Plain reads of one link. A read that finds few under way is a `GET`, sent at once: server and process then work at the same time. Those
 * that come while more answers are owed wait for these and then go together, as one `MGET`: the more callers there are, the more share a
 * command, a write and an answer. A full batch goes at once. A key that several wait for is read once.
 *
 * Who waits, waits at most as long as the answers ahead of it may take: if one is late, the link does not answer, and all are told.
 */
export class Reader {
  readonly #link: Link
  readonly #clock: Clock
  readonly #supervisor: Supervisor
  /** By lane: keys in different Cluster slots cannot share a command, keys on a single server can. */
  #lanes = new Map<number, Batch>()
  /** Commands under way. */
  #trips = 0
  /** Whether the last answers woke a few callers at most; then nobody is worth waiting for. */
  #fewJoined = true
  #joined = 0
  /** Keys that wait to be sent. */
  #waiting = 0
  #gathering = false
  readonly #sizes = new ValueSize()

  constructor(link: Link, { clock, supervisor }: { readonly clock: Clock; readonly supervisor: Supervisor }) {
    this.#link = link
    this.#clock = clock
    this.#supervisor = supervisor
  }

  get(lane: number, key: string): Promise<Bytes | undefined> {
    if (this.#supervisor.room() <= this.#waiting) return Promise.reject(this.#supervisor.shed(1, this.#clock.now()))
    return new Promise((resolve, reject) => {
      if (this.#trips < few && this.#lanes.size === 0 && !this.#gathering) return this.#readOne(key, { resolve, reject, other: undefined })
      this.#joined += 1
      const batch = this.#batch(lane)
      const other = batch.get(key)
      if (other === undefined) this.#waiting += 1
      batch.set(key, { resolve, reject, other })
      if (batch.size < mostKeys && !this.#sizes.isEnough(batch.size)) return
      this.#lanes.delete(lane)
      this.#waiting -= batch.size
      this.#send(batch)
    })
  }

  /** Reads many by as few commands as their size allows. They wait for nobody, and nobody gathers behind them. */
  async getMany(keys: readonly string[]): Promise<readonly (Bytes | undefined | ForebayError)[]> {
    const room = Math.max(0, this.#supervisor.room() - this.#waiting)
    if (room >= keys.length) return this.#readAll(keys)
    const error = this.#supervisor.shed(keys.length - room, this.#clock.now())
    return [...(await this.#readAll(keys.slice(0, room))), ...keys.slice(room).map(() => error)]
  }

  async #readAll(keys: readonly string[]): Promise<readonly (Bytes | undefined | ForebayError)[]> {
    if (keys.length === 0) return []
    const most = this.#sizes.most(mostKeysAtOnce)
    if (keys.length <= most) return this.#mget(keys)
    const commands: Promise<readonly (Bytes | undefined | ForebayError)[]>[] = []
    this.#link.inOneWrite(() => {
      for (let from = 0; from < keys.length; from += most) commands.push(this.#mget(keys.slice(from, from + most)))
    })
    return (await Promise.all(commands)).flat()
  }

  #mget(keys: readonly string[]): Promise<readonly (Bytes | undefined | ForebayError)[]> {
    return new Promise((resolve) => {
      const caller: Caller = {
        resolve: (answers) => {
          const list = Array.isArray(answers) && answers.length === keys.length ? answers : keys.map(() => undefined)
          resolve(list.map((answer) => (isAnswer(answer) ? (this.#sizes.measured(answer) ?? undefined) : noValue())))
        },
        reject: (error) => resolve(keys.map(() => error)),
      }
      this.#link.read('mget', keys, caller, 'many')
    })
  }

  #batch(lane: number): Batch {
    const open = this.#lanes.get(lane)
    if (open !== undefined) return open
    const batch: Batch = new Map()
    this.#lanes.set(lane, batch)
    return batch
  }

  /** An answer is in. Whoever it wakes asks for the next key in this turn of the event loop, so what waits is sent at the end of it. */
  #arrived(): void {
    this.#trips -= 1
    if (this.#trips > 0 || this.#gathering || (this.#fewJoined && this.#lanes.size === 0)) return
    this.#gathering = true
    this.#clock.afterInput(() => this.#flush())
  }

  #flush(): void {
    this.#gathering = false
    const lanes = this.#lanes
    // A map that is cleared leaves its table behind, and V8 then keeps what was read until it collects all of its memory.
    this.#lanes = new Map()
    this.#waiting = 0
    this.#fewJoined = this.#joined <= few
    this.#joined = 0
    const patience = this.#patience()
    this.#link.inOneWrite(() => {
      for (const batch of lanes.values()) this.#send(batch, patience)
    })
  }

  /** Who has waited for the answer ahead for long does not wait as long again. */
  #patience(): Patience {
    const deadlineMs = this.#link.patienceMs('read')
    return 2 * this.#supervisor.lastTookMs < deadlineMs ? 'read' : Math.round(deadlineMs / 2)
  }

  #send(batch: Batch, patience?: Patience): void {
    if (batch.size > 1) return this.#readMany(batch, patience)
    for (const [key, reading] of batch) this.#readOne(key, reading, patience)
  }

  #readOne(key: string, reading: Reading, patience?: Patience): void {
    this.#trips += 1
    const caller: Caller = {
      resolve: (answer) => {
        this.#arrived()
        this.#settle(reading, answer)
      },
      reject: (error) => {
        reject(reading, error)
        this.#failed(error)
      },
    }
    this.#link.read('get', [key], caller, patience)
  }

  #readMany(batch: Batch, patience?: Patience): void {
    this.#trips += 1
    const caller: Caller = {
      resolve: (answers) => {
        this.#arrived()
        const list = Array.isArray(answers) && answers.length === batch.size ? answers : []
        let at = 0
        for (const reading of batch.values()) this.#settle(reading, list[at++])
      },
      reject: (error) => {
        rejectAll(batch, error)
        this.#failed(error)
      },
    }
    this.#link.read('mget', [...batch.keys()], caller, patience)
  }

  #settle(reading: Reading, answer: unknown): void {
    if (!isAnswer(answer)) return reject(reading, noValue())
    const bytes = this.#sizes.measured(answer) ?? undefined
    for (let one: Reading | undefined = reading; one !== undefined; one = one.other) one.resolve(bytes)
  }

  #failed(error: ForebayError): void {
    if (error.code === 'E_REDIS_DEADLINE') {
      const lanes = this.#lanes
      this.#lanes = new Map()
      this.#waiting = 0
      for (const batch of lanes.values()) rejectAll(batch, error)
    }
    this.#arrived()
  }
}

function reject(reading: Reading, error: ForebayError): void {
  for (let one: Reading | undefined = reading; one !== undefined; one = one.other) one.reject(error)
}

function rejectAll(batch: Batch, error: ForebayError): void {
  for (const reading of batch.values()) reject(reading, error)
}

function noValue(): ForebayError {
  return new ForebayError('E_REDIS_REPLY', 'a read has answered something else than a value')
}

function isAnswer(answer: unknown): answer is Bytes | null {
  return answer === null || Buffer.isBuffer(answer)
}
