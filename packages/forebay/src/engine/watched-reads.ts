import { handOut } from '../core/kept-value.js'
import type { EntryAddress } from '../core/far-store.js'
import { type CachePlan, isHotOnly } from '../core/plan.js'
import { sameValue } from '../core/same.js'
import { decodeToken, type Token, unsent } from '../core/token.js'
import type { BulkPort } from './bulk.js'
import type { Controls } from './controls.js'
import { type Request, unlessAborted } from './flights.js'
import type { Listener } from './listener.js'
import type { LoadsParts } from './loads.js'
import type { Served } from './served.js'
import type { Monitor } from './monitor.js'
import type { Key, ReadOptions } from './public.js'
import type { ReadPath } from './read-path.js'
import type { TokenScopes } from './token-scopes.js'
import type { Writes } from './writes.js'

export interface WatchedReadsParts extends Pick<LoadsParts, 'shards' | 'tell' | 'track'> {
  readonly path: ReadPath
  readonly controls: Controls
  readonly monitor: Monitor | undefined
  readonly scopes: TokenScopes
  readonly listener: Listener
  readonly writes: Writes
  readonly detached: <T>(work: () => T) => T
}

/** A read with a token that has not been heard asks the shard, and waits this long for the answer. */
const tokenWaitMs = 250

/** What concerns single reads before and after the read path: writes they must see, run-time controls, the monitor. */
export class WatchedReads {
  readonly #plan: CachePlan
  readonly #parts: WatchedReadsParts

  constructor(plan: CachePlan, parts: WatchedReadsParts) {
    this.#plan = plan
    this.#parts = parts
  }

  /** Nothing here concerns a read that has no token of its own: it may take the read path at once. */
  get idle(): boolean {
    const { scopes, monitor, controls } = this.#parts
    return !scopes.used && monitor === undefined && controls.allOn && !isHotOnly(this.#plan)
  }

  async serve(request: Request): Promise<Served> {
    const { at, options } = request
    const { path, monitor, controls } = this.#parts
    const course = controls.courseOf(at.key)
    if (course === 'off') return path.aside(request)
    const token = this.#tokenOf(options)
    if (token !== undefined) await unlessAborted(this.#honour(token, at), options?.signal)
    const found = await path.attempt(request)
    if (found.tier === 'origin') return found
    if (course === 'shadow') return this.#shadow(request, found)
    if (found.state === 'fresh') monitor?.saw(request, found)
    return found
  }

  /** What is cached, without a load. Nothing, where the cache is not to be used. */
  async look(at: EntryAddress, options: ReadOptions | undefined): Promise<Served | undefined> {
    if (options?.signal?.aborted) throw options.signal.reason
    if (this.#parts.controls.courseOf(at.key) !== 'on') return undefined
    const token = this.#tokenOf(options)
    if (token !== undefined) await this.#honour(token, at)
    return this.#parts.path.look(at, options?.mustRevalidate === true)
  }

  /** Whether memory may answer alone: the cache is used, and all that the scope around must see has been heard. */
  mayPeek(at: EntryAddress): boolean {
    const { controls, scopes, shards } = this.#parts
    if (controls.courseOf(at.key) !== 'on') return false
    const { view } = shards.of(at)
    const part = scopes.current()?.find(({ shard }) => shard === view.index)
    return part === undefined || view.heardWrite(part.inc, part.seq, part.nonce) === 'heard'
  }

  /** What reading many keys needs: the read path for the keys that take it; the others are as if nothing were cached. */
  bulkPort(address: (key: Key) => EntryAddress): BulkPort {
    const { path, controls, monitor } = this.#parts
    const isOn = (at: EntryAddress): boolean => controls.allOn || controls.courseOf(at.key) === 'on'
    const port = path.bulkPort()
    return {
      ...port,
      address,
      honour: (ats, options) => {
        const token = this.#tokenOf(options)
        return token && Promise.all(ats.map((at) => this.#honour(token, at)))
      },
      fromMemory: (at, nowMs, request) => (isOn(at) ? port.fromMemory(at, nowMs, request) : undefined),
      isUnderWay: (at) => isOn(at) && port.isUnderWay(at),
      readMany: async (ats, reading) => {
        if (controls.allOn) return port.readMany(ats, reading)
        const on = ats.map(isOn)
        const found = await port.readMany(
          ats.filter((_, i) => on[i]),
          reading,
        )
        const next = found[Symbol.iterator]()
        return on.map((used) => (used ? (next.next().value ?? 'miss') : 'miss'))
      },
      attempt: (request) => (isOn(request.at) ? port.attempt(request) : path.aside(request)),
      saw: monitor && ((served) => monitor.sawMany(served)),
    }
  }

  /** The origin's value, compared with what the cache would have served. A copy that was replaced meanwhile says nothing. */
  async #shadow(request: Request, found: Served): Promise<Served> {
    const { path, controls, tell, track, detached } = this.#parts
    const answer = await path.aside(request)
    const compare = async (): Promise<void> => {
      if (this.#same(found, answer)) return controls.compared('same')
      const copy = await path.copy(request.at)
      if (copy === undefined || !this.#same(copy, found)) return controls.compared('inconclusive')
      controls.compared('different')
      tell({ type: 'shadow-mismatch', cache: this.#plan.name, key: request.at.key })
    }
    track(detached(compare))
    return answer
  }

  #same(a: { readonly value: unknown }, b: { readonly value: unknown }): boolean {
    return sameValue(handOut(a.value), handOut(b.value), this.#plan.codecs)
  }

  /** What a read must see: its own token, or that of the scope it runs in. */
  #tokenOf(options: ReadOptions | undefined): Token | undefined {
    return options?.token === undefined ? this.#parts.scopes.current() : decodeToken(options.token)
  }

  /** Makes a read see the write that a token names. */
  async #honour(token: Token, at: EntryAddress): Promise<void> {
    const { shards, listener, writes } = this.#parts
    const part = token.find((candidate) => candidate.shard === at.shard)
    if (part === undefined) return
    const shard = shards.of(at)
    const heard = () => shard.view.heardWrite(part.inc, part.seq, part.nonce)
    if (heard() === 'heard') return
    if (part.seq !== unsent && !shards.away(at) && (await listener.provenSince(shard, tokenWaitMs)) && heard() !== 'no') {
      return shard.view.confirmWrite(part.seq, part.nonce)
    }
    await writes.key(at, 'key')
  }
}
