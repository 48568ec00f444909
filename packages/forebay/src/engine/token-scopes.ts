import type { CallContext, OpenContext } from '../core/context.js'
import { decodeToken, encodeToken, mergeTokens, type Token } from '../core/token.js'

/** What the reads inside one `withToken` must see: the token given, and the writes made inside since. */
interface Scope {
  token: Token
}

/** The tokens that follow a request through its calls, so that nobody has to hand them on. */
export class TokenScopes {
  readonly #context: CallContext<Scope>
  readonly #onFirst: () => void
  #used = false

  /** `onFirst`: from now on each read has to look whether it runs in a scope. */
  constructor(openContext: OpenContext, onFirst: () => void) {
    this.#context = openContext()
    this.#onFirst = onFirst
  }

  get used(): boolean {
    return this.#used
  }

  /** Runs work whose reads see the writes that the token tells of, those of the scope around it, and its own. */
  run<R>(text: string | undefined, work: () => R): R {
    const given = text === undefined ? [] : decodeToken(text)
    if (!this.#used) {
      this.#used = true
      this.#onFirst()
    }
    return this.#context.run({ token: mergeTokens([this.current() ?? [], given]) }, work)
  }

  /** What reads of the caller must see; `undefined` outside all scopes. */
  current(): Token | undefined {
    return this.#used ? this.#context.current()?.token : undefined
  }

  /** The caller has written. */
  wrote(token: Token): void {
    const scope = this.#used ? this.#context.current() : undefined
    if (scope !== undefined) scope.token = mergeTokens([scope.token, token])
  }

  /** The token of the caller's scope: what was given, and what was written inside; `undefined` if there is nothing to see. */
  text(): string | undefined {
    const token = this.current()
    return token === undefined || token.length === 0 ? undefined : encodeToken(token)
  }
}
