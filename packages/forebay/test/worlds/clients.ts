import type { ReadResult, WriteResult } from '../../src/engine/public.js'
import { doNotStore, type LoadContext } from '../../src/engine/public.js'
import { ForebayError } from '../../src/core/errors.js'
import type { SimClock } from '../../src/testing/sim-clock.js'
import type { SimRandom } from '../../src/testing/sim-random.js'
import type { Checker } from './checker.js'
import type { Fence } from './fences.js'
import type { WorldNode } from './node.js'
import type { Origin, OriginValue } from './origin.js'
import { type CacheModel, type KeyModel, tagNames, type WorldPlan } from './plan.js'

export interface ClientsParts {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly plan: WorldPlan
  readonly origin: Origin
  readonly checker: Checker
  readonly trace: (text: string) => void
  readonly count: (what: string) => void
  readonly complain: (text: string) => void
}

/** A call under way. */
interface Call {
  readonly node: WorldNode
  readonly text: string
  readonly beganMs: number
  readonly stalledMs: number
  readonly limitMs: number
}

class OriginDown extends Error {}
class GivenUp extends Error {}

/** Most tokens remembered, to be shown in other processes. */
const mostTokens = 12

/** The clients of a world's processes: each call is drawn from the world's chance, and each answer goes to the checker. */
export class Clients {
  readonly #parts: ClientsParts
  readonly #calls = new Set<Call>()
  readonly #tokens: Fence[] = []
  /** Keys with one writer that is at work. */
  readonly #busy = new Map<string, WorldNode>()
  /** Once the faults have stopped, loaders are quick and never fail. */
  calm = false

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  /** Calls of living processes that have not been answered. */
  get waiting(): number {
    return [...this.#calls].filter((call) => call.node.process.alive).length
  }

  /** Reports calls that have taken longer than they ever may. */
  checkPatience(): void {
    for (const call of this.#calls) if (call.node.process.alive && !call.node.process.stalled) this.#checkTime(call)
  }

  /** One call at this process, whatever comes up. */
  act(node: WorldNode): void {
    const { random, plan } = this.#parts
    const cache = random.pick(plan.caches)
    const key = random.pick(cache.keys)
    const newest = this.#tokens.at(-1)
    if (plan.features.has('tokens') && newest !== undefined && random.chance(0.1)) this.#show(node, newest)
    else if (random.chance(0.72)) this.read(node, cache, key)
    else if (plan.features.has('tags') && random.chance(0.35)) this.#dropTags(node, cache)
    else if (plan.features.has('clears') && random.chance(0.08)) this.#clear(node, cache)
    else this.#writeKey(node, cache, key)
  }

  // ---- reads ----

  read(node: WorldNode, cache: CacheModel, key: KeyModel): void {
    const { random, plan } = this.#parts
    const drawn = random.unit()
    const abortMs = plan.features.has('aborts') && random.chance(0.05) ? random.between(0, 100) : undefined
    const shown = plan.features.has('tokens') && random.chance(0.15) && this.#tokens.length > 0 ? random.pick(this.#tokens) : undefined
    const fresh = plan.features.has('fresh') && random.chance(0.04)
    if (drawn < 0.1) this.#peek(node, cache, key)
    else if (drawn < 0.2) this.#call(node, cache, { kind: 'read', key: key.key, abortMs, shown })
    else if (drawn < 0.26) this.#call(node, cache, { kind: 'get', key: key.key, abortMs, shown })
    else if (drawn < 0.36) this.#call(node, cache, { kind: 'getOrSet', key: key.key, abortMs, shown, fresh })
    else this.#call(node, cache, { kind: 'fetch', key: key.key, abortMs, shown, fresh })
  }

  /** A read with the token of the last write, of what it covers: as after a redirect to another process. */
  #show(node: WorldNode, shown: Fence): void {
    const { random, plan } = this.#parts
    const covered = plan.caches.flatMap((cache) =>
      cache.keys.filter(({ key }) => shown.covers.has(`${cache.name}/${key}`)).map((key) => ({ cache, key })),
    )
    if (covered.length === 0) return
    const { cache, key } = random.pick(covered)
    this.#call(node, cache, { kind: random.chance(0.5) ? 'fetch' : 'read', key: key.key, shown })
  }

  /** A read that tells most, without options. */
  fetch(node: WorldNode, cache: CacheModel, key: KeyModel): void {
    this.#call(node, cache, { kind: 'fetch', key: key.key })
  }

  #peek(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    node.process.input(() => {
      if (!node.serving) return
      const value = node.cache(cache.name).peek(key)
      this.#parts.trace(`${node.name} peek ${cache.name}/${key} -> ${show(value)}`)
      if (value === undefined) return
      this.#parts.checker.read({ ...this.#unknown(node, cache, key), value, tier: 'memory' })
    })
  }

  #unknown(node: WorldNode, cache: CacheModel, key: string) {
    const beganMs = this.#parts.clock.now()
    const unknown = { tier: undefined, state: undefined, why: undefined, joined: true, shown: undefined, fresh: false }
    return { node: node.name, cache, key: `${cache.name}/${key}`, beganMs, ...unknown }
  }

  #call(node: WorldNode, cache: CacheModel, call: ReadCall): void {
    node.process.input(() => {
      if (!node.serving) return
      void this.#ask(node, cache, call)
    })
  }

  async #ask(node: WorldNode, cache: CacheModel, call: ReadCall): Promise<void> {
    const { trace, count, checker } = this.#parts
    const name = `${cache.name}/${call.key}`
    const asked = { ...this.#unknown(node, cache, call.key), fresh: call.fresh ?? false, shown: call.shown }
    const text = `${node.name} ${call.kind} ${name}${call.fresh ? ' anew' : ''}${call.shown ? ` with the token of #${call.shown.id}` : ''}`
    const under = this.#begin(node, text, loadLimitMs(this.#parts.plan, cache))
    trace(text)
    try {
      const result = await this.#perform(node, cache, call, under)
      trace(
        `${text} (${asked.beganMs.toFixed(1)}) -> ${'state' in result ? result.state : ''} ${'tier' in result ? result.tier : ''} ${'why' in result ? result.why : ''} ${'value' in result ? show(result.value) : ''}`,
      )
      count(`${call.kind} ${result.state} ${'tier' in result ? result.tier : ''} ${'why' in result ? result.why : ''}`.trim())
      if (!('value' in result)) return
      const joined = (node.joinedMs.get(name) ?? -1) >= asked.beganMs
      const told = 'tier' in result ? { tier: result.tier, state: result.state, why: 'why' in result ? result.why : undefined, joined } : {}
      checker.read({ ...asked, ...told, value: result.value })
    } catch (error) {
      trace(`${text} failed: ${error}`)
      if (!expected(error, node)) this.#parts.complain(`${text} failed with ${error}`)
    } finally {
      this.#end(under)
    }
  }

  async #perform(
    node: WorldNode,
    cache: CacheModel,
    call: ReadCall,
    under: Call,
  ): Promise<ReadResult<OriginValue> | { state: 'got'; value: OriginValue }> {
    const at = node.cache(cache.name)
    const signal = call.abortMs === undefined ? undefined : this.#abortAfter(under, call.abortMs)
    const options = { signal, token: call.shown?.token }
    const load = (context: LoadContext) => this.#load(node, cache, call.key, context)
    if (call.kind === 'read') return at.read(call.key, options)
    if (call.kind === 'fetch') return at.fetch(call.key, load, { ...options, fresh: call.fresh })
    if (call.kind === 'getOrSet') return { state: 'got', value: await at.getOrSet(call.key, load, { ...options, fresh: call.fresh }) }
    const value = await at.get(call.key, options)
    return value === undefined ? { state: 'miss' } : { state: 'got', value }
  }

  /** The caller leaves after a while, and must be let go at once. */
  #abortAfter(under: Call, ms: number): AbortSignal {
    const controller = new AbortController()
    under.node.process.after(ms, () => {
      controller.abort(new GivenUp('the caller has left'))
      under.node.process.after(1, () => {
        if (this.#calls.has(under)) this.#parts.complain(`${under.text} was not let go when its caller had left`)
      })
    })
    return controller.signal
  }

  #load(node: WorldNode, cache: CacheModel, key: string, { signal }: LoadContext) {
    const { origin, clock, random, plan, checker, trace } = this.#parts
    const name = `${cache.name}/${key}`
    const load = origin.beginLoad(node.name, name, cache.hardTimeoutMs)
    trace(`${node.name} load ${load.id} of ${name} begins`)
    checker.loadBegan(load)
    const { tookMs, fails, hangs, stores } = this.#drawLoad(plan, cache.hardTimeoutMs)
    clock.after(random.between(0, tookMs), () => {
      load.version = origin.version(name)
    })
    return new Promise<OriginValue | ReturnType<typeof doNotStore<OriginValue>>>((resolve, reject) => {
      const end = (how: () => void) => {
        if (load.endedMs !== undefined || !node.process.alive) return
        load.endedMs = clock.now()
        how()
      }
      const obeys = random.chance(0.5)
      signal.addEventListener('abort', () => end(() => obeys && reject(signal.reason)))
      if (hangs) return
      const answer = () => {
        const value = origin.value(name, load.version ?? origin.version(name), load.id)
        trace(`${node.name} load ${load.id} of ${name} ${fails ? 'fails' : `gives ${show(value)}`}`)
        if (fails) reject(new OriginDown('the origin is down'))
        else resolve(stores ? value : doNotStore(value))
      }
      clock.after(tookMs, () => node.process.input(() => end(answer)))
    })
  }

  #drawLoad(plan: WorldPlan, hardTimeoutMs: number) {
    const { random } = this.#parts
    const slow = plan.faults.has('slow-loaders') && random.chance(0.15)
    const drawn = {
      tookMs: slow ? random.between(100, 0.9 * hardTimeoutMs) : random.between(0, random.pick([3, 20, 60])),
      fails: plan.faults.has('loader-failures') && random.chance(0.15),
      hangs: plan.faults.has('loader-hangs') && random.chance(0.05),
      stores: !(plan.features.has('do-not-store') && random.chance(0.05)),
    }
    return this.calm ? { tookMs: Math.min(drawn.tookMs, 20), fails: false, hangs: false, stores: true } : drawn
  }

  // ---- writes ----

  #writeKey(node: WorldNode, cache: CacheModel, model: KeyModel): void {
    const { random, plan } = this.#parts
    const name = `${cache.name}/${model.key}`
    if (model.setBy !== undefined) {
      if (model.setBy === node.index) this.#writeAlone(node, cache, model)
      return
    }
    const stale = plan.features.has('stale-marks') && random.chance(0.2)
    const kind = stale ? 'stale' : 'key'
    this.#commitThen(node, [name], () => {
      const at = node.cache(cache.name)
      void this.#fence(node, { kind, covers: [name] }, () => (stale ? at.markStale(model.key) : at.invalidate(model.key)))
    })
  }

  /** The writes of a key with one writer come one after the other. */
  #writeAlone(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    const name = `${cache.name}/${key}`
    const writer = this.#busy.get(name)
    if (writer?.process.alive || node.process.stalled) return
    this.#busy.set(name, node)
    const sets = this.#parts.random.chance(0.7)
    this.#commitThen(node, [name], async () => {
      const { origin } = this.#parts
      const at = node.cache(cache.name)
      const version = origin.version(name)
      const value = origin.value(name, version, origin.nameSet(node.name, name, version))
      const write = () => (sets ? at.set(key, value) : at.delete(key))
      await this.#fence(node, { kind: sets ? 'set' : 'key', covers: [name] }, write)
      this.#busy.delete(name)
    })
  }

  #dropTags(node: WorldNode, cache: CacheModel): void {
    const { random, plan } = this.#parts
    const tags = tagNames.filter(() => random.chance(0.6))
    if (tags.length === 0) return
    const wide = random.chance(0.3)
    const models = (wide ? plan.caches : [cache]).flatMap((at) => at.keys.map((key) => ({ name: `${at.name}/${key.key}`, ...key })))
    const covers = models.filter((model) => model.tags.some((tag) => tags.includes(tag as (typeof tagNames)[number])))
    this.#commitThen(node, this.#some(covers), () => {
      const on = wide ? node.engine : node.cache(cache.name)
      void this.#fence(node, { kind: 'tags', covers: covers.map(({ name }) => name) }, () => on.invalidateTags(tags))
    })
  }

  #clear(node: WorldNode, cache: CacheModel): void {
    const wide = this.#parts.random.chance(0.3)
    const caches = wide ? this.#parts.plan.caches : [cache]
    const covers = caches.flatMap((at) => at.keys.map((key) => ({ name: `${at.name}/${key.key}`, ...key })))
    this.#commitThen(node, this.#some(covers), () => {
      const on = wide ? node.engine : node.cache(cache.name)
      void this.#fence(node, { kind: 'clear', covers: covers.map(({ name }) => name) }, () => on.clear())
    })
  }

  /** Keys to commit to before a group's fence; those with one writer are left to him. */
  #some(models: readonly (KeyModel & { readonly name: string })[]): string[] {
    return models.filter((model) => model.setBy === undefined && this.#parts.random.chance(0.6)).map(({ name }) => name)
  }

  /** As applications do: first the origin's commit, then, a little later, the cache. */
  #commitThen(node: WorldNode, names: readonly string[], then: () => void | Promise<void>): void {
    const { origin, random, trace } = this.#parts
    node.process.input(() => {
      if (!node.serving) return
      for (const name of names) trace(`${node.name} commits ${name} v${origin.commit(name)}`)
      node.process.after(random.chance(0.5) ? 0 : random.between(0, 5), () => void then())
    })
  }

  async #fence(
    node: WorldNode,
    given: { readonly kind: Fence['kind']; readonly covers: readonly string[] },
    write: () => Promise<WriteResult>,
  ): Promise<void> {
    if (!node.serving) return
    const { origin, clock, checker, trace, count, plan } = this.#parts
    const covers = new Map(given.covers.map((name) => [name, origin.version(name)]))
    const fence = checker.fences.begin({ node: node.name, kind: given.kind, covers, beganMs: clock.now() })
    const text = `${node.name} ${given.kind} #${fence.id} [${[...covers].map(([name, version]) => `${name} v${version}`).join(', ')}]`
    const under = this.#begin(node, text, writeLimitMs(plan))
    trace(text)
    try {
      const result = await write()
      checker.fenceEnded(fence, result)
      trace(`${text} ${result.state}`)
      count(`${given.kind} ${result.state}`)
      this.#tokens.push(fence)
      if (this.#tokens.length > mostTokens) this.#tokens.shift()
    } catch (error) {
      trace(`${text} failed: ${error}`)
      if (!expected(error, node)) this.#parts.complain(`${text} failed with ${error}`)
    } finally {
      this.#end(under)
    }
  }

  // ---- patience ----

  #begin(node: WorldNode, text: string, limitMs: number): Call {
    const call = { node, text, beganMs: this.#parts.clock.now(), stalledMs: node.stalledMs, limitMs }
    this.#calls.add(call)
    return call
  }

  #end(call: Call): void {
    this.#calls.delete(call)
    this.#checkTime(call)
  }

  #checkTime({ node, text, beganMs, stalledMs, limitMs }: Call): void {
    const tookMs = this.#parts.clock.now() - beganMs - (node.stalledMs - stalledMs)
    if (tookMs > limitMs) this.#parts.complain(`${text} took ${tookMs.toFixed(0)} ms, at most ${limitMs} ms are allowed`)
  }
}

interface ReadCall {
  readonly kind: 'read' | 'get' | 'getOrSet' | 'fetch'
  readonly key: string
  readonly abortMs?: number | undefined
  readonly shown?: Fence | undefined
  readonly fresh?: boolean | undefined
}

/** A write is one act and its deadline. */
function writeLimitMs(plan: WorldPlan): number {
  return 2 * plan.deadlineMs + slackMs
}

/** The wait for three earlier loads of the key (each for a lease that nobody gives back), then a load of its own, with their retries. */
function loadLimitMs(plan: WorldPlan, cache: CacheModel): number {
  return 10 * plan.deadlineMs + 2 * (2 * cache.hardTimeoutMs + leaseMs) + slackMs
}

const leaseMs = 5_000
const slackMs = 500

/** An origin that fails, a caller who leaves, a load that is too slow: these are passed on. */
function expected(error: unknown, node: WorldNode): boolean {
  if (error instanceof OriginDown || error instanceof GivenUp) return true
  if (!(error instanceof ForebayError)) return false
  return error.code === 'E_LOAD_TIMEOUT' || (error.code === 'E_CLOSED' && node.closing)
}

function show(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value)
}
