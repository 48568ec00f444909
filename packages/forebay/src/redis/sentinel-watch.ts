import type { Random, Timer } from '../core/clock.js'
import type { OpenClient } from './client.js'
import { Link, type LinkParts } from './link.js'
import type { Address, SentinelPlan } from './plan.js'
import { Pulse } from './pulse.js'
import { isSwitchOf, masterBy, type SentinelWord, wordOf } from './sentinel-words.js'
import { idOf } from './slot-map.js'

export interface SentinelWatchOptions extends LinkParts {
  /** Opens clients of Sentinels. */
  readonly open: OpenClient
  readonly random: Random
  readonly sentinel: SentinelPlan
  /** Whether the primary can be used where it is thought to be. */
  readonly isUsable: () => boolean
  /** The primary is here now. Told once for each change. */
  readonly onMaster: (address: Address) => void
}

const channel = '+switch-master'
/** The Sentinels are asked this often when all is well, and this often while the primary cannot be used. */
const calmMs = 5_000
const uneasyMs = 300
/** Not more often than this, however many calls are refused. An announcement is another matter. */
const leastPauseMs = 100

/**
 * Where the primary is, by the Sentinels that watch it. They announce a failover the moment it is done, and we listen to each of them:
 * waiting until a connection to the old primary breaks takes seconds, and one that is frozen, or was parted from the others, breaks none.
 * An announcement can be lost with its connection, so they are also asked: on each new connection, when the primary's breaks or it
 * refuses to write, and now and then. Either way an announcement only makes us ask; what counts is the latest failover anybody knows of.
 */
export class SentinelWatch {
  readonly #options: SentinelWatchOptions
  readonly #posts: readonly Post[]
  #master: Address | undefined
  #timer: Timer | undefined
  #nextMs = Number.POSITIVE_INFINITY
  #lastMs = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: SentinelWatchOptions) {
    this.#options = options
    const told = { heard: () => this.#judge(), announced: () => this.#ask() }
    this.#posts = options.sentinel.nodes.map((address) => new Post({ ...options, address, ...told }))
    this.#askLater()
  }

  /** Why it is not known where the primary is. */
  get trouble(): string {
    return this.#posts[0]?.trouble ?? ''
  }

  /** Something suggests that the primary is elsewhere. */
  doubt(): void {
    this.#askAt(Math.max(this.#options.clock.now(), this.#lastMs + leastPauseMs * (1 + this.#options.random.unit())))
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    for (const post of this.#posts) post.close()
  }

  #judge(): void {
    if (this.#closed) return
    const words = this.#posts.flatMap(({ word }) => (word === undefined ? [] : [word]))
    const master = masterBy(words, this.#master, this.#options.clock.now())
    if (master === undefined || (this.#master !== undefined && idOf(master) === idOf(this.#master))) return
    this.#master = master
    this.#options.onMaster(master)
  }

  #ask(): void {
    this.#lastMs = this.#options.clock.now()
    for (const post of this.#posts) post.ask()
    this.#askLater()
  }

  #askLater(): void {
    const { clock, random, isUsable } = this.#options
    this.#nextMs = Number.POSITIVE_INFINITY
    this.#askAt(clock.now() + (isUsable() ? calmMs : uneasyMs) * (1 + random.unit() / 2))
  }

  #askAt(atMs: number): void {
    if (this.#closed || atMs >= this.#nextMs) return
    const { clock } = this.#options
    this.#nextMs = atMs
    this.#timer?.cancel()
    this.#timer = clock.after(Math.max(0, atMs - clock.now()), () => this.#ask())
  }
}

interface PostOptions extends LinkParts {
  readonly sentinel: SentinelPlan
  readonly address: Address
  /** The Sentinel has answered. */
  readonly heard: () => void
  /** It has announced a failover. */
  readonly announced: () => void
}

/** Our two connections to one Sentinel: one that listens and, because such a one can do nothing else, one for questions. */
class Post {
  readonly #options: PostOptions
  readonly #questions: Link
  readonly #announcements: Link
  readonly #pulse: Pulse
  #word: SentinelWord | undefined
  #asking = false
  #askAgain = false

  constructor(options: PostOptions) {
    const { clock, open, deadlines, news, address, announced } = options
    const parts = { clock, open, deadlines, news, address }
    this.#options = options
    this.#questions = new Link({ ...parts, greet: (link) => this.#read(link) })
    this.#announcements = new Link({
      ...parts,
      // Whatever was announced before that has not been heard.
      greet: (link) => link.send('act', (redis) => redis.subscribe(channel)).then(announced),
      onMessage: (_, message) => {
        if (isSwitchOf(options.sentinel.name, message.toString())) announced()
      },
    })
    this.#pulse = new Pulse(clock, this.#announcements)
  }

  /** What it said last. */
  get word(): SentinelWord | undefined {
    return this.#word
  }

  get trouble(): string {
    return this.#questions.trouble
  }

  /** Asks once at a time; if it is told to while an answer is owed, which may be old already, once more after it. */
  ask(): void {
    if (this.#questions.node === undefined) return
    if (this.#asking) this.#askAgain = true
    else void this.#askOn()
  }

  close(): void {
    this.#pulse.stop()
    this.#questions.close()
    this.#announcements.close()
  }

  async #askOn(): Promise<void> {
    this.#asking = true
    do {
      this.#askAgain = false
      await this.#read(this.#questions).catch(() => {}) // it is asked again, and the link tells if it is away
    } while (this.#askAgain)
    this.#asking = false
  }

  /** The epoch first: between the two commands it can only become too low, which the next question puts right. */
  async #read(link: Link): Promise<void> {
    const { clock, sentinel, heard } = this.#options
    const [fields, address] = await Promise.all([
      link.send('act', (redis) => redis.call('SENTINEL', 'MASTER', sentinel.name)),
      link.send('act', (redis) => redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', sentinel.name)),
    ])
    this.#word = wordOf(fields, address, clock.now())
    heard()
  }
}
