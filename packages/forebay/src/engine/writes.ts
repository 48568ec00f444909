import type { Clock } from '../core/clock.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { EntryAddress, FarStore, GivenLease, StoredValue, WriteAnswer } from '../core/far-store.js'
import { repeatNonce, type Tidings } from '../core/notice.js'
import { encodeToken, mergeTokens, type Token, type TokenPart, unsent } from '../core/token.js'
import type { Effects } from './listener.js'
import type { Outbox, Unsent } from './outbox.js'
import type { OutboxJournal } from './outbox-journal.js'
import type { Ids } from './parts.js'
import type { WriteResult } from './public.js'
import type { Registration } from './registry.js'
import type { Shard, Shards } from './shards.js'

/**
 * The fences. Each write cleans this process's memory and marks what is under way twice: before it is sent, and when it is answered or
 * goes to the outbox; what a read puts between the two may be old. (Without Redis once: in the act, as it is pushed.) A write that cannot be
 * sent, or is not answered, waits in the outbox as an invalidation.
 */
export interface WritesParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
  readonly effects: Pick<Effects, 'heard'>
  /** A write under way: `close()` waits for it. */
  readonly track: (work: Promise<unknown>) => void
  /** Where what waits survives the process; `undefined`: nowhere. */
  readonly journal: OutboxJournal | undefined
  /** Asks the shards again soon: an answer lets the outboxes be emptied. */
  readonly poke: () => void
}

/** A set under way: its value, and its registration, which its own fence does not mark. `lease`: store only while it is held. */
export interface SetInHand {
  readonly value: StoredValue
  readonly registration: Registration
  readonly lease?: GivenLease | undefined
}

/** What became of one write; `stored`: whether its value is now in Redis. */
export interface Written {
  readonly token: Token
  readonly stored: boolean
}

type KeyTidings = Extract<Tidings, { key: string }>
type GroupTidings = Extract<Tidings, { scope: string }>
type Sent = TokenPart & { readonly stored: boolean }

export class Writes {
  readonly #parts: WritesParts
  readonly #draining = new Map<Shard, Promise<void>>()

  constructor(parts: WritesParts) {
    this.#parts = parts
  }

  /** One key's fence. `set`: what to store in its place. */
  async key(at: EntryAddress, kind: 'key' | 'stale', set?: SetInHand): Promise<Written> {
    const nonce = this.#parts.ids.next()
    const shard = this.#parts.shards.of(at)
    const tidings: KeyTidings = { kind, cache: at.cache, key: at.key }
    this.#clean(tidings, set?.registration)
    const { stored, ...part } = await this.#send(shard, nonce, tidings, { version: at.version, set })
    this.#clean(tidings, set?.registration)
    return { token: [part], stored }
  }

  /** A group's fence: every shard, acknowledged when the last one has answered. */
  async group(tidings: GroupTidings): Promise<Written> {
    const nonce = this.#parts.ids.next()
    // No tags concern no entry; in a stamp, no tags mean all entries.
    const shards = tidings.kind === 'tags' && tidings.tags.length === 0 ? [] : this.#parts.shards.all
    this.#clean(tidings)
    const sent = await Promise.all(shards.map((shard) => this.#send(shard, nonce, tidings)))
    this.#clean(tidings)
    return { token: sent.map(({ stored: _, ...part }) => part), stored: false }
  }

  /** Who is alone hears of his acts while they happen: before, nothing is old yet, and after that, others may have happened. */
  #clean(tidings: Tidings, except?: Registration): void {
    if (!this.#parts.far.alone) this.#parts.effects.heard(tidings, except)
  }

  /** Keeps an invalidation, to be sent when the shard can be reached. */
  queue(shard: Shard, nonce: string, tidings: Tidings): void {
    this.#queue(shard, { nonce, tidings }, (outbox) => outbox.add(nonce, tidings))
  }

  /** Keeps an invalidation that a failover has lost, to be sent again. */
  queueLost(shard: Shard, nonce: string, tidings: Tidings): void {
    this.#queue(shard, { nonce, tidings }, (outbox) => outbox.addLost(nonce, tidings))
  }

  /** Keeps what a process before this one could not send. */
  queueLeft({ nonce, tidings }: Unsent): void {
    for (const shard of this.#parts.shards.concernedBy(tidings)) this.queue(shard, nonce, tidings)
  }

  #queue(shard: Shard, { nonce, tidings }: Unsent, put: (outbox: Outbox) => boolean): void {
    let coarsened = false
    this.#parts.journal?.keep(nonce, tidings)
    for (const target of this.#parts.shards.whereNow(shard, tidings)) coarsened = put(target.outbox) || coarsened
    this.#parts.tell({ type: 'outbox', waiting: this.#parts.shards.unsent(), coarsened })
    this.#parts.poke()
  }

  /** Empties the outbox of a shard that has just answered. One attempt at a time. */
  drain(shard: Shard): Promise<void> {
    if (shard.outbox.size === 0) return Promise.resolve()
    const running = this.#draining.get(shard) ?? this.#drain(shard).finally(() => this.#draining.delete(shard))
    this.#draining.set(shard, running)
    return running
  }

  async #drain(shard: Shard): Promise<void> {
    for (let next = shard.outbox.first(); next !== undefined; next = shard.outbox.first()) {
      if (!(await this.#sendAgain(shard, next))) return
    }
    this.#parts.journal?.sent()
    this.#parts.tell({ type: 'outbox', waiting: this.#parts.shards.unsent(), coarsened: false })
  }

  async #sendAgain(shard: Shard, item: Unsent): Promise<boolean> {
    try {
      const nonce = repeatNonce(item.nonce, this.#parts.ids.next())
      const position = await this.#execute(shard, nonce, item.tidings, unversioned)
      shard.view.acknowledged(position, item.tidings, this.#parts.clock.now())
      this.#parts.effects.heard(item.tidings)
      shard.outbox.sent(item)
      return true
    } catch (error) {
      if (!isAway(error)) throw error
      return false
    }
  }

  #send(shard: Shard, nonce: string, tidings: Tidings, entry: Entry = unversioned): Promise<Sent> {
    const sending = this.#attempt(shard, nonce, tidings, entry)
    this.#parts.track(sending)
    return sending
  }

  async #attempt(shard: Shard, nonce: string, tidings: Tidings, entry: Entry): Promise<Sent> {
    const { shards, clock } = this.#parts
    const index = shard.view.index
    if (shards.reachable(shard)) {
      shard.view.sending(nonce)
      try {
        const position = await this.#execute(shard, nonce, tidings, entry)
        shard.view.acknowledged(position, tidings, clock.now())
        return { shard: index, nonce, inc: position.inc, seq: position.seq, stored: position.stored }
      } catch (error) {
        shard.view.unanswered(nonce)
        if (!isAway(error)) throw error
      }
    }
    this.queue(shard, nonce, tidings)
    return { shard: index, nonce, inc: '', seq: unsent, stored: false }
  }

  async #execute(shard: Shard, nonce: string, tidings: Tidings, entry: Entry): Promise<WriteAnswer> {
    const { far, ids } = this.#parts
    const newInc = ids.incarnation()
    const index = shard.view.index
    if ('scope' in tidings) {
      const stamped = { tags: tidings.kind === 'tags' ? tidings.tags : [], parts: tidings.kind === 'pattern' ? tidings.parts : undefined }
      return { ...(await far.stamp(index, { nonce, newInc, scope: tidings.scope, ...stamped })), stored: false }
    }
    const at = { shard: index, cache: tidings.cache, version: entry.version, key: tidings.key }
    const { set } = entry
    if (set !== undefined) return far.write(at, { kind: 'set', nonce, newInc, value: set.value, lease: set.lease })
    return far.write(at, { kind: tidings.kind === 'stale' ? 'stale' : 'invalidate', nonce, newInc })
  }
}

/** Whose entry a key's write is about: the version of its cache here, and what to store. */
interface Entry {
  readonly version: string
  readonly set?: SetInHand | undefined
}

const unversioned: Entry = { version: '' }

/** What a caller is told of his writes. */
export function resultOf(...tokens: readonly Token[]): WriteResult {
  const token = tokens.length === 1 && tokens[0] !== undefined ? tokens[0] : mergeTokens(tokens)
  return { state: token.some((part) => part.seq === unsent) ? 'queued' : 'acknowledged', token: encodeToken(token) }
}
