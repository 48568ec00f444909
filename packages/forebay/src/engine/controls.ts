import { type Control, type Course, checkControl, wholeRamp } from '../core/control.js'
import { shardOf } from '../core/key.js'
import type { CacheControl } from './public.js'
import type { ControlStats } from './reports.js'

/** Whether a cache is used, changed while the service runs. A ramp takes the same keys in every process, so that a key is served in one way. */
export class Controls {
  readonly #cache: string
  readonly #locked: boolean
  #mode: Course
  #ramp: number
  #same = 0
  #different = 0
  #inconclusive = 0

  constructor(cache: string, control: Control) {
    this.#cache = cache
    this.#locked = control.locked === true
    this.#mode = control.mode
    this.#ramp = control.ramp
  }

  /** Every read goes by the cache. */
  get allOn(): boolean {
    return this.#mode === 'on' && this.#ramp === wholeRamp
  }

  /** Takes what is given; throws `E_OPTION`, and changes nothing then. Neither does it where the service is disabled. */
  set(control: CacheControl): void {
    const checked = checkControl(`cache '${this.#cache}': `, control)
    if (this.#locked) return
    this.#mode = checked.mode ?? this.#mode
    this.#ramp = checked.ramp ?? this.#ramp
  }

  courseOf(key: string): Course {
    if (this.#mode === 'off' || this.#ramp === wholeRamp) return this.#mode
    return shardOf(`ramp of ${this.#cache}`, key, wholeRamp) < this.#ramp ? this.#mode : 'off'
  }

  /** A value that the cache would have served was compared with the origin's. */
  compared(verdict: 'same' | 'different' | 'inconclusive'): void {
    if (verdict === 'same') this.#same++
    else if (verdict === 'different') this.#different++
    else this.#inconclusive++
  }

  report(): ControlStats {
    const shadow = { same: this.#same, different: this.#different, inconclusive: this.#inconclusive }
    return { mode: this.#mode, ramp: this.#ramp, shadow }
  }
}
