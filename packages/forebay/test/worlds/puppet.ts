import type { FarStore } from '../../src/core/far-store.js'

type Act = 'get' | 'check' | 'acquire' | 'fill' | 'write' | 'stamp'

/** Holds a process's calls at a chosen place, so that a trace can be played step by step. */
export class Puppet {
  readonly #held = new Map<Act, { readonly what: 'call' | 'answer'; readonly until: Promise<void> }>()

  /** From now on these calls are not sent, or these answers not heard, until the returned function is called. */
  hold(act: Act, what: 'call' | 'answer'): () => void {
    let release = (): void => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#held.set(act, { what, until })
    return () => {
      this.#held.delete(act)
      release()
    }
  }

  readonly wrap = (far: FarStore): FarStore => ({
    ...far,
    get: (at) => this.#pass('get', () => far.get(at)),
    check: (at, request) => this.#pass('check', () => far.check(at, request)),
    acquire: (at, request) => this.#pass('acquire', () => far.acquire(at, request)),
    fill: (at, request) => this.#pass('fill', () => far.fill(at, request)),
    write: (at, request) => this.#pass('write', () => far.write(at, request)),
    stamp: (shard, request) => this.#pass('stamp', () => far.stamp(shard, request)),
  })

  async #pass<T>(act: Act, call: () => Promise<T>): Promise<T> {
    const held = this.#held.get(act)
    if (held === undefined) return call()
    if (held.what === 'call') {
      await held.until
      return call()
    }
    const outcome = await call().then(
      (answer) => () => answer,
      (error: unknown) => () => {
        throw error
      },
    )
    await held.until
    return outcome()
  }
}
