import type { LoadContext, ReadResult } from '../../src/engine/public.js'
import { type Call, type Calls, type ClientsParts, GivenUp, loadLimitMs, show } from './calls.js'
import type { Fence } from './fences.js'
import type { Loaders } from './loaders.js'
import type { ReadRecord } from './checker.js'
import type { WorldNode } from './node.js'
import type { OriginValue } from './origin.js'
import type { CacheModel, KeyModel } from './plan.js'

interface ReadCall {
  readonly kind: 'read' | 'get' | 'getOrSet' | 'fetch'
  /** Asks the shard itself, past memory. */
  readonly strict?: boolean | undefined
  readonly key: string
  readonly abortMs?: number | undefined
  readonly shown?: Fence | undefined
  readonly fresh?: boolean | undefined
  /** The token is that of a scope around the read, not the read's own. */
  readonly scoped?: boolean | undefined
}

export const manyKinds = ['getMany', 'readMany', 'getOrSetMany'] as const
type ManyKind = (typeof manyKinds)[number]
type Told = ReadResult<OriginValue> | { readonly state: 'got'; readonly value: OriginValue }

/** The readers of a world; each answer goes to the checker. */
export class Readers {
  readonly #parts: ClientsParts
  readonly #calls: Calls
  readonly #loaders: Loaders

  constructor(parts: ClientsParts, calls: Calls, loaders: Loaders) {
    this.#parts = parts
    this.#calls = calls
    this.#loaders = loaders
  }

  /** Any kind of read, with or without the options that the world has. */
  read(node: WorldNode, cache: CacheModel, { key }: KeyModel, tokens: readonly Fence[]): void {
    const { random, plan } = this.#parts
    const drawn = random.unit()
    const abortMs = plan.features.has('aborts') && random.chance(0.05) ? random.between(0, 100) : undefined
    const shown = plan.features.has('tokens') && random.chance(0.15) && tokens.length > 0 ? random.pick(tokens) : undefined
    const fresh = plan.features.has('fresh') && random.chance(0.04)
    const strict = random.chance(0.05)
    if (cache.lives.slideMs > 0 && random.chance(0.02)) this.#extend(node, cache, key)
    if (drawn < 0.1) this.#peek(node, cache, key)
    else if (drawn < 0.2) this.#call(node, cache, { kind: 'read', key, abortMs, shown, strict })
    else if (drawn < 0.26) this.#call(node, cache, { kind: 'get', key, abortMs, shown })
    else if (drawn < 0.36) this.#call(node, cache, { kind: 'getOrSet', key, abortMs, shown, fresh })
    else this.#call(node, cache, { kind: 'fetch', key, abortMs, shown, fresh, strict })
  }

  /** A read with the token of a write, of what it covers: as after a redirect to another process. */
  readCovered(node: WorldNode, shown: Fence): void {
    const { random, plan } = this.#parts
    const covered = plan.caches.flatMap((cache) => cache.keys.map(({ key }) => ({ cache, key })))
    const possible = covered.filter(({ cache, key }) => shown.covers.has(`${cache.name}/${key}`))
    if (possible.length === 0) return
    const { cache, key } = random.pick(possible)
    this.#call(node, cache, { kind: random.chance(0.5) ? 'fetch' : 'read', key, shown })
  }

  /** A read that tells most, without options. */
  fetch(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    this.#call(node, cache, { kind: 'fetch', key })
  }

  /** A read inside a scope whose token is that of a write. */
  readInScope(node: WorldNode, cache: CacheModel, { key }: KeyModel, shown: Fence): void {
    this.#call(node, cache, { kind: 'fetch', key, shown: shown.covers.has(`${cache.name}/${key}`) ? shown : undefined, scoped: true })
  }

  /** Loads what is missing, for nobody. */
  warm(node: WorldNode, cache: CacheModel, keys: readonly string[], many: boolean): void {
    const limitMs = keys.length * loadLimitMs(this.#parts.plan, cache)
    node.process.input(() => {
      if (!node.serving) return
      const text = `${node.name} ${many ? 'warmMany' : 'warm'} ${cache.name}/${keys.join(',')}`
      void this.#calls.follow({ node, text, limitMs }, async () => {
        const at = node.cache(cache.name)
        const load = (context: LoadContext<string>) => this.#loaders.run(node, cache, context.key, context)
        const warming = many ? at.warmMany(keys, this.#loaders.many(node, cache)) : at.warm(keys, load, { concurrency: 2 })
        const { loaded, present, failed } = await warming
        this.#parts.trace(`${text} -> ${loaded} ${present} ${failed}`)
        if (loaded + present + failed !== keys.length) this.#parts.complain(`${text} tells of ${loaded} + ${present} + ${failed} keys`)
        if (loaded > 0) this.#parts.count('warm loaded')
        if (present > 0) this.#parts.count('warm present')
      })
    })
  }

  /** Looks that must change nothing. */
  inspect(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    const { plan, count, trace, complain } = this.#parts
    node.process.input(() => {
      if (!node.serving) return
      const text = `${node.name} explain ${cache.name}/${key}`
      void this.#calls.follow({ node, text, limitMs: loadLimitMs(plan, cache) }, async () => {
        const at = node.cache(cache.name)
        const held = at.stats().memory.entries
        const explaining = at.explain(key)
        if (at.stats().memory.entries !== held) complain(`${text} has changed what is in memory`)
        const { memory, redis } = await explaining
        trace(`${text} -> ${memory?.state} ${redis.state}`)
        count(`explain ${memory?.state ?? 'none'} ${redis.state}`)
        if (at.hotKeys(3).length > 3) complain(`${node.name} tells too many hot keys of ${cache.name}`)
      })
    })
  }

  /** Many keys at once, some of them twice: each answer is judged as if it had been asked for alone. */
  readMany(node: WorldNode, cache: CacheModel, keys: readonly string[], kind: ManyKind): void {
    const limitMs = 2 * loadLimitMs(this.#parts.plan, cache)
    node.process.input(() => {
      if (!node.serving) return
      const text = `${node.name} ${kind} ${cache.name}/${keys.join(',')}`
      void this.#calls.follow({ node, text, limitMs }, async ({ beganMs }) => {
        const asked = keys.map((key) => this.#untold(node, cache, key))
        const told = await this.#performMany(node, cache, keys, kind)
        this.#parts.trace(`${text} -> ${show(told)}`)
        if (told.length !== keys.length) this.#parts.complain(`${text} was given ${told.length} answers`)
        told.forEach((one, i) => {
          const record = asked[i]
          if (record === undefined || one.state === 'miss') return
          this.#parts.count(`${kind} ${one.state}`)
          // What memory had was looked at when the call began, and is handed out with what took longer: its age counts from then.
          const tier = 'tier' in one && one.tier !== 'memory' ? one.tier : undefined
          const known = 'tier' in one ? { tier, state: one.state, why: 'why' in one ? one.why : undefined } : {}
          this.#check({ ...record, ...known, value: one.value, joined: this.#joined(node, record.key, beganMs) }, cache)
        })
      })
    })
  }

  #peek(node: WorldNode, cache: CacheModel, key: string): void {
    node.process.input(() => {
      if (!node.serving) return
      const value = node.cache(cache.name).peek(key)
      this.#parts.trace(`${node.name} peek ${cache.name}/${key} -> ${show(value)}`)
      if (value === undefined) return
      this.#check({ ...this.#untold(node, cache, key), value, tier: 'memory' }, cache)
    })
  }

  #extend(node: WorldNode, cache: CacheModel, key: string): void {
    node.process.input(() => {
      if (!node.serving) return
      const text = `${node.name} extend ${cache.name}/${key}`
      void this.#calls.follow({ node, text, limitMs: loadLimitMs(this.#parts.plan, cache) }, async () => {
        this.#parts.count(`extend ${await node.cache(cache.name).extend(key)}`)
      })
    })
  }

  #untold(node: WorldNode, cache: CacheModel, key: string) {
    const beganMs = this.#parts.clock.now()
    const untold = { tier: undefined, state: undefined, why: undefined, joined: true, shown: undefined, fresh: false, strict: false }
    return { node: node.name, cache, key: `${cache.name}/${key}`, beganMs, ...untold }
  }

  #call(node: WorldNode, cache: CacheModel, call: ReadCall): void {
    const { plan } = this.#parts
    const text = `${node.name} ${call.kind} ${cache.name}/${call.key}${call.fresh ? ' anew' : ''}${call.strict ? ' revalidated' : ''}${call.shown ? ` with the token of #${call.shown.id}` : ''}`
    node.process.input(() => {
      if (!node.serving) return
      void this.#calls.follow({ node, text, limitMs: loadLimitMs(plan, cache) }, (under) => this.#ask(under, cache, call))
    })
  }

  async #ask(under: Call, cache: CacheModel, call: ReadCall): Promise<void> {
    const { trace, count } = this.#parts
    const { node, text, beganMs } = under
    const asked = { ...this.#untold(node, cache, call.key), fresh: call.fresh ?? false, strict: call.strict ?? false, shown: call.shown }
    const result = await this.#perform(under, cache, call)
    const tier = 'tier' in result ? result.tier : undefined
    const why = 'why' in result ? result.why : undefined
    const told = [result.state, tier, why].filter((word) => word !== undefined).join(' ')
    trace(`${text} (${beganMs.toFixed(1)}) -> ${told} ${'value' in result ? show(result.value) : ''}`)
    count(`${call.kind} ${told}`)
    if (!('value' in result)) return
    const known = 'tier' in result ? { tier, state: result.state, why, joined: this.#joined(node, asked.key, beganMs) } : {}
    this.#check({ ...asked, ...known, value: result.value }, cache)
  }

  /** Whether a caller of this key has joined another's read since. */
  #joined(node: WorldNode, name: string, beganMs: number): boolean {
    return (node.joinedMs.get(name) ?? -1) >= beganMs
  }

  /** Judges an answer; then its caller does with it what he may. */
  #check(read: ReadRecord, { manners }: CacheModel): void {
    const { checker, complain, plan } = this.#parts
    const { value } = read
    checker.read(read)
    if (value === null || value === undefined) return
    if (value.key !== read.key) complain(`${read.node} was given ${show(value)} for ${read.key}`)
    if (plan.features.has('do-not-store')) return // such a value is the loader's own
    if (manners.values === 'frozen' && !Object.isFrozen(value)) complain(`${read.node} was given an unfrozen value of ${read.key}`)
    // A copy is the caller's own: whoever gets this one again sees version 0.
    if (manners.values === 'cloned') Object.assign(value, { version: 0 })
  }

  async #performMany(node: WorldNode, cache: CacheModel, keys: readonly string[], kind: ManyKind): Promise<readonly Told[]> {
    const at = node.cache(cache.name)
    if (kind === 'readMany') return at.readMany(keys)
    if (kind === 'getOrSetMany') return (await at.getOrSetMany(keys, this.#loaders.many(node, cache))).map(gotten)
    return (await at.getMany(keys)).map(gotten)
  }

  async #perform(under: Call, cache: CacheModel, call: ReadCall): Promise<Told> {
    if (!call.scoped) return this.#performAlone(under, cache, call)
    const { engine } = under.node
    return engine.withToken(call.shown?.token, async () => {
      this.#parts.count('read in a scope')
      const told = await this.#performAlone(under, cache, { ...call, shown: undefined })
      if (call.shown !== undefined && engine.token() === undefined) this.#parts.complain(`${under.text} has lost its scope`)
      return told
    })
  }

  async #performAlone(under: Call, cache: CacheModel, { kind, key, abortMs, shown, fresh, strict }: ReadCall): Promise<Told> {
    const { node } = under
    const at = node.cache(cache.name)
    const signal = abortMs === undefined ? undefined : this.#abortAfter(under, abortMs)
    const options = { signal, token: shown?.token, mustRevalidate: strict }
    const load = (context: LoadContext) => this.#loaders.run(node, cache, key, context)
    if (kind === 'read') return at.read(key, options)
    if (kind === 'fetch') return at.fetch(key, load, { ...options, fresh })
    if (kind === 'getOrSet') return { state: 'got', value: await at.getOrSet(key, load, { ...options, fresh }) }
    return gotten(await at.get(key, options))
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
}

/** What an answer tells that tells no more than a value. */
function gotten(value: OriginValue): Told {
  return value === undefined ? { state: 'miss' } : { state: 'got', value }
}
