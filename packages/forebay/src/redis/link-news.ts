import type { Clock } from '../core/clock.js'
import type { Tell } from '../core/events.js'
import type { LinkError } from '../core/far-store.js'
import type { Address, RedisPlan } from './plan.js'

/** The same trouble is told again after this long. */
const againMs = 60_000
/** Most kinds of trouble told in that time, however many nodes fail in however many ways. */
const mostTold = 32
const mostSecrets = 16

interface Parts {
  readonly clock: Clock
  readonly tell: Tell
  readonly plan: Pick<RedisPlan, 'path' | 'sentinel' | 'credentials'>
}

/**
 * Why links to Redis cannot be used, and what usable ones are refused. A link tries for ever and its callers are served without it, so a wrong password or certificate would
 * otherwise show only in what is missing. Each trouble is told as a warning when it is first met, and again each minute while it lasts.
 */
export class LinkNews {
  readonly #parts: Parts
  readonly #failing = new Map<object, { readonly node: string; error: string; readonly sinceMs: number }>()
  readonly #toldMs = new Map<string, number>()
  readonly #secrets = new Set<string>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  failed(link: object, address: Address | undefined, trouble: string): void {
    const node = this.nameOf(address)
    const error = this.#withoutSecrets(trouble)
    const known = this.#failing.get(link)
    if (known !== undefined) known.error = error
    else this.#failing.set(link, { node, error, sinceMs: this.#parts.clock.now() })
    if (this.#isNew(node, error))
      this.#parts.tell({ type: 'warning', text: `${this.#whatIs(address)} at ${node} cannot be used: ${error}` })
  }

  /** A usable link was answered with an error. */
  refused(address: Address | undefined, words: string): void {
    const node = this.nameOf(address)
    const error = this.#withoutSecrets(words)
    if (this.#isNew(node, error)) this.#parts.tell({ type: 'warning', text: `${this.#whatIs(address)} at ${node} refuses: ${error}` })
  }

  /** Something that is not of one link. */
  warn(words: string): void {
    const text = this.#withoutSecrets(words)
    if (this.#isNew('', text)) this.#parts.tell({ type: 'warning', text: `Redis: ${text}` })
  }

  /** A password that was given later than the plan. The last ones are remembered: what fails now may have begun with an older one. */
  keepSecret(secret: string): void {
    this.#secrets.delete(secret)
    this.#secrets.add(secret)
    for (const oldest of this.#secrets) {
      if (this.#secrets.size <= mostSecrets) return
      this.#secrets.delete(oldest)
    }
  }

  /** The link can be used, or is no longer there. */
  over(link: object): void {
    this.#failing.delete(link)
  }

  /** Each node's trouble now, once however many links to it have it. */
  errors(): readonly LinkError[] {
    const nowMs = this.#parts.clock.now()
    const found = new Map<string, LinkError>()
    for (const { node, error, sinceMs } of this.#failing.values()) {
      const forMs = Math.max(nowMs - sinceMs, found.get(`${node} ${error}`)?.forMs ?? 0)
      found.set(`${node} ${error}`, { node, error, forMs })
    }
    return [...found.values()]
  }

  /** Numbers do not make a trouble another one: some messages tell how soon the next try comes. */
  #isNew(node: string, error: string): boolean {
    const nowMs = this.#parts.clock.now()
    for (const [kind, atMs] of this.#toldMs) if (nowMs - atMs >= againMs) this.#toldMs.delete(kind)
    const kind = `${node} ${error.replaceAll(/\d+/g, '#')}`
    if (this.#toldMs.has(kind) || this.#toldMs.size >= mostTold) return false
    this.#toldMs.set(kind, nowMs)
    return true
  }

  /** A server's name, for people. */
  nameOf(address: Address | undefined): string {
    return address === undefined ? (this.#parts.plan.path ?? 'an unknown place') : `${address.host}:${address.port}`
  }

  #whatIs(address: Address | undefined): string {
    const sentinels = this.#parts.plan.sentinel?.nodes ?? []
    return sentinels.some(({ host, port }) => host === address?.host && port === address.port) ? 'The Sentinel' : 'Redis'
  }

  /** No server sends a password back, but what stands between may. */
  #withoutSecrets(text: string): string {
    const { credentials, sentinel } = this.#parts.plan
    const secrets = [credentials.password, sentinel?.credentials.password, ...this.#secrets]
    return secrets.reduce((shown: string, secret) => (secret ? shown.replaceAll(secret, '***') : shown), text)
  }
}
