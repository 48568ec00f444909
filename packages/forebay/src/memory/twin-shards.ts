import { type EntryAddress, type Position, versionScope } from '../core/far-store.js'
import type { Notice, Tidings } from '../core/notice.js'
import type { Provenance, TwinShard } from './twin-shard.js'

/** Hears every notice, after the act that wrote it. */
export type TwinListener = (shard: number, notice: Notice) => void

/** The shards of one server, and their bell: notices are written within an act, and rung when it is over. */
export class TwinShards {
  readonly #shards: TwinShard[]
  readonly #mark: (outcome: string) => void
  readonly #listeners = new Set<TwinListener>()
  #unheard: [shard: number, notice: Notice][] = []

  constructor(shards: readonly TwinShard[], mark: (outcome: string) => void) {
    this.#shards = [...shards]
    this.#mark = mark
  }

  get count(): number {
    return this.#shards.length
  }

  of(shard: number): TwinShard {
    const state = this.#shards[shard]
    if (state === undefined) throw new RangeError(`There is no shard ${shard}.`)
    return state
  }

  copies(mark: (outcome: string) => void): readonly TwinShard[] {
    return this.#shards.map((shard) => shard.clone(mark))
  }

  adopt(shard: number, from: TwinShards): void {
    this.#shards[shard] = from.of(shard).clone(this.#mark)
  }

  /** Tells `listener` every notice from now on; the answer ends it. */
  listen(listener: TwinListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  ring(): void {
    const unheard = this.#unheard
    this.#unheard = []
    for (const [shard, notice] of unheard) for (const listener of this.#listeners) listener(shard, notice)
  }

  announce(shard: number, tidings: Tidings, nonce: string): Position {
    const notice = this.of(shard).announce(tidings, nonce)
    if (notice === undefined) throw new RangeError(`Shard ${shard} has no history to tell this in.`)
    this.#unheard.push([shard, notice])
    return { inc: notice.inc, seq: notice.seq, head: notice.nonce }
  }

  /** Tells those who wait for a lease that it is over; where the shard has been lost, there is nothing to tell it in. */
  announceFilled({ shard, cache, key }: EntryAddress, nonce: string): void {
    const state = this.of(shard)
    state.mendStamps()
    const notice = state.announce({ kind: 'filled', cache, key }, nonce)
    this.#mark(notice ? 'wake:told' : 'wake:no-shard')
    if (notice) this.#unheard.push([shard, notice])
  }

  /** Whether the shard's history lets an entry of this provenance stand. */
  judge(provenance: Provenance, at: EntryAddress): boolean {
    const verdict = this.of(at.shard).judge(provenance, at)
    this.#mark(`valid:${verdict === 'valid' && provenance.tags.length > 0 ? 'valid-tagged' : verdict}`)
    return verdict === 'valid'
  }

  /** The address in its own version, and in the others that the shard knows. */
  inEveryVersion(at: EntryAddress): readonly EntryAddress[] {
    const others = this.of(at.shard)
      .versionsOf(at.cache)
      .filter((version) => version !== at.version)
    return [at, ...others.map((version) => ({ ...at, version }))]
  }

  /** Makes the version known before anything is stored under it; answers the position if another had to be cleared for it. */
  admit({ shard, cache, version }: EntryAddress, nonce: string): Position | undefined {
    const state = this.of(shard)
    const oldest = state.admit(cache, version)
    if (oldest === undefined) return undefined
    this.#mark('version:pushed-out')
    const scope = versionScope(cache, oldest)
    const position = this.announce(shard, { kind: 'clear', scope }, nonce)
    state.stampClear(scope)
    return position
  }
}
