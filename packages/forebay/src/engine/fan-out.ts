import { givenSignal } from './given.js'

/** A signal for each of many who leave together: one signal with hundreds of listeners makes Node warn of a leak. */
export class FanOut {
  readonly #signal: AbortSignal | undefined
  readonly #controllers = new Set<AbortController>()
  readonly #abort = (): void => {
    for (const controller of this.#controllers) controller.abort(this.#signal?.reason)
  }

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    givenSignal(signal)?.addEventListener('abort', this.#abort, { once: true })
  }

  /** A controller that aborts with the signal; none where there is no signal. */
  add(): AbortController | undefined {
    if (this.#signal === undefined) return undefined
    const controller = new AbortController()
    if (this.#signal.aborted) controller.abort(this.#signal.reason)
    this.#controllers.add(controller)
    return controller
  }

  remove(controller: AbortController | undefined): void {
    if (controller !== undefined) this.#controllers.delete(controller)
  }

  /** Nobody is there any longer. */
  end(): void {
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#controllers.clear()
  }
}
