import type { Clock, Timer } from '../core/clock.js'
import type { Link } from './link.js'

/** Nothing tells a subscriber that its connection is dead but a question that is not answered. */
const pingEveryMs = 1_000

/** Asks a link that only listens, again and again, whether anybody is there. One that is away comes back by itself; a silent one is severed. */
export class Pulse {
  readonly #clock: Clock
  readonly #link: Link
  #timer: Timer

  constructor(clock: Clock, link: Link) {
    this.#clock = clock
    this.#link = link
    this.#timer = this.#beat()
  }

  stop(): void {
    this.#timer.cancel()
  }

  #beat(): Timer {
    return this.#clock.after(pingEveryMs, () => {
      this.#timer = this.#beat()
      this.#link.call('act', 'ping', []).catch(() => {}) // told by the link
    })
  }
}
