import type { Bytes } from '../core/bytes.js'
import type { Clock, Random } from '../core/clock.js'
import { encodeTags, type Extension } from '../core/envelope.js'
import { ForebayError, isAway } from '../core/errors.js'
import type { Tell } from '../core/events.js'
import {
  type AcquireAnswer,
  type AcquireRequest,
  type CheckAnswer,
  type EntryAddress,
  type ExtendAnswer,
  type FarStore,
  type FillAnswer,
  type FillRequest,
  type HeadsAnswer,
  type LinkError,
  type LeaseRequest,
  mostPatterns,
  type Position,
  type ReplayRequest,
  type Replicas,
  type ShardGroup,
  type StampRequest,
  type SweepRequest,
  type SyncAnswer,
  type SyncRequest,
  type WriteAnswer,
  type WriteRequest,
} from '../core/far-store.js'
import type { NodeStats } from '../core/supervisor/node-state.js'
import { encodeTidings, type Notice, tidingsOf } from '../core/notice.js'
import { Agreement } from './agreement.js'
import { askGroup } from './ask.js'
import { createLayout, type Layout } from './layout.js'
import { KnownVersions } from './known-versions.js'
import { LinkNews } from './link-news.js'
import { onceMore } from './once-more.js'
import { openTopology } from './open-topology.js'
import { PlainReads } from './plain-reads.js'
import type { RedisPlan } from './plan.js'
import {
  acquireAnswerOf,
  bytesOf,
  extendAnswerOf,
  fillAnswerOf,
  listOf,
  noticesOf,
  numberOf,
  positionOf,
  syncAnswerOf,
  writeAnswerOf,
} from './replies.js'
import { runScript } from './script-call.js'
import { bufferOf, filled, ScriptNames, stored, whole } from './script-inputs.js'
import { ShardNodes } from './shard-nodes.js'
import { scan } from './sweep.js'
import type { Topology } from './topology.js'

export interface RedisParts {
  readonly clock: Clock
  readonly random: Random
  readonly tell: Tell
  /** Told once, before `nodeOf` answers for the first time. */
  readonly onShards: (shards: number) => void
  /** A server can be used, or asked, again. */
  readonly onUp: () => void
  /** Told of each `maxmemory-policy` that is met, where memory has a bound. */
  readonly onEvictionPolicy: (policy: string) => void
}

/** The far store on Redis. */
export interface RedisFarStore extends FarStore {
  /** Resolves when the number of shards is agreed on; rejects when this process asks for another one than its service uses. */
  connected(): Promise<void>
}

/** Most tag stamps a shard keeps; the lowest of more than these raises the floor. */
const mostStamps = 8_192
/** Bound of the nonces that a sync brings: more than the log can hold. */
const mostNonces = 8_192

/** A write is tried so often, each time with the versions that it was last told of. */
const mostWriteTries = 5
/** However long its reader has waited already, a look may take so long. */
const leastLookMs = 50

/** Connects to Redis by this plan, at once and for good; every call is answered or rejected within its deadline from the start. */
export function createRedisFarStore(plan: RedisPlan, parts: RedisParts): RedisFarStore {
  return new Store(plan, parts)
}

class Store implements RedisFarStore {
  readonly #clock: Clock
  readonly replicas: Replicas | undefined
  readonly #lookMs: number
  readonly #layout: Layout
  readonly #agreement: Agreement
  readonly #topology: Topology
  readonly #nodes: ShardNodes
  readonly #names: ScriptNames
  readonly #reads: PlainReads
  readonly #versions = new KnownVersions()
  readonly #news: LinkNews
  /** Whether late reads are tried once more. */
  readonly #retries: boolean
  #listener: (shard: number, notice: Notice) => void = () => {}
  #closed = false

  constructor(plan: RedisPlan, parts: RedisParts) {
    const { clock } = parts
    // Then shards lie in slots, so that they share no command and bells ring by slot.
    const slotted = plan.mode === 'cluster'
    const layout = createLayout(plan.service)
    const agreement = new Agreement(plan, layout, parts.onShards)
    const news = new LinkNews({ ...parts, plan })
    const hear = (shard: number, notice: Notice) => this.#listener(shard, notice)
    const topology = openTopology(plan, { ...parts, layout, agreement, news, hear, isClosed: () => this.#closed })
    const nodes = new ShardNodes({ agreement, topology, clock })
    this.#clock = clock
    this.#layout = layout
    this.#agreement = agreement
    this.#news = news
    this.#topology = topology
    this.#nodes = nodes
    this.#names = new ScriptNames(layout, { slotted })
    this.#retries = plan.retryOnTimeout
    this.#lookMs = plan.deadlines.lookMs
    this.#reads = new PlainReads({ layout, agreement, topology, nodes, slotted, retries: plan.retryOnTimeout })
    this.replicas = plan.replicas && { plan: plan.replicas, get: (at) => this.#reads.getAtReplica(at) }
  }

  get shards(): number {
    return this.#agreement.shards
  }

  connected(): Promise<void> {
    return this.#agreement.reached()
  }

  nodeOf(shard: number): string | undefined {
    const node = this.#nodes.of(shard)
    return node === undefined || node.supervisor.isOpen ? undefined : node.commands.node
  }

  nodes(): readonly NodeStats[] {
    const nowMs = this.#clock.now()
    return Array.from(this.#topology.nodes(), ({ supervisor }) => supervisor.stats(nowMs))
  }

  groups(): readonly ShardGroup[] {
    return this.#topology.groups()
  }

  linkErrors(): readonly LinkError[] {
    return this.#news.errors()
  }

  onNotice(listener: (shard: number, notice: Notice) => void): void {
    this.#listener = listener
  }

  async close(): Promise<void> {
    this.#closed = true
    const nodes = [...this.#topology.nodes()]
    this.#topology.close()
    for (const { commands } of nodes) commands.abandon()
  }

  get(at: EntryAddress): Promise<Bytes | undefined> {
    return this.#reads.get(at)
  }

  getMany(ats: readonly EntryAddress[]): Promise<readonly (Bytes | undefined | ForebayError)[]> {
    return this.#reads.getMany(ats)
  }

  async check(at: EntryAddress, { newInc }: { readonly newInc: string }): Promise<CheckAnswer> {
    const { keys, args } = this.#names.ofEntry(at)
    const read = () => this.#nodes.look(at.shard, (link) => runScript(link, 'check', keys, { newInc, ...args }, 'look'))
    const reply = await (this.#retries ? onceMore(read) : read())
    const [nowMs, bytes] = listOf(reply)
    return { nowMs: numberOf(nowMs), bytes: bytesOf(bytes) }
  }

  async acquire(at: EntryAddress, request: AcquireRequest): Promise<AcquireAnswer> {
    const { keys, args } = this.#names.ofEntry(at)
    const { token, newInc, takeover = '' } = request
    const given = {
      newInc,
      token,
      leaseMs: whole(request.leaseMs),
      force: request.force ? 1 : 0,
      takeover,
      soonMs: Math.round(request.soonMs ?? 0),
      ...args,
    }
    return acquireAnswerOf(
      await this.#nodes.look(at.shard, (link) => runScript(link, 'acquire', keys, given, this.#patienceAfter(request.waitedMs))),
    )
  }

  async fill(at: EntryAddress, { token, nonce, inc, seq, value }: FillRequest): Promise<FillAnswer> {
    const { keys, args } = this.#names.ofEntry(at)
    const given = { token, nonce, tidings: filled(at), loadedInc: inc, epoch: seq, ...stored(value), ...args }
    return fillAnswerOf(await this.#nodes.act(at.shard, (link) => runScript(link, 'fill', keys, given)))
  }

  async release(at: EntryAddress, { token, nonce }: LeaseRequest): Promise<void> {
    const { keys, args } = this.#names.ofEntry(at)
    await this.#nodes.act(at.shard, (link) => runScript(link, 'release', keys, { token, nonce, tidings: filled(at), ...args }))
  }

  async renew(at: EntryAddress, { token, leaseMs }: LeaseRequest & { readonly leaseMs: number }): Promise<boolean> {
    const { keys, args } = this.#names.ofEntry(at)
    const reply = await this.#nodes.act(at.shard, (link) => runScript(link, 'renew', keys, { token, leaseMs: whole(leaseMs), ...args }))
    return numberOf(reply) === 1
  }

  async extend(at: EntryAddress, { freshMs, maxAgeMs }: Extension): Promise<ExtendAnswer | undefined> {
    const { keys, args } = this.#names.ofEntry(at)
    const given = { freshMs: Math.round(freshMs), maxAgeMs: Math.round(maxAgeMs), ...args }
    return extendAnswerOf(await this.#nodes.act(at.shard, (link) => runScript(link, 'extend', keys, given)))
  }

  async write(at: EntryAddress, request: WriteRequest): Promise<WriteAnswer> {
    const { nonce, newInc } = request
    const { kind, payload: tidings } = encodeTidings({ kind: request.kind === 'stale' ? 'stale' : 'key', cache: at.cache, key: at.key })
    for (let tries = 0; tries < mostWriteTries; tries++) {
      const { keys, args } = this.#names.inEveryVersion(at, this.#versions)
      const given = { newInc, nonce, kind, tidings, ...args }
      const reply = await this.#nodes.act(at.shard, (link) =>
        request.kind === 'set'
          ? runScript(link, 'set', keys, {
              onlyUnder: request.lease === undefined ? '' : `${request.lease.seq}:${request.lease.token}`,
              leasedInc: request.lease?.inc ?? '',
              ...stored(request.value),
              ...given,
            })
          : runScript(link, 'write', keys, given),
      )
      const answer = writeAnswerOf(reply)
      if (typeof answer !== 'string') return answer
      this.#versions.learn(at, answer)
    }
    throw new ForebayError('E_REDIS_REFUSED', `the versions of ${at.cache} changed ${mostWriteTries} times during one write`)
  }

  async stamp(shard: number, { nonce, newInc, scope, tags, parts }: StampRequest): Promise<Position> {
    const { keys, args } = this.#names.ofShard(shard)
    const { payload: tidings } = encodeTidings(tidingsOf({ scope, tags, parts }))
    const literals = parts === undefined ? '' : JSON.stringify(parts)
    const given = {
      newInc,
      nonce,
      tidings,
      scope,
      tags: bufferOf(encodeTags(tags)),
      parts: literals,
      most: mostStamps,
      mostPatterns,
      ...args,
    }
    return positionOf(listOf(await this.#nodes.act(shard, (link) => runScript(link, 'stamp', keys, given))))
  }

  async sync(shard: number, { newInc, stamps, withLog }: SyncRequest): Promise<SyncAnswer> {
    const { keys, args } = this.#names.ofShard(shard)
    const given = { newInc, most: stamps, withLog: withLog ? 1 : 0, mostNonces, ...args }
    return this.#nodes.act(shard, async (link) => {
      const { node = '' } = link
      return syncAnswerOf(await runScript(link, 'sync', keys, given), node)
    })
  }

  async ask(group: ShardGroup): Promise<HeadsAnswer> {
    const { questions } = this.#nodes.ofGroup(group.id, group.shards[0] ?? 0)
    return askGroup(questions, group, this.#layout, (shard, error) => this.#topology.failed(shard, error))
  }

  async replay(shard: number, { afterSeq, limit }: ReplayRequest): Promise<readonly Notice[]> {
    const range = [this.#layout.shard(shard).log, `${afterSeq + 1}-0`, '+', 'COUNT', limit]
    return noticesOf(await this.#nodes.act(shard, (link) => link.call('act', 'XRANGE', range)))
  }

  async sweep(request: SweepRequest): Promise<number> {
    let deleted = 0
    for (const { id } of this.groups()) {
      try {
        for await (const _ of this.#sweepNode(id, request)) deleted += 1
      } catch (error) {
        if (!isAway(error)) throw error
      }
    }
    return deleted
  }

  /** Yields for each entry that was deleted. */
  async *#sweepNode(id: string, { cache, parts, newInc, pause }: SweepRequest): AsyncGenerator<void> {
    const { form, addressOf } = this.#layout.search(cache, parts)
    const { commands } = this.#nodes.ofGroup(id, 0)
    for await (const names of scan(commands, form, pause)) {
      for (const at of names.map(addressOf)) {
        if (at !== undefined && (await this.check(at, { newInc })).bytes === undefined) yield
      }
    }
  }

  /** One budget for a read and the look that follows it, in few lengths; but a fair chance at least. */
  #patienceAfter(waitedMs = 0): number {
    const leftMs = Math.max(leastLookMs, Math.ceil((this.#lookMs - waitedMs) / leastLookMs) * leastLookMs)
    return Math.min(leftMs, this.#lookMs)
  }
}
