import type { LoadContext, ReadResult } from '../../src/engine/public.js'
import { type Call, type Calls, type ClientsParts, GivenUp, loadLimitMs, show } from './calls.js'
import type { Fence } from './fences.js'
import type { Loaders } from './loaders.js'
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
}

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

  #peek(node: WorldNode, cache: CacheModel, key: string): void {
    node.process.input(() => {
      if (!node.serving) return
      const value = node.cache(cache.name).peek(key)
      this.#parts.trace(`${node.name} peek ${cache.name}/${key} -> ${show(value)}`)
      if (value === undefined) return
      this.#parts.checker.read({ ...this.#untold(node, cache, key), value, tier: 'memory' })
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
    const { trace, count, checker } = this.#parts
    const { node, text, beganMs } = under
    const asked = { ...this.#untold(node, cache, call.key), fresh: call.fresh ?? false, strict: call.strict ?? false, shown: call.shown }
    const result = await this.#perform(under, cache, call)
    const tier = 'tier' in result ? result.tier : undefined
    const why = 'why' in result ? result.why : undefined
    const told = [result.state, tier, why].filter((word) => word !== undefined).join(' ')
    trace(`${text} (${beganMs.toFixed(1)}) -> ${told} ${'value' in result ? show(result.value) : ''}`)
    count(`${call.kind} ${told}`)
    if (!('value' in result)) return
    const joined = (node.joinedMs.get(asked.key) ?? -1) >= beganMs
    const known = 'tier' in result ? { tier, state: result.state, why, joined } : {}
    checker.read({ ...asked, ...known, value: result.value })
  }

  async #perform(under: Call, cache: CacheModel, { kind, key, abortMs, shown, fresh, strict }: ReadCall): Promise<Told> {
    const { node } = under
    const at = node.cache(cache.name)
    const signal = abortMs === undefined ? undefined : this.#abortAfter(under, abortMs)
    const options = { signal, token: shown?.token, mustRevalidate: strict }
    const load = (context: LoadContext) => this.#loaders.run(node, cache, key, context)
    if (kind === 'read') return at.read(key, options)
    if (kind === 'fetch') return at.fetch(key, load, { ...options, fresh })
    if (kind === 'getOrSet') return { state: 'got', value: await at.getOrSet(key, load, { ...options, fresh }) }
    const value = await at.get(key, options)
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
}
