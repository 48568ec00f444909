import { fits, pattern } from '../../src/core/pattern.js'
import { mostUnsent } from '../../src/core/plan.js'
import { stampLimit } from '../../src/memory/twin-shard.js'
import { doNotStore, entry, type InvalidateOptions, type SetOptions, type WriteResult } from '../../src/engine/public.js'
import { type Calls, type ClientsParts, OriginDown, writeLimitMs } from './calls.js'
import type { Fence } from './fences.js'
import type { FromOrigin } from './loaders.js'
import type { WorldNode } from './node.js'
import type { OriginValue } from './origin.js'
import { type CacheModel, type KeyModel, tagNames } from './plan.js'

type NamedKey = KeyModel & { readonly name: string }

/** Most tokens remembered, to be shown in other processes. */
const mostTokens = 12
const longestCommitMs = 60
/** In one call. */
const mostTags = 64
/** Floods cost much, and one shows as much as many. */
const mostFloods = 2

/** The writers of a world: as applications do, they commit to the origin first, and then tell the cache. */
export class Writers {
  readonly #parts: ClientsParts
  readonly #calls: Calls
  readonly #tokens: Fence[] = []
  #floods = 0
  /** Keys with one writer that is at work. */
  readonly #busy = new Map<string, WorldNode>()

  constructor(parts: ClientsParts, calls: Calls) {
    this.#parts = parts
    this.#calls = calls
  }

  /** The last writes with a token. */
  get tokens(): readonly Fence[] {
    return this.#tokens
  }

  /** One write at this process, whatever comes up. */
  write(node: WorldNode, cache: CacheModel, key: KeyModel): void {
    const { random, plan } = this.#parts
    if (plan.features.has('floods') && this.#floods < mostFloods && random.chance(0.05)) this.#flood(node, cache)
    else if (plan.features.has('tags') && random.chance(0.35)) this.#dropTags(node, cache)
    else if (plan.features.has('clears') && random.chance(0.08)) this.#clear(node, cache)
    else if (plan.features.has('patterns') && random.chance(0.15)) this.#dropPattern(node, cache)
    else if (plan.features.has('many-keys') && random.chance(0.15)) this.#dropMany(node, cache)
    else if (key.setBy === node.index) this.#writeAlone(node, cache, key)
    else if (key.setBy !== undefined) return
    else if (plan.features.has('updates') && random.chance(0.3)) this.#update(node, cache, key)
    else this.#dropKey(node, cache, key)
  }

  #dropKey(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    const { random, plan } = this.#parts
    const name = `${cache.name}/${key}`
    const stale = plan.features.has('stale-marks') && random.chance(0.2)
    this.#commitThen(node, [name], () => {
      const at = node.cache(cache.name)
      return this.#fence(node, { kind: stale ? 'stale' : 'key', covers: [name] }, () =>
        stale ? at.markStale(key, this.#againAfter()) : at.invalidate(key, this.#againAfter()),
      )
    })
  }

  /** The writes of a key with one writer come one after the other. */
  #writeAlone(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    const name = `${cache.name}/${key}`
    if (this.#busy.get(name)?.process.alive || node.process.stalled) return
    this.#busy.set(name, node)
    const sets = this.#parts.random.chance(0.7)
    this.#commitThen(node, [name], async () => {
      const at = node.cache(cache.name)
      const value = this.#valueNow(node, name)
      await this.#fence(node, { kind: sets ? 'set' : 'key', covers: [name] }, () =>
        sets ? at.set(key, value, this.#setOptions(name)) : at.delete(key),
      )
      this.#busy.delete(name)
    })
  }

  /** Sets the keys of this cache that this process alone writes, and that it is not writing already, in one call. */
  setMany(node: WorldNode, cache: CacheModel): void {
    const own = named(cache).filter(({ setBy, name }) => setBy === node.index && !this.#busy.get(name)?.process.alive)
    if (own.length === 0 || node.process.stalled) return
    for (const { name } of own) this.#busy.set(name, node)
    const covers = own.map(({ name }) => name)
    this.#commitThen(node, covers, async () => {
      const entries = own.map(({ key, name }) => [key, this.#valueNow(node, name), this.#setOptions(name)] as const)
      await this.#fence(node, { kind: 'set', covers }, () => node.cache(cache.name).setMany(entries))
      for (const name of covers) this.#busy.delete(name)
    })
  }

  #setOptions(name: string): SetOptions | undefined {
    const { plan, origin } = this.#parts
    return plan.features.has('origin-versions') ? { version: origin.version(name) } : undefined
  }

  /** How an invalidation is made where that is not the usual way: once more after a while. */
  #againAfter(): InvalidateOptions | undefined {
    const { plan, random } = this.#parts
    if (!plan.features.has('again')) return undefined
    const drawn = random.fork(`again ${this.#parts.checker.fences.all.length}`)
    if (drawn.chance(0.6)) return undefined
    this.#parts.count('again')
    return { again: drawn.between(1, 2_000) }
  }

  #dropTags(node: WorldNode, cache: CacheModel): void {
    const { random, plan } = this.#parts
    const tags = tagNames.filter(() => random.chance(0.6))
    if (tags.length === 0) return
    const wide = random.chance(0.3)
    const covers = (wide ? plan.caches : [cache]).flatMap(named).filter((model) => tags.some((tag) => model.tags.includes(tag)))
    const on = wide ? node.engine : node.cache(cache.name)
    this.#dropGroup(node, { kind: 'tags', covers }, () => on.invalidateTags(tags, this.#againAfter()))
  }

  /**
   * More than there is room for: of tags, so that a shard forgets stamps, or of invalidations while Redis is away, so that an outbox
   * makes clears of them. Both come right after tags that matter.
   */
  #flood(node: WorldNode, cache: CacheModel): void {
    const flood = this.#floods++
    const invalidate = (tags: readonly string[]) => {
      const text = `${node.name} flood ${flood} of ${tags.length}`
      const run = async () => this.#parts.trace(`${text} ${(await node.cache(cache.name).invalidateTags(tags)).state}`)
      return this.#calls.follow({ node, text, limitMs: writeLimitMs(this.#parts.plan) }, run)
    }
    const names = (from: number, many: number) => Array.from({ length: many }, (_, i) => `flood ${flood}/${from + i}`)
    this.#parts.count('flood')
    if ((flood + this.#parts.plan.seed) % 2 === 0) {
      this.#dropTags(node, cache)
      node.process.after(20, () => {
        for (let i = 0; i < stampLimit / mostTags + 10; i++) void invalidate(names(i * mostTags, mostTags))
      })
    } else {
      for (const { command } of node.store.links) command.break()
      this.#parts.checker.trouble(node.name)
      node.process.after(1, () => {
        if (!node.serving) return
        this.#dropTags(node, cache)
        for (let i = 0; i < mostUnsent + 100; i++) void invalidate(names(i, 1))
      })
    }
  }

  #clear(node: WorldNode, cache: CacheModel): void {
    const wide = this.#parts.random.chance(0.3)
    const covers = (wide ? this.#parts.plan.caches : [cache]).flatMap(named)
    const on = wide ? node.engine : node.cache(cache.name)
    this.#dropGroup(node, { kind: 'clear', covers }, () => on.clear(this.#againAfter()))
  }

  #dropPattern(node: WorldNode, cache: CacheModel): void {
    const given = this.#parts.random.pick([pattern`*`, pattern`k*`, pattern`*${0}`, pattern`k${1}*`, pattern`${'*'}`])
    const covers = named(cache).filter(({ key }) => fits(given.parts, key))
    this.#dropGroup(node, { kind: 'pattern', covers }, () => node.cache(cache.name).invalidatePattern(given, this.#againAfter()))
  }

  #dropMany(node: WorldNode, cache: CacheModel): void {
    const some = named(cache).filter((model) => model.setBy === undefined && this.#parts.random.chance(0.6))
    const covers = some.map(({ name }) => name)
    const drop = () =>
      node.cache(cache.name).deleteMany(
        some.map(({ key }) => key),
        this.#againAfter(),
      )
    this.#commitThen(node, covers, () => this.#fence(node, { kind: 'key', covers }, drop))
  }

  /** Commits to some of the keys that a group's fence covers; those with one writer are left to him. */
  #dropGroup(
    node: WorldNode,
    group: { readonly kind: Fence['kind']; readonly covers: readonly NamedKey[] },
    drop: () => Promise<WriteResult>,
  ): void {
    const covers = group.covers.map(({ name }) => name)
    const committed = group.covers.filter((model) => model.setBy === undefined && this.#parts.random.chance(0.6))
    this.#commitThen(
      node,
      committed.map(({ name }) => name),
      () => this.#fence(node, { kind: group.kind, covers }, drop),
    )
  }

  /** First the origin's commit, then, a little later, the cache. */
  #commitThen(node: WorldNode, names: readonly string[], then: () => Promise<void>): void {
    const { random } = this.#parts
    node.process.input(() => {
      if (!node.serving) return
      for (const name of names) this.#commit(node, name)
      node.process.after(random.chance(0.5) ? 0 : random.between(0, 5), () => void then())
    })
  }

  async #fence(
    node: WorldNode,
    given: { readonly kind: Fence['kind']; readonly covers: readonly string[] },
    write: () => Promise<WriteResult>,
  ): Promise<void> {
    if (!node.serving) return
    const { origin, clock, checker, plan } = this.#parts
    const covers = new Map(given.covers.map((name) => [name, origin.version(name)]))
    const fence = checker.fences.begin({ node: node.name, kind: given.kind, covers, beganMs: clock.now() })
    const text = `${node.name} ${given.kind} #${fence.id} [${[...covers].map(([name, version]) => `${name} v${version}`).join(', ')}]`
    await this.#calls.follow({ node, text, limitMs: writeLimitMs(plan) }, async () =>
      this.#fenced(text, fence, await this.#inScope(node, write)),
    )
  }

  /** Where the world has scopes, the token of a write is that of the scope it was made in. */
  #inScope(node: WorldNode, write: () => Promise<WriteResult>): Promise<WriteResult> {
    if (!this.#parts.plan.features.has('scopes')) return write()
    const { engine } = node
    return engine.withToken(undefined, async () => {
      const result = await write()
      return { ...result, token: engine.token() ?? result.token }
    })
  }

  #fenced(text: string, fence: Fence, result: WriteResult): void {
    const { checker, trace, count } = this.#parts
    checker.fenceEnded(fence, result)
    trace(`${text} ${result.state}`)
    count(`${fence.kind} ${result.state}`)
    this.#tokens.push(fence)
    if (this.#tokens.length > mostTokens) this.#tokens.shift()
  }

  /** Commits inside the cache's own verb; whoever else writes the key at the same time, no older value may stay. */
  #update(node: WorldNode, cache: CacheModel, { key }: KeyModel): void {
    const { plan } = this.#parts
    const name = `${cache.name}/${key}`
    const text = `${node.name} update ${name}`
    const limitMs = 2 * writeLimitMs(plan) + longestCommitMs
    const run = async () => {
      let fence: Fence | undefined
      const commit = () => this.#commitSlowly(node, name, (begun) => (fence = begun))
      const result = await node.cache(cache.name).update(key, commit)
      if (fence !== undefined) this.#fenced(`${text} #${fence.id}`, fence, result)
    }
    node.process.input(() => {
      if (node.serving) void this.#calls.follow({ node, text, limitMs }, run)
    })
  }

  #commitSlowly(node: WorldNode, name: string, begun: (fence: Fence) => void): Promise<FromOrigin> {
    const { random, clock, plan, checker } = this.#parts
    const fails = plan.faults.has('loader-failures') && random.chance(0.15)
    const stores = !(plan.features.has('do-not-store') && random.chance(0.1))
    return new Promise((resolve, reject) => {
      const commit = () => {
        if (fails) return reject(new OriginDown('the origin is down'))
        const covers = new Map([[name, this.#commit(node, name)]])
        begun(checker.fences.begin({ node: node.name, kind: 'update', covers, beganMs: clock.now() }))
        const value = this.#valueNow(node, name)
        const options = this.#setOptions(name)
        resolve(stores ? (options === undefined ? value : entry(value, options)) : doNotStore(value))
      }
      clock.after(random.between(0, longestCommitMs), () => node.process.input(commit))
    })
  }

  #commit(node: WorldNode, name: string): number {
    const version = this.#parts.origin.commit(name)
    this.#parts.trace(`${node.name} commits ${name} v${version}`)
    return version
  }

  /** What the origin holds now, as this process would set it. */
  #valueNow(node: WorldNode, name: string): OriginValue {
    const { origin } = this.#parts
    const version = origin.version(name)
    return origin.value(name, version, origin.nameSet(node.name, name, version))
  }
}

/** The keys of a cache with their full names. */
function named(cache: CacheModel): NamedKey[] {
  return cache.keys.map((key) => ({ name: `${cache.name}/${key.key}`, ...key }))
}
