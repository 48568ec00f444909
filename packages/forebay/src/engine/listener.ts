import type { Clock } from '../core/clock.js'
import { isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import type { FarStore, HeadsAnswer, Position, ShardGroup } from '../core/far-store.js'
import type { Notice, Tidings } from '../core/notice.js'
import { firstStamps } from '../core/plan.js'
import type { Ids } from './parts.js'
import type { Registration } from './registry.js'
import type { Shard, Shards } from './shards.js'

/**
 * Hears the log and proves that it has heard all of it.
 *
 * Notices are pushed. Each group of shards is asked at short intervals where its history stands; when the chain as heard reaches that
 * place, the shard is proven as of the moment the question was sent. Where a push was missed, the log is replayed from the last notice
 * heard. Where that does not join up (another incarnation, a trimmed log, a failover that lost notices), the shard's memory is dropped,
 * its stamps are read anew, and what the log should show but does not is sent again.
 */
export interface ListenerParts {
  readonly far: FarStore
  readonly shards: Shards
  readonly clock: Clock
  readonly ids: Ids
  readonly tell: Tell
  readonly effects: Effects
  /** Time between two questions to a group: a quarter of the shortest staleness contract. */
  readonly intervalMs: () => number
}

/** What hearing something does to this process's memory and to what is under way. */
export interface Effects {
  /** `except`: a set under way whose own fence this is. */
  heard(tidings: Tidings, except?: Registration): void
  dropShard(shard: Shard): void
  /** Lost by a failover: to be sent again. */
  resend(shard: Shard, lost: ReadonlyMap<string, Tidings>): void
  /** The group has just answered: its outboxes may be emptied. */
  answered(shard: Shard): void
  tick(): void
}

const replayBatch = 500
/** After a question that failed, the next one is asked this soon: a recovered server is noticed at once. */
const retryMs = 50

/** A group's loop. `poked`: ask again without a pause. */
interface Loop {
  poked: boolean
  wake: () => void
}

interface ProofWaiter {
  readonly shard: Shard
  readonly sinceMs: number
  readonly resolve: (proven: boolean) => void
}

export class Listener {
  readonly #parts: ListenerParts
  readonly #loops = new Map<string, Loop>()
  readonly #waiters = new Set<ProofWaiter>()
  #closed = false

  constructor(parts: ListenerParts) {
    this.#parts = parts
    parts.far.onNotice((index, notice) => this.#pushed(index, notice))
  }

  /** Starts a loop for each group that has none. */
  start(): void {
    for (const group of this.#parts.far.groups()) {
      if (this.#closed || this.#loops.has(group.id)) continue
      const loop: Loop = { poked: false, wake: () => {} }
      this.#loops.set(group.id, loop)
      this.#run(group.id, loop).catch((error: unknown) => this.#parts.tell({ type: 'warning', text: `listener ended: ${String(error)}` }))
    }
  }

  /** Asks again now. */
  poke(): void {
    for (const loop of this.#loops.values()) {
      loop.poked = true
      loop.wake()
    }
  }

  /** Resolves true when a question sent after now has proven this shard; false after `ms`. */
  provenSince(shard: Shard, ms: number): Promise<boolean> {
    return new Promise((settle) => {
      const resolve = (proven: boolean): void => {
        timer.cancel()
        this.#waiters.delete(waiter)
        settle(proven)
      }
      const waiter: ProofWaiter = { shard, sinceMs: this.#parts.clock.now(), resolve }
      const timer = this.#parts.clock.after(ms, () => resolve(false))
      this.#waiters.add(waiter)
      this.poke()
    })
  }

  close(): void {
    this.#closed = true
    this.poke()
    for (const waiter of this.#waiters) waiter.resolve(false)
  }

  #pushed(index: number, notice: Notice): void {
    const shard = this.#parts.shards.at(index)
    if (shard === undefined || this.#closed) return
    const hearing = shard.view.hear(notice, this.#parts.clock.now())
    if (hearing === 'known') return
    // Who is alone hears of his own writes here: between an act and its answer others may have happened.
    if (shard.view.takeOwn(notice.nonce) && !this.#parts.far.alone) return
    // Even out of its turn a notice is true: dropping early is safe. The gap is closed by a replay.
    this.#parts.effects.heard(notice)
    if (hearing === 'gap' && shard.view.inc !== undefined) this.poke()
  }

  async #run(id: string, loop: Loop): Promise<void> {
    while (!this.#closed) {
      const group = this.#parts.far.groups().find((candidate) => candidate.id === id)
      if (group === undefined) break
      loop.poked = false
      const answered = await this.#ask(group)
      this.#tellProven(group)
      this.#parts.effects.tick()
      this.start()
      if (!(answered && this.#stillWaited(group))) await this.#pause(loop, answered ? this.#parts.intervalMs() : retryMs)
    }
    this.#loops.delete(id)
    this.start() // the group's shards are in others now, perhaps all at once
  }

  async #ask(group: ShardGroup): Promise<boolean> {
    const { far, shards, clock } = this.#parts
    const sentMs = clock.now()
    const least = new Map(group.shards.map((index) => [index, shards.at(index)?.view.leastSeq ?? 0]))
    try {
      const answer = await far.ask(group)
      const asked = group.shards.flatMap((index) => shards.at(index) ?? [])
      await Promise.all(asked.map((shard) => this.#reach(shard, answer, sentMs, least.get(shard.view.index) ?? 0)))
      return true
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  /** Brings one shard to the position answered, and marks it proven. */
  async #reach(shard: Shard, answer: HeadsAnswer, sentMs: number, leastSeq: number): Promise<void> {
    const { view } = shard
    if (this.#closed || answer.elsewhere.has(view.index)) return
    const position = answer.positions.get(view.index)
    shard.offsetMs = answer.nowMs - sentMs
    try {
      if (view.inc === undefined) return await this.#startOver(shard, 'start')
      if (position?.inc !== view.inc) return await this.#startOver(shard, 'incarnation')
      if (position.seq < leastSeq || !(await this.#replayTo(shard, position))) return await this.#startOver(shard, 'gap')
      this.#proven(shard, sentMs, answer.node)
    } catch (error) {
      this.#failed(error)
    }
  }

  #proven(shard: Shard, sentMs: number, node: string): void {
    this.#parts.clock.now() // sees a suspension that came between question and answer
    const lost = shard.view.proven(sentMs, node)
    if (lost.size > 0) this.#parts.effects.resend(shard, lost)
    this.#parts.effects.answered(shard)
    for (const waiter of this.#waiters) if (waiter.shard === shard && waiter.sinceMs <= sentMs) waiter.resolve(true)
  }

  /** Replays the log until the chain covers the position; false if it does not join up. */
  async #replayTo(shard: Shard, position: Position): Promise<boolean> {
    const { far, clock, tell, effects } = this.#parts
    while (position.seq > shard.view.seq) {
      const before = shard.view.seq
      const notices = await far.replay(shard.view.index, { afterSeq: before, limit: replayBatch })
      for (const notice of notices) {
        const hearing = shard.view.hear(notice, clock.now())
        if (hearing === 'gap') return false
        // Who is alone has heard it when it was rung.
        if (hearing === 'applied' && !shard.view.takeOwn(notice.nonce) && !far.alone) effects.heard(notice)
      }
      if (shard.view.seq === before) return false
      tell({ type: 'replayed', shard: shard.view.index, notices: shard.view.seq - before })
    }
    return shard.view.covers(position)
  }

  /** Drops the shard's memory and takes its state as it now is. The proof comes with the next question. */
  async #startOver(shard: Shard, why: 'start' | 'incarnation' | 'gap'): Promise<void> {
    const { far, ids, effects, tell } = this.#parts
    const { view } = shard
    view.doubt(this.#parts.clock.now())
    const answer = await far.sync(view.index, { newInc: ids.incarnation(), stamps: firstStamps, withLog: view.hasRecents })
    view.adopt(answer)
    // Alone, what was kept before the first look has been heard of all the same.
    if (!(far.alone && why === 'start')) effects.dropShard(shard)
    tell({ type: 'dropped', shard: view.index, why })
    const lost = view.takeLost(new Set(answer.nonces))
    if (lost.size > 0) effects.resend(shard, lost)
    this.poke()
  }

  #failed(error: unknown): void {
    if (!isAway(error)) this.#parts.tell({ type: 'warning', text: `a question failed: ${String(error)}` })
  }

  /** Tells of shards that have come under proof, or have gone without one for a whole contract. */
  #tellProven(group: ShardGroup): void {
    const { shards, clock, tell, intervalMs } = this.#parts
    for (const index of group.shards) {
      const shard = shards.at(index)
      if (shard === undefined) continue
      const proven = clock.now() - shard.view.provenAtMs < 4 * intervalMs()
      if (proven !== shard.toldProven) tell({ type: 'proven', shard: index, proven })
      shard.toldProven = proven
    }
  }

  /** Whether somebody waits for a proof from this group: it is then asked without a pause. */
  #stillWaited(group: ShardGroup): boolean {
    for (const waiter of this.#waiters) if (group.shards.includes(waiter.shard.view.index)) return true
    return false
  }

  async #pause(loop: Loop, ms: number): Promise<void> {
    if (loop.poked || this.#closed) return
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.after(ms, resolve)
      loop.wake = () => {
        timer.cancel()
        resolve()
      }
    })
    loop.wake = () => {}
  }
}
