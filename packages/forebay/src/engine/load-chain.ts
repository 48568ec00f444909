import type { CallContext, OpenContext } from '../core/context.js'
import { ForebayError } from '../core/errors.js'
import type { EntryAddress } from '../core/far-store.js'

/** A loader that runs, and the one in whose course it was asked for. Once it has ended it holds on to nothing. */
interface Link {
  ats: readonly EntryAddress[]
  outer: Link | undefined
}

/**
 * In the course of which loaders a caller asks. One that is about to wait for a key which one of them loads would wait for itself until the
 * hard timeout; so it is refused. Looked at where somebody is about to wait for a load, and kept up to date where a loader is run: no hit pays.
 *
 * A context that follows a loader through all it awaits costs next to nothing where the engine provides it, and makes every promise of the process
 * dearer where it does not. There, only what a loader asks before its first await is known to be asked by it.
 */
export class LoadChain {
  readonly #context: CallContext<Link>
  #follows: boolean
  #calling: Link | undefined

  constructor(openContext: OpenContext, follows: boolean) {
    this.#context = openContext()
    this.#follows = follows
  }

  /** Contexts are paid for from now on in any case. */
  follow(): void {
    this.#follows = true
  }

  /** Runs what loads these keys. */
  async run<R>(ats: readonly EntryAddress[], load: () => Promise<R>): Promise<R> {
    const link: Link = { ats, outer: this.#innermost() }
    try {
      return await (this.#follows ? this.#context.run(link, load) : this.#call(link, load))
    } finally {
      link.ats = []
      link.outer = undefined
    }
  }

  /** Why the caller must not wait for a load of this key, if he must not. */
  refusal(at: EntryAddress): ForebayError | undefined {
    const by: string[] = []
    for (let link = this.#innermost(); link !== undefined; link = link.outer) {
      if (link.ats.some(({ cache, key }) => key === at.key && cache === at.cache)) return recursive(at.cache, by)
      const [first] = link.ats
      if (first !== undefined) by.unshift(`'${first.cache}'`)
    }
    return undefined
  }

  #innermost(): Link | undefined {
    return this.#follows ? this.#context.current() : this.#calling
  }

  #call<R>(link: Link, load: () => Promise<R>): Promise<R> {
    const before = this.#calling
    this.#calling = link
    try {
      return load()
    } finally {
      this.#calling = before
    }
  }
}

/** Without the key, which may name a customer: the event `load-error` has it, as it is to be shown. */
function recursive(cache: string, by: readonly string[]): ForebayError {
  const way = by.length === 0 ? '' : `, by way of a loader of ${by.join(', then of ')}`
  return new ForebayError('E_LOAD_RECURSIVE', `a loader of cache '${cache}' asks for the key that it loads${way}: it would wait for itself`)
}
