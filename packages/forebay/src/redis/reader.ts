import type { Bytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { Link } from './link.js'
import { bytesOf, listOf } from './replies.js'

interface Waiter {
  readonly resolve: (bytes: Bytes | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Keys that wait to be read together, and who waits for each. */
type Waiting = Map<string, Waiter[]>

/** While fewer reads than this are under way, a read is sent at once: joining others would only delay it. */
const fewReads = 16
/** Most keys in one command: a longer one would hold up what comes behind it. */
const mostKeys = 64

/**
 * Plain reads of one link. Few are sent as they come, each a `GET`. Where many wait, those that come in one turn of the event loop share
 * an `MGET`, which costs the server and this process a third. A key that several callers ask for in that turn is read once.
 */
export class Reader {
  readonly #link: Link
  readonly #clock: Clock
  /** By lane: keys in different Cluster slots cannot share a command, keys on a single server can. */
  readonly #lanes = new Map<number, Waiting>()
  #underWay = 0
  #flushing = false

  constructor(link: Link, clock: Clock) {
    this.#link = link
    this.#clock = clock
  }

  get(lane: number, key: string): Promise<Bytes | undefined> {
    if (this.#underWay < fewReads && this.#lanes.size === 0) return this.#one(key)
    return new Promise((resolve, reject) => {
      this.#join(lane, key, { resolve, reject })
      if (this.#flushing) return
      this.#flushing = true
      this.#clock.afterInput(() => this.#flush())
    })
  }

  async #one(key: string): Promise<Bytes | undefined> {
    this.#underWay += 1
    try {
      return bytesOf(await this.#link.call('read', 'GET', [key]))
    } finally {
      this.#underWay -= 1
    }
  }

  #join(lane: number, key: string, waiter: Waiter): void {
    let waiting = this.#lanes.get(lane)
    if (waiting === undefined || waiting.size >= mostKeys) {
      if (waiting !== undefined) this.#send(waiting)
      waiting = new Map()
      this.#lanes.set(lane, waiting)
    }
    const waiters = waiting.get(key)
    if (waiters === undefined) waiting.set(key, [waiter])
    else waiters.push(waiter)
  }

  #flush(): void {
    this.#flushing = false
    const lanes = [...this.#lanes.values()]
    this.#lanes.clear()
    for (const waiting of lanes) this.#send(waiting)
  }

  #send(waiting: Waiting): void {
    const keys = [...waiting.keys()]
    const waiters = [...waiting.values()]
    this.#underWay += keys.length
    this.#read(keys).then(
      (answers) => {
        this.#underWay -= keys.length
        waiters.forEach((sharing, i) => {
          for (const waiter of sharing) waiter.resolve(answers[i])
        })
      },
      (error: unknown) => {
        this.#underWay -= keys.length
        for (const sharing of waiters) for (const waiter of sharing) waiter.reject(error)
      },
    )
  }

  async #read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
    const [first = ''] = keys
    if (keys.length === 1) return [bytesOf(await this.#link.call('read', 'GET', [first]))]
    const answers = listOf(await this.#link.call('read', 'MGET', keys)).map(bytesOf)
    if (answers.length !== keys.length) throw new ForebayError('E_REDIS_REPLY', 'MGET answered another number of values')
    return answers
  }
}
