import type { Clock, Timer } from '../core/clock.js'
import { parseDuration, show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { LinkNews } from './link-news.js'
import type { AskCredentials } from './redis-option.js'

/** How a connection gets in. */
export interface Login {
  readonly username: string | undefined
  readonly password: string
}

interface Known extends Login {
  /** `undefined`: does not end by time. */
  readonly validForMs: number | undefined
  /** Until then it serves new connections too, unless the server refuses it. */
  freshUntilMs: number
  refused: boolean
}

/** An open connection that can log in again. */
export type LogIn = (login: Login) => Promise<unknown>

export interface LoginsParts {
  readonly ask: AskCredentials
  readonly clock: Clock
  readonly news: Pick<LinkNews, 'warn' | 'keepSecret'>
}

/** One answer serves the connections that are made together: a process has several, and after an outage all at once. */
const togetherMs = 1_000
/** Where credentials were refused, or could not be had, they are not asked for again sooner. */
const leastPauseMs = 500
const longestAskMs = 5_000
/** When this share of their time is over, credentials are asked for anew. */
const renewalShare = 0.75
/** If that fails, again after this share of their time, within these bounds. */
const againShare = 0.05
const leastAgainMs = 1_000
const mostAgainMs = 60_000

/**
 * Credentials that are asked for, because they change while the process runs. Each connection begins with the newest: asked for when it is
 * made, and again as soon as the server refuses them. Open connections are left alone, since a server keeps whoever is in; but where
 * credentials end by time, new ones come in time, and open connections log in again with them.
 *
 * Whoever gives them out may fail, or hang: what he gave before is then used on, as long as the server takes it.
 */
export class Logins {
  readonly #parts: LoginsParts
  readonly #open = new Set<LogIn>()
  #known: Known | undefined
  #asking: Promise<Known> | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined

  constructor(parts: LoginsParts) {
    this.#parts = parts
  }

  /** For a connection that is about to be made. */
  async next(): Promise<Login> {
    const known = this.#known
    if (known !== undefined && !known.refused && this.#parts.clock.now() < known.freshUntilMs) return known
    return this.#renewed()
  }

  /** The server does not take this login, or no longer. */
  refused(login: Login | undefined): void {
    if (this.#known !== undefined && login === this.#known) this.#known.refused = true
  }

  /** `begunWith`: where that has been renewed while the connection was made, it logs in again at once: the next renewal may be too late. */
  opened(logIn: LogIn, begunWith?: Login): void {
    this.#open.add(logIn)
    const known = this.#known
    if (begunWith === undefined || known === undefined || begunWith === known || known.validForMs === undefined) return
    this.#logInAgain(logIn, known, known.validForMs)
  }

  closed(logIn: LogIn): void {
    this.#open.delete(logIn)
  }

  #renewed(): Promise<Known> {
    this.#asking ??= this.#renew().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #renew(): Promise<Known> {
    const { clock, news } = this.#parts
    const before = this.#known
    const restMs = this.#askedMs + leastPauseMs - clock.now()
    if ((before === undefined || before.refused) && restMs > 0) await new Promise<void>((resolve) => clock.after(restMs, resolve))
    this.#askedMs = clock.now()
    try {
      const { validForMs, ...login } = loginIn(await this.#answer())
      const freshMs = validForMs === undefined ? togetherMs : validForMs * renewalShare
      const known: Known = { ...login, validForMs, freshUntilMs: this.#askedMs + freshMs, refused: false }
      news.keepSecret(known.password)
      this.#known = known
      if (validForMs !== undefined) this.#renewAfter(freshMs, validForMs)
      const endsMs = validForMs ?? before?.validForMs
      if (endsMs !== undefined) for (const logIn of this.#open) this.#logInAgain(logIn, known, endsMs)
      return known
    } catch (error) {
      const trouble = `the credentials cannot be had: ${error instanceof Error ? error.message : String(error)}`
      if (before === undefined || before.refused) throw new ForebayError('E_REDIS_AWAY', trouble)
      news.warn(`${trouble}; those of before are used on`)
      before.freshUntilMs = clock.now() + togetherMs
      return before
    }
  }

  /** An answer that comes too late is not used: it may be as old as that. */
  #answer(): Promise<unknown> {
    const { ask, clock } = this.#parts
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no answer within ${longestAskMs} ms`))
      const timer = clock.after(longestAskMs, late)
      const asked = async () => ask()
      asked()
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })
  }

  #renewAfter(ms: number, validForMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(ms, () => void this.#renewForOpen(validForMs))
  }

  /** For a process that has no connection nobody asks: the next one to be made asks itself. */
  async #renewForOpen(validForMs: number): Promise<void> {
    const before = this.#known
    if (this.#open.size === 0) return
    const now = await this.#renewed().catch(() => before) // told when a connection needs them
    if (now === before) this.#renewAfter(againMs(validForMs), validForMs)
  }

  #logInAgain(logIn: LogIn, login: Login, validForMs: number): void {
    logIn(login).catch((error: unknown) => {
      this.#renewAfter(againMs(validForMs), validForMs)
      this.#parts.news.warn(`an open connection could not log in again: ${error instanceof Error ? error.message : String(error)}`)
    })
  }
}

function againMs(validForMs: number): number {
  return Math.min(mostAgainMs, Math.max(leastAgainMs, validForMs * againShare))
}

function loginIn(given: unknown): Login & { readonly validForMs: number | undefined } {
  if (typeof given !== 'object' || given === null)
    throw new Error(`${given === null ? 'null' : typeof given} was given; an object { username, password }`)
  const { username, password, validFor } = given as Readonly<Record<string, unknown>>
  if (typeof password !== 'string' || password === '') throw new Error('their password is no text, or empty')
  if (username !== undefined && typeof username !== 'string') throw new Error(`their username is ${show(username)}; a text`)
  return { username, password, validForMs: validFor === undefined ? undefined : parseDuration('validFor', validFor) }
}
