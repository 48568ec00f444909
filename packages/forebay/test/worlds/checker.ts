import type { ForebayEvent, StaleReason, Tier } from '../../src/core/events.js'
import { type Envelope, openEnvelope } from '../../src/core/envelope.js'
import type { AcquireRequest, EntryAddress, FillRequest, WriteRequest } from '../../src/core/far-store.js'
import type { TwinServer } from '../../src/memory/twin-server.js'
import { leaseMs, mostLoadsPerKey } from '../../src/core/plan.js'
import type { WriteResult } from '../../src/engine/public.js'
import type { NetworkEvent } from '../../src/testing/sim-network.js'
import { type Fence, Fences } from './fences.js'
import type { LoadRecord, LoadSpan, Origin, OriginValue } from './origin.js'
import { valueIn } from './packing.js'
import type { CacheModel } from './plan.js'

/** One answer to one client. */
export interface ReadRecord {
  readonly node: string
  readonly cache: CacheModel
  /** cache/key */
  readonly key: string
  readonly beganMs: number
  readonly value: OriginValue
  /** `undefined` where the call does not tell. */
  readonly tier: Tier | undefined
  readonly state: 'fresh' | 'stale' | undefined
  readonly why: StaleReason | undefined
  /** It asked the shard itself, past memory. */
  readonly strict: boolean
  /** It may have been given what another caller's read, begun earlier, brought. */
  readonly joined: boolean
  /** The fence whose token was shown. */
  readonly shown: Fence | undefined
  /** A load that begins now was asked for. */
  readonly fresh: boolean
}

export interface Violation {
  readonly promise: 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P7' | 'health'
  readonly text: string
}

export interface CheckerParts {
  readonly now: () => number
  readonly origin: Origin
  readonly report: (violation: Violation) => void
  /** An answer may take this long to come back. */
  readonly travelMs: number
  /** Whether reads may be answered by replicas. */
  readonly lagging: boolean
  /** Whether this process has all its links, to servers that run, and nothing in its outbox. */
  readonly reaches: (node: string) => boolean
}

/** Clocks drift and simulated times are fractions. */
const toleranceMs = 5
/** A process is healthy, and held to one load per key in the fleet, when it has had no trouble for this long. */
const calmMs = 4_000

interface Grant {
  readonly node: string
  /** A load has begun under it. */
  used: boolean
  /** The server has not taken it away, by anything that it did. */
  standing: boolean
}

/**
 * Judges everything that can be seen from outside the engine against the promises, as PROTOCOL words them:
 * the own process and whoever shows a token obey a fence exactly; a key's fence is exact in Redis for everybody; a group's fence binds
 * Redis reads of other processes, and every fence their memory, after `maxStaleness`; where replicas are read, so does a key's. What a failover may have lost is judged once things
 * have settled.
 */
export class Checker {
  readonly fences = new Fences()
  readonly #parts: CheckerParts
  readonly #grants = new Map<string, Grant[]>()
  /** The loads whose lease has been neither used nor taken away by anything that the server did. */
  readonly #leased = new Map<string, LoadRecord>()
  readonly #troubleMs = new Map<string, number>()
  readonly #drops = new Map<string, number>()
  readonly #injected = new Map<string, number>()
  /** When a server took each value, by the load or set that brought it: from then on its store counts its age. */
  readonly #storedMs = new Map<number, number>()
  #demotedMs = Number.NEGATIVE_INFINITY
  #living: ReadonlySet<string> | undefined
  #clocksJump = false

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  // ---- what the world tells ----

  fenceEnded(fence: Fence, result: WriteResult): void {
    fence.endedMs = this.#parts.now()
    fence.token = result.token
    if (result.state === 'acknowledged') fence.effectiveMs = fence.endedMs
  }

  /** Nothing waits in this process's outbox any more: what it had queued has been sent. */
  outboxEmpty(node: string): void {
    for (const fence of this.fences.all) {
      if (fence.node === node && fence.endedMs !== undefined) fence.effectiveMs ??= this.#parts.now()
    }
  }

  /** Another server has become the primary. `lost`: it lacks what was done since. Answers how many acknowledged fences lie in that. */
  failover(lost: { readonly sinceMs: number } | undefined): number {
    this.#demotedMs = this.#parts.now()
    if (lost === undefined) return 0
    this.fences.lost.push({ sinceMs: lost.sinceMs, untilMs: this.#parts.now() })
    return this.fences.all.filter(({ effectiveMs }) => effectiveMs !== undefined && effectiveMs > lost.sinceMs).length
  }

  /** Something that can break a shard's history was done to these shards. */
  historyBroken(shards: readonly number[]): void {
    for (const key of this.#grants.keys()) this.#leaseEnded(key)
    for (const shard of shards) this.#injected.set(String(shard), (this.#injected.get(String(shard)) ?? 0) + 1)
  }

  /** The process could not use Redis as it should, by a fault. */
  trouble(node: string): void {
    this.#troubleMs.set(node, this.#parts.now())
  }

  /**
   * From now on nothing is excused, but what a failover lost and nobody is left to send again, as documented: the faults have stopped and
   * time has passed. Only the writer is sure to have known of its fence.
   */
  settle(living: ReadonlySet<string>): void {
    this.#living = living
  }

  engineEvent(node: string, event: ForebayEvent): void {
    if (event.type === 'dropped' && event.why !== 'start') this.#dropped(node, event.shard)
    if (event.type === 'degraded' || event.type === 'outbox') this.trouble(node)
  }

  network(event: NetworkEvent): void {
    if (event.type === 'link') {
      if (event.what === 'down') this.trouble(event.process)
      return
    }
    if (event.act === 'replica-get') return
    if (event.error !== undefined || event.late) this.trouble(event.process)
    if (event.act === 'acquire' && isKind(event.answer, 'lease'))
      this.#granted(event.process, leaseOf(event.at), event.request as AcquireRequest)
    if (event.act === 'fill' || event.act === 'release') this.#leaseEnded(leaseOf(event.at))
    if (event.act === 'write') this.#leasesEnded(nameOf(event.at))
    if (event.act === 'fill' && isKind(event.answer, 'stored')) this.#stored(nameOf(event.at), event.request as FillRequest)
    if (event.act === 'write') this.#wrote(event.request as WriteRequest)
    if (event.act === 'write' && event.late) this.#wroteLate(nameOf(event.at), event.request as WriteRequest)
    if (event.act === 'get' && event.answer instanceof Uint8Array) this.#got(event.at, event.server.twin, event.answer)
  }

  // ---- P1, P2, P7: what readers see ----

  read(read: ReadRecord): void {
    const { origin } = this.#parts
    const version = origin.newestVersionOf(read.key, read.value)
    for (const fence of this.fences.newerThan(read.key, version, read.value)) {
      const broken = this.#breaks(read, fence)
      if (broken === undefined) continue
      const by = fence.node === read.node ? 'itself' : fence.node
      this.#violated(
        broken,
        `${read.node} served ${read.key} v${version} (${read.tier ?? 'tier unknown'}, ${read.state ?? ''} ${read.why ?? ''}) but v${fence.covers.get(read.key)} was fenced (${fence.kind} #${fence.id}) by ${by}, called ${fence.beganMs.toFixed(1)}, ended ${fence.endedMs?.toFixed(1)}, effective ${fence.effectiveMs?.toFixed(1)}; the read began at ${read.beganMs.toFixed(1)}`,
      )
      return
    }
    this.#checkAge(read)
    if (read.fresh) this.#checkAnew(read)
  }

  /** Which promise an answer older than a fence breaks, if any. */
  #breaks(read: ReadRecord, fence: Fence): Violation['promise'] | undefined {
    if (fence.kind === 'stale' && (read.state !== 'fresh' || this.#clocksJump)) return undefined
    if (!this.#living?.has(fence.node) && this.fences.mayBeLost(fence)) return undefined
    const { now, lagging } = this.#parts
    const before = (ms: number | undefined, allowanceMs: number, atMs: number) => ms !== undefined && ms + allowanceMs < atMs
    if (fence.node === read.node && before(fence.endedMs, 0, read.beganMs)) return 'P1'
    if (read.shown === fence) return 'P7'
    const staleness = read.cache.maxStalenessMs * (1 + maxDrift) + toleranceMs
    if (read.why === 'outage' || (read.state === undefined && read.cache.onOutage === 'serve')) return undefined
    if (read.tier === 'memory') return before(fence.effectiveMs, staleness, now()) ? 'P2' : undefined
    const bound = read.strict || (isKeyFence(fence) && !lagging)
    const exact = read.tier === 'redis' && !read.joined && bound && !this.#lately(this.#demotedMs, staleness)
    return before(fence.effectiveMs, exact ? 0 : staleness, read.beganMs) ? 'P1' : undefined
  }

  /**
   * A fresh answer was younger than its ttl when it was asked for, a stale one younger than its window. Both are counted from when the
   * store took the value, which may be late, but not later than the lease that the load was under.
   */
  #checkAge(read: ReadRecord): void {
    if (read.state === undefined || read.value === null || read.value === undefined || read.why === 'outage') return
    const load = this.#parts.origin.spanOf(read.value.by)
    const { ttlMs, staleMs, errorMs, lives } = read.cache
    const windowMs = { revalidating: staleMs, error: errorMs, slow: Math.max(staleMs, errorMs) }
    const longestMs = lives.endless ? Number.POSITIVE_INFINITY : Math.max(ttlMs, lives.slideMs)
    const oldestMs = longestMs + (read.why === undefined ? 0 : windowMs[read.why]) + this.#parts.travelMs
    if (load?.endedMs === undefined || this.#clocksJump) return
    const ageMs = read.beganMs - Math.max(load.endedMs, this.#storedMs.get(read.value.by) ?? 0)
    if (ageMs <= oldestMs) return
    this.#violated(
      'P1',
      `${read.node} served ${read.key} as ${read.state} ${read.why ?? ''} ${ageMs.toFixed(0)} ms after its load was stored, at most ${oldestMs} ms are allowed`,
    )
  }

  #checkAnew(read: ReadRecord): void {
    if (read.value === null || read.value === undefined || read.state !== 'fresh') return
    const load = this.#parts.origin.spanOf(read.value.by)
    if (load !== undefined && load.startedMs < read.beganMs) {
      this.#violated(
        'P1',
        `${read.node} asked anew for ${read.key} at ${read.beganMs.toFixed(1)} and was given load ${read.value.by}, begun at ${load.startedMs.toFixed(1)}`,
      )
    }
  }

  /** Server clocks are set forward and back here, or differ: nothing can be said about ages, nor about the end of freshness. */
  ignoreAges(): void {
    this.#clocksJump = true
  }

  // ---- P1: what the servers hold ----

  #stored(key: string, request: FillRequest): void {
    const value = valueIn(request.value.codec, request.value.payload)
    this.#checkStored(key, value, 'a fill was stored', () => true)
    const load = this.#took(value)
    const lateMs = load?.endedMs === undefined ? 0 : this.#parts.now() - load.endedMs
    if (lateMs > leaseMs * (1 + maxDrift) + toleranceMs && !this.#clocksJump)
      this.#violated('P1', `load ${value?.by} of ${key} was stored ${lateMs.toFixed(0)} ms after its end, beyond any lease`)
  }

  #took(value: OriginValue): LoadSpan | undefined {
    if (value === null || value === undefined) return undefined
    this.#storedMs.set(value.by, this.#parts.now())
    return this.#parts.origin.spanOf(value.by)
  }

  /** Plain reads show entries that a group's fence voids, and those of other incarnations; only fences of the key itself are exact there. */
  #got(at: EntryAddress, twin: TwinServer, bytes: Uint8Array): void {
    const envelope: Envelope | undefined = openEnvelope(bytes)
    if (envelope === undefined || !twin.writable || twin.ask([at.shard], 0).positions.get(at.shard)?.inc !== envelope.inc) return
    const key = nameOf(at)
    const value = valueIn(envelope.codec, envelope.payload)
    this.#checkStored(key, value, 'a plain read gave', (fence) => isKeyFence(fence) && fence.kind !== 'stale')
  }

  #checkStored(key: string, value: OriginValue, what: string, binds: (fence: Fence) => boolean): void {
    const version = this.#parts.origin.newestVersionOf(key, value)
    for (const fence of this.fences.newerThan(key, version, value)) {
      if (!binds(fence) || this.fences.mayBeLost(fence)) continue
      if (fence.effectiveMs === undefined || fence.effectiveMs >= this.#parts.now()) continue
      this.#violated(
        'P1',
        `${what}: ${key} v${version}, after v${fence.covers.get(key)} was fenced (${fence.kind} #${fence.id}, effective ${fence.effectiveMs.toFixed(1)})`,
      )
      return
    }
  }

  #wrote(request: WriteRequest): void {
    if (request.kind === 'set') this.#took(valueIn(request.value.codec, request.value.payload))
  }

  #wroteLate(key: string, request: WriteRequest): void {
    if (request.kind !== 'set' || request.lease !== undefined) return
    const value = valueIn(request.value.codec, request.value.payload)
    this.fences.lateSets.push({ key, version: this.#parts.origin.newestVersionOf(key, value), atMs: this.#parts.now() })
  }

  // ---- P4: one load ----

  #granted(node: string, key: string, request: AcquireRequest): void {
    const holder = this.#leased.get(key)
    this.#leaseEnded(key)
    if (
      holder !== undefined &&
      holder.endedMs === undefined &&
      !request.force &&
      request.takeover === undefined &&
      this.#healthy(holder.node)
    ) {
      this.#violated(
        'P4',
        `${node} was given the lease of ${key} while ${holder.node} still loads it (load ${holder.id}, begun at ${holder.startedMs.toFixed(1)})`,
      )
    }
    const grants = this.#grants.get(key) ?? []
    this.#grants.set(key, [...grants.filter((grant) => !grant.used).slice(-20), { node, used: false, standing: true }])
  }

  /** An invalidation ends the leases of all versions of its cache. */
  #leasesEnded(key: string): void {
    for (const lease of this.#grants.keys()) if (lease.startsWith(`${key}@`)) this.#leaseEnded(lease)
  }

  #leaseEnded(key: string): void {
    this.#leased.delete(key)
    for (const grant of this.#grants.get(key) ?? []) grant.standing = false
  }

  loadBegan(load: LoadRecord, version: string): void {
    if (load.aside) return
    this.#checkCrowd(load)
    const lease = `${load.key}@${version}`
    const grant = this.#grants.get(lease)?.find((candidate) => candidate.node === load.node && !candidate.used)
    if (grant !== undefined) {
      grant.used = true
      if (grant.standing) this.#leased.set(lease, load)
    } else if (this.#healthy(load.node))
      this.#violated('P4', `${load.node} loads ${load.key} without a lease, though Redis has been reachable for ${calmMs} ms`)
  }

  /** One load that is good, and at most two that an invalidation has overtaken. */
  #checkCrowd(load: LoadRecord): void {
    const running = this.#parts.origin.running(load.node, load.key)
    if (running.length > mostLoadsPerKey) {
      this.#violated('P4', `${load.node} runs ${running.length} loads of ${load.key} at once: ${running.map(({ id }) => id).join(', ')}`)
    }
  }

  #healthy(node: string): boolean {
    return this.#parts.reaches(node) && !this.#lately(this.#troubleMs.get(node) ?? Number.NEGATIVE_INFINITY, calmMs)
  }

  // ---- P3: nothing dropped in vain ----

  #dropped(node: string, shard: number): void {
    const name = `${node}/${shard}`
    const drops = (this.#drops.get(name) ?? 0) + 1
    this.#drops.set(name, drops)
    const broken = this.#injected.get(String(shard)) ?? 0
    if (drops > 2 * broken)
      this.#violated('P3', `${node} dropped shard ${shard} for the ${drops}. time, though its history was broken ${broken} times`)
  }

  // ---- the end ----

  /** Once settled: every queued invalidation of a living process has been sent. */
  finish(living: ReadonlySet<string>): void {
    for (const fence of this.fences.all) {
      if (!living.has(fence.node)) continue
      if (fence.endedMs === undefined)
        this.#violated('health', `${fence.kind} #${fence.id} of ${fence.node}, called at ${fence.beganMs.toFixed(1)}, never resolved`)
      else if (fence.effectiveMs === undefined)
        this.#violated('P5', `${fence.kind} #${fence.id} of ${fence.node}, queued at ${fence.endedMs.toFixed(1)}, was never sent`)
    }
  }

  #lately(ms: number, spanMs: number): boolean {
    return this.#parts.now() - ms < spanMs
  }

  #violated(promise: Violation['promise'], text: string): void {
    this.#parts.report({ promise, text })
  }
}

/** The largest share by which a simulated process's clock runs wrong. */
export const maxDrift = 0.001
function isKeyFence(fence: Fence): boolean {
  return fence.kind === 'key' || fence.kind === 'set' || fence.kind === 'update' || fence.kind === 'stale'
}

function leaseOf(at: { readonly cache: string; readonly key: string; readonly version: string }): string {
  return `${nameOf(at)}@${at.version}`
}

function nameOf(at: { readonly cache: string; readonly key: string }): string {
  return `${at.cache}/${at.key}`
}

function isKind(answer: unknown, kind: string): boolean {
  return typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === kind
}
