import type { Bytes } from '../core/bytes.js'
import type { Clock, Random } from '../core/clock.js'
import { encodeTags, type Extension, sealEnvelope } from '../core/envelope.js'
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
  type StoredValue,
  type SweepRequest,
  type SyncAnswer,
  type SyncRequest,
  type WriteAnswer,
  type WriteRequest,
} from '../core/far-store.js'
import type { NodeStats } from '../core/supervisor/node-state.js'
import { Supervisor } from '../core/supervisor/supervisor.js'
import { encodeTidings, type Notice, tidingsOf } from '../core/notice.js'
import { Agreement } from './agreement.js'
import { askGroup } from './ask.js'
import { clientOpener } from './client.js'
import { ClusterTopology } from './cluster.js'
import { evictionWarning } from './eviction-warning.js'
import { createLayout, type Layout } from './layout.js'
import { KnownVersions } from './known-versions.js'
import type { Link } from './link.js'
import { LinkNews } from './link-news.js'
import { onceMore } from './once-more.js'
import { PlainReads } from './plain-reads.js'
import type { Address, RedisPlan } from './plan.js'
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
import { SingleTopology } from './single.js'
import { scan } from './sweep.js'
import type { RedisNode, Topology } from './topology.js'

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
  readonly #reads: PlainReads
  readonly #versions = new KnownVersions()
  readonly #news: LinkNews
  /** Whether late reads are tried once more. */
  readonly #retries: boolean
  /** Whether shards lie in slots, so that they share no command and bells ring by slot. */
  readonly #slotted: boolean
  #listener: (shard: number, notice: Notice) => void = () => {}
  #closed = false

  constructor(plan: RedisPlan, { clock, random, tell, onShards, onUp, onEvictionPolicy }: RedisParts) {
    this.#layout = createLayout(plan.service)
    this.#agreement = new Agreement(plan, this.#layout, onShards)
    this.#slotted = plan.mode === 'cluster'
    this.#retries = plan.retryOnTimeout
    this.replicas = plan.replicas && { plan: plan.replicas, get: (at) => this.#reads.getAtReplica(at) }
    this.#news = new LinkNews({ clock, tell, plan })
    this.#clock = clock
    const openerParts = { random, clock, news: this.#news }
    const open = clientOpener(plan, openerParts)
    this.#lookMs = plan.deadlines.lookMs
    const topologyParts = {
      clock,
      random,
      open,
      openReplica: plan.path === undefined ? open : clientOpener({ ...plan, path: undefined }, openerParts),
      deadlines: plan.deadlines,
      news: this.#news,
      onUp,
      supervise: (address: Address | undefined) =>
        new Supervisor({
          node: this.#news.nameOf(address),
          plan: plan.supervision,
          random,
          nowMs: clock.now(),
          onChange: (change) => {
            if (this.#closed) return // that connections end then is no news
            tell({ type: 'redis-state', ...change })
            if (change.state === 'probing' || change.before === 'connecting') onUp()
          },
        }),
      plan,
      layout: this.#layout,
      agreement: this.#agreement,
      hear: (shard: number, notice: Notice) => this.#listener(shard, notice),
      greet: evictionWarning(tell, onEvictionPolicy),
    }
    this.#topology = this.#slotted ? new ClusterTopology(topologyParts) : new SingleTopology(topologyParts)
    this.#reads = new PlainReads({
      layout: this.#layout,
      agreement: this.#agreement,
      topology: this.#topology,
      slotted: this.#slotted,
      retries: this.#retries,
      nodeFor: (shard) => this.#nodeFor(shard),
      away: (shard) => this.#away(shard),
    })
  }

  get shards(): number {
    return this.#agreement.shards
  }

  connected(): Promise<void> {
    return this.#agreement.reached()
  }

  nodeOf(shard: number): string | undefined {
    const node = this.#nodeFor(shard)
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
    const { keys, args } = this.#names(at)
    const read = () => this.#look(at.shard, (link) => runScript(link, 'check', keys, { ...args, newInc }, 'look'))
    const reply = await (this.#retries ? onceMore(read) : read())
    const [nowMs, bytes] = listOf(reply)
    return { nowMs: numberOf(nowMs), bytes: bytesOf(bytes) }
  }

  async acquire(at: EntryAddress, request: AcquireRequest): Promise<AcquireAnswer> {
    const { keys, args } = this.#names(at)
    const { token, newInc, takeover = '' } = request
    const given = {
      ...args,
      newInc,
      token,
      leaseMs: whole(request.leaseMs),
      force: request.force ? 1 : 0,
      takeover,
      soonMs: Math.round(request.soonMs ?? 0),
    }
    return acquireAnswerOf(
      await this.#look(at.shard, (link) => runScript(link, 'acquire', keys, given, this.#patienceAfter(request.waitedMs))),
    )
  }

  async fill(at: EntryAddress, { token, nonce, inc, seq, value }: FillRequest): Promise<FillAnswer> {
    const { keys, args } = this.#names(at)
    const given = { ...args, token, nonce, tidings: filled(at), loadedInc: inc, epoch: seq, ...stored(value) }
    return fillAnswerOf(await this.#act(at.shard, (link) => runScript(link, 'fill', keys, given)))
  }

  async release(at: EntryAddress, { token, nonce }: LeaseRequest): Promise<void> {
    const { keys, args } = this.#names(at)
    await this.#act(at.shard, (link) => runScript(link, 'release', keys, { ...args, token, nonce, tidings: filled(at) }))
  }

  async renew(at: EntryAddress, { token, leaseMs }: LeaseRequest & { readonly leaseMs: number }): Promise<boolean> {
    const { keys, args } = this.#names(at)
    const reply = await this.#act(at.shard, (link) => runScript(link, 'renew', keys, { ...args, token, leaseMs: whole(leaseMs) }))
    return numberOf(reply) === 1
  }

  async extend(at: EntryAddress, { freshMs, maxAgeMs }: Extension): Promise<ExtendAnswer | undefined> {
    const { keys, args } = this.#names(at)
    const given = { ...args, freshMs: Math.round(freshMs), maxAgeMs: Math.round(maxAgeMs) }
    return extendAnswerOf(await this.#act(at.shard, (link) => runScript(link, 'extend', keys, given)))
  }

  async write(at: EntryAddress, request: WriteRequest): Promise<WriteAnswer> {
    const { nonce, newInc } = request
    const { kind, payload: tidings } = encodeTidings({ kind: request.kind === 'stale' ? 'stale' : 'key', cache: at.cache, key: at.key })
    for (let tries = 0; tries < mostWriteTries; tries++) {
      const { keys, args } = this.#versionedNames(at)
      const given = { ...args, newInc, nonce, kind, tidings }
      const reply = await this.#act(at.shard, (link) =>
        request.kind === 'set'
          ? runScript(link, 'set', keys, {
              ...given,
              ...stored(request.value),
              onlyUnder: request.lease === undefined ? '' : `${request.lease.seq}:${request.lease.token}`,
              leasedInc: request.lease?.inc ?? '',
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
    const { keys, args } = this.#shard(shard)
    const { payload: tidings } = encodeTidings(tidingsOf({ scope, tags, parts }))
    const literals = parts === undefined ? '' : JSON.stringify(parts)
    const given = {
      ...args,
      newInc,
      nonce,
      tidings,
      scope,
      tags: bufferOf(encodeTags(tags)),
      parts: literals,
      most: mostStamps,
      mostPatterns,
    }
    return positionOf(listOf(await this.#act(shard, (link) => runScript(link, 'stamp', keys, given))))
  }

  async sync(shard: number, { newInc, stamps, withLog }: SyncRequest): Promise<SyncAnswer> {
    const { keys, args } = this.#shard(shard)
    const given = { ...args, newInc, most: stamps, withLog: withLog ? 1 : 0, mostNonces }
    return this.#act(shard, async (link) => {
      const { node = '' } = link
      return syncAnswerOf(await runScript(link, 'sync', keys, given), node)
    })
  }

  async ask(group: ShardGroup): Promise<HeadsAnswer> {
    const { questions } = this.#usable(this.#topology.nodeOfGroup(group.id), group.shards[0] ?? 0)
    return askGroup(questions, group, this.#layout, (shard, error) => this.#topology.failed(shard, error))
  }

  async replay(shard: number, { afterSeq, limit }: ReplayRequest): Promise<readonly Notice[]> {
    const range = [this.#layout.shard(shard).log, `${afterSeq + 1}-0`, '+', 'COUNT', limit]
    return noticesOf(await this.#act(shard, (link) => link.call('act', 'XRANGE', range)))
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
    const { commands } = this.#usable(this.#topology.nodeOfGroup(id), 0)
    for await (const names of scan(commands, form, pause)) {
      for (const at of names.map(addressOf)) {
        if (at !== undefined && (await this.check(at, { newInc })).bytes === undefined) yield
      }
    }
  }

  /** What every script takes: the shard's keys, and how its bell is rung. */
  #shard(shard: number) {
    const { meta, stamps, log, bell } = this.#layout.shard(shard)
    return { keys: { meta, stamps, log }, args: { ring: this.#slotted ? 'SPUBLISH' : 'PUBLISH', bell } }
  }

  #names(at: EntryAddress) {
    const { keys, args } = this.#shard(at.shard)
    const names = this.#layout.shard(at.shard)
    return {
      keys: { ...keys, key: names.entry(at), lease: names.lease(at) },
      args: { ...args, cache: at.cache, version: at.version, canonical: at.key },
    }
  }

  /** The names for a write, which reaches the key in all versions. */
  #versionedNames(at: EntryAddress) {
    const { keys, args } = this.#names(at)
    const { entry, lease } = this.#layout.shard(at.shard)
    const others = this.#versions.othersOf(at).flatMap((other) => [entry(other), lease(other)])
    return { keys: { ...keys, others }, args: { ...args, known: this.#versions.listFor(at) } }
  }

  /** One budget for a read and the look that follows it, in few lengths; but a fair chance at least. */
  #patienceAfter(waitedMs = 0): number {
    const leftMs = Math.max(leastLookMs, Math.ceil((this.#lookMs - waitedMs) / leastLookMs) * leastLookMs)
    return Math.min(leftMs, this.#lookMs)
  }

  /** An act that a reader waits for. */
  async #look<T>(shard: number, act: (link: Link) => Promise<T>): Promise<T> {
    const { supervisor } = this.#usable(this.#topology.nodeFor(shard), shard)
    if (supervisor.room() <= 0) throw supervisor.shed(1, this.#clock.now())
    return this.#act(shard, act)
  }

  async #act<T>(shard: number, act: (link: Link) => Promise<T>): Promise<T> {
    const { commands } = this.#usable(this.#topology.nodeFor(shard), shard)
    try {
      return await act(commands)
    } catch (error) {
      this.#topology.failed(shard, error)
      throw error
    }
  }

  /** Nothing before the number of shards is agreed on. */
  #nodeFor(shard: number): RedisNode | undefined {
    return this.#agreement.settled ? this.#topology.nodeFor(shard) : undefined
  }

  #usable(node: RedisNode | undefined, shard: number): RedisNode {
    if (node === undefined || !this.#agreement.settled) throw this.#away(shard)
    return node
  }

  #away(shard: number): ForebayError {
    return this.#agreement.problem ?? new ForebayError('E_REDIS_AWAY', this.#topology.trouble(shard))
  }
}

function filled(at: EntryAddress): string {
  return encodeTidings({ kind: 'filled', cache: at.cache, key: at.key }).payload
}

/** A value as the scripts take it: the script puts times, incarnation and epoch into the blank places of the header. */
function stored({ payload, codec, tags, freshMs, staleMs, errorMs, keepMs, extendMs, costMs, version }: StoredValue) {
  const blank = { createdMs: 0, freshUntilMs: 0, staleUntilMs: 0, errorUntilMs: 0, inc: '', epoch: 0 }
  const envelope = bufferOf(sealEnvelope({ ...blank, codec, tags, payload, version, extendMs, costMs: Math.round(costMs) }))
  return { envelope, freshMs: whole(freshMs), staleMs: Math.round(staleMs), errorMs: Math.round(errorMs), keepMs: Math.round(keepMs) }
}

/** Redis takes whole milliseconds, at least one. */
function whole(ms: number): number {
  return Math.max(1, Math.round(ms))
}

/** The same bytes as the client wants them; nothing is copied. */
function bufferOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
