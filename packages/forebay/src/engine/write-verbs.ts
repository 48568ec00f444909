import type { EventOf } from '../core/events.js'
import { endlessMs } from '../core/envelope.js'
import type { EntryAddress } from '../core/far-store.js'
import { checkTags } from '../core/key.js'
import type { Tidings } from '../core/notice.js'
import { type Pattern, partsOf } from '../core/pattern.js'
import type { CachePlan } from '../core/plan.js'
import type { Token } from '../core/token.js'
import { givenFunction, givenMany, givenPair } from './given.js'
import { isKept } from './lifetimes.js'
import type { LoadsParts } from './loads.js'
import type { Near } from './near.js'
import type { EngineParts } from './parts.js'
import type { Placing } from './placing.js'
import type { Commit, InvalidateOptions, Key, SetOptions, WriteResult } from './public.js'
import { mayKeep, type Registry } from './registry.js'
import type { Repeats } from './repeats.js'
import { heldFrom, storable } from './storable.js'
import type { TokenScopes } from './token-scopes.js'
import type { Updates } from './updates.js'
import { resultOf, type Writes, type Written } from './writes.js'

export interface WriteVerbsParts
  extends Pick<LoadsParts, 'far' | 'shards' | 'clock' | 'random' | 'ids' | 'tell' | 'track'>,
    Pick<EngineParts, 'detached'> {
  readonly near: Near
  readonly registry: Registry
  readonly placing: Placing
  readonly writes: Writes
  readonly updates: Updates
  readonly repeats: Repeats
  readonly scopes: TokenScopes
  /** The address of a key; throws for what cannot be one, and once the cache is closed. */
  readonly address: (key: Key) => EntryAddress
  readonly assertOpen: () => void
}

/** The walk through Redis after a pattern rests this long between its batches. */
const sweepPauseMs = 5
/** Keys of one call that are under way together. */
const mostAtOnce = 500

type Wrote = EventOf<'write'>['what']

/** A value to be stored under a key, and the options that say how, the foremost first. */
interface NewValue {
  readonly key: Key
  readonly value: unknown
  readonly options: readonly (SetOptions | undefined)[]
}

/** The verbs of one cache that write: each is a fence, and tells what became of it. */
export class WriteVerbs {
  readonly #plan: CachePlan
  readonly #parts: WriteVerbsParts

  constructor(plan: CachePlan, parts: WriteVerbsParts) {
    this.#plan = plan
    this.#parts = parts
  }

  async set(key: Key, value: unknown, options?: SetOptions): Promise<WriteResult> {
    const beganMs = this.#parts.clock.now()
    return this.#wrote('set', beganMs, await this.#store(this.#parts.address(key), { key, value, options: [options] }))
  }

  async setMany(
    entries: Iterable<readonly [key: Key, value: unknown, options?: SetOptions | undefined]>,
    options?: SetOptions,
  ): Promise<WriteResult> {
    const sets = Array.from(givenMany('the entries', entries), (entry) => {
      const [key, value, own] = givenPair('an entry', entry)
      return { at: this.#parts.address(key), set: { key, value, options: [own, options] } }
    })
    const beganMs = this.#parts.clock.now()
    const tokens: Token[] = []
    const refused: unknown[] = []
    for (let from = 0; from < sets.length; from += mostAtOnce) {
      const stores = sets.slice(from, from + mostAtOnce).map(({ at, set }) => this.#store(at, set))
      for (const stored of await Promise.allSettled(stores)) {
        if (stored.status === 'fulfilled') tokens.push(stored.value)
        else refused.push(stored.reason)
      }
    }
    const result = this.#wrote('set', beganMs, ...tokens)
    if (refused.length > 0) throw refused[0]
    return result
  }

  async #store(at: EntryAddress, { key, value, options }: NewValue): Promise<Token> {
    const { shards, clock, writes } = this.#parts
    if (!isKept(this.#plan, value, options, clock.wall())) return (await writes.key(at, 'key')).token
    const found = storable(this.#plan, { key, value, costMs: 0 }, options, this.#parts)
    const registration = this.#parts.registry.begin(at.key, shards.of(at).view, clock.now())
    try {
      const packed = this.#parts.placing.pack(at, registration.shard, found)
      const value = packed instanceof Promise ? await packed : packed
      // Overtaken by another write while it was compressed, it is an invalidation: the later one must not be undone.
      const set = mayKeep(registration, value.tags) ? { value, registration } : undefined
      const { token, stored } = await writes.key(at, 'key', set)
      if (stored && value.onStored === undefined) this.#parts.near.keepStored(registration, heldFrom(found, registration.startedMs))
      return token
    } finally {
      this.#parts.registry.end(registration)
    }
  }

  async invalidate(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    const at = this.#parts.address(key)
    return this.#fence('invalidate', options, async () => [await this.#parts.writes.key(at, 'key')])
  }

  async markStale(key: Key, options?: InvalidateOptions): Promise<WriteResult> {
    const at = this.#parts.address(key)
    return this.#fence('stale', options, async () => [await this.#parts.writes.key(at, 'stale')])
  }

  async invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult> {
    this.#parts.assertOpen()
    return this.#group('tags', { kind: 'tags', scope: this.#plan.name, tags: checkTags(tags) }, options)
  }

  async clear(options?: InvalidateOptions): Promise<WriteResult> {
    this.#parts.assertOpen()
    const result = await this.#group('clear', { kind: 'clear', scope: this.#plan.name }, options)
    this.cleared()
    return result
  }

  /** Nothing in the cache is valid any more. What would not leave Redis by itself is freed behind. */
  cleared(): void {
    if (this.#plan.ttlMs === endlessMs) this.#sweep([])
  }

  /** Stamped at once in every shard; what it frees in Redis is walked to behind. */
  async invalidatePattern(given: Pattern, options?: InvalidateOptions): Promise<WriteResult> {
    this.#parts.assertOpen()
    const parts = partsOf(given)
    const result = await this.#group('pattern', { kind: 'pattern', scope: this.#plan.name, parts }, options)
    this.#sweep(parts)
    return result
  }

  /** A few hundred at a time, so that one call does not fill the link. */
  async deleteMany(keys: readonly Key[], options?: InvalidateOptions): Promise<WriteResult> {
    const addresses = Array.from(givenMany('keys', keys), (key) => this.#parts.address(key))
    return this.#fence('invalidate', options, async () => {
      const written: Written[] = []
      for (let from = 0; from < addresses.length; from += mostAtOnce) {
        const some = addresses.slice(from, from + mostAtOnce)
        written.push(...(await Promise.all(some.map((at) => this.#parts.writes.key(at, 'key')))))
      }
      return written
    })
  }

  update(key: Key, commit: Commit<unknown>, options?: SetOptions): Promise<WriteResult> {
    try {
      givenFunction('commit', commit)
      const beganMs = this.#parts.clock.now()
      return this.#parts.updates.run(this.#parts.address(key), key, commit, options).then((token) => this.#wrote('update', beganMs, token))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #sweep(parts: readonly string[]): void {
    const { far, ids, clock, track, detached } = this.#parts
    const pause = (): Promise<void> => new Promise((resolve) => clock.after(sweepPauseMs, resolve))
    track(detached(() => far.sweep({ cache: this.#plan.name, parts, newInc: ids.incarnation(), pause })))
  }

  #group(what: Wrote, tidings: Extract<Tidings, { scope: string }>, options: InvalidateOptions | undefined): Promise<WriteResult> {
    return this.#fence(what, options, async () => [await this.#parts.writes.group(tidings)])
  }

  /** An invalidation, made once more where that is asked for. */
  #fence(what: Wrote, options: InvalidateOptions | undefined, write: () => Promise<Written[]>): Promise<WriteResult> {
    return this.#parts.repeats.run(options, async () => {
      const beganMs = this.#parts.clock.now()
      return this.#wrote(what, beganMs, ...(await write()).map(({ token }) => token))
    })
  }

  #wrote(what: Wrote, beganMs: number, ...tokens: readonly Token[]): WriteResult {
    const { tell, scopes, clock } = this.#parts
    const result = resultOf(...tokens)
    for (const token of tokens) scopes.wrote(token)
    tell({ type: 'write', cache: this.#plan.name, what, state: result.state, ms: clock.now() - beganMs })
    return result
  }
}
