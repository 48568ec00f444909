import { parseDuration, show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import type { EventOf, EventType, ForebayEvent } from '../core/events.js'
import type { Health } from '../core/health.js'
import type { CachePlan } from '../core/plan.js'
import { Engine } from './forebay.js'
import { givenOptions } from './given.js'
import { loadingCache } from './loading-cache.js'
import type { EngineParts } from './parts.js'
import type {
  Cache,
  CacheOptions,
  Duration,
  Forebay,
  InvalidateOptions,
  Key,
  LoadingCache,
  LoadingCacheOptions,
  WrapOptions,
  Wrapped,
  WriteResult,
} from './public.js'
import type { ForebayStats } from './reports.js'
import { wrapped } from './wrap.js'

/** Turns the options of one cache into its plan; `known` is the plan under which the name is already in use. */
export type PlanCache = (name: string, options: CacheOptions<never> | undefined, known: CachePlan | undefined) => CachePlan

const closeTimeoutMs = 2_000

/** The engine as users see it: options at the door, types on the values. */
export function createEngine(parts: EngineParts, plan: PlanCache): Forebay {
  return new Facade(new Engine(parts), plan)
}

class Facade implements Forebay {
  readonly #engine: Engine
  readonly #plan: PlanCache

  constructor(engine: Engine, plan: PlanCache) {
    this.#engine = engine
    this.#plan = plan
  }

  /** What it hands out is known by the options alone, hence `never` here: it fits each of the public signatures. */
  cache<V = unknown>(name: string, options?: CacheOptions<V>): Cache<V, never> {
    const plan = this.#plan(name, options as CacheOptions<never> | undefined, this.#engine.planOf(name))
    return this.#engine.cache(plan) as unknown as Cache<V, never>
  }

  loadingCache<V, K extends Key = Key>(name: string, options: LoadingCacheOptions<V, K>): LoadingCache<V, K> {
    const { load, loadMany, ...ofCache } = given(`cache '${name}'`, options)
    if (typeof load !== 'function') throw new ForebayError('E_OPTION', `cache '${name}': load is ${show(load)}; a function`)
    if (loadMany !== undefined && typeof loadMany !== 'function') {
      throw new ForebayError('E_OPTION', `cache '${name}': loadMany is ${show(loadMany)}; a function`)
    }
    return loadingCache(this.cache<V>(name, ofCache), { load, loadMany })
  }

  wrap<A extends readonly unknown[], V>(work: (...args: A) => V | PromiseLike<V>, options: WrapOptions<A, V>): Wrapped<A, V> {
    if (typeof work !== 'function') throw new ForebayError('E_OPTION', `wrap is given ${show(work)}; a function`)
    const { name, key, ...ofCache } = given('wrap', options)
    if (key !== undefined && typeof key !== 'function') {
      throw new ForebayError('E_OPTION', `cache '${name}': key is ${show(key)}; a function of the arguments`)
    }
    return wrapped(this.cache<V>(name, ofCache), work, key)
  }

  invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<WriteResult> {
    return this.#engine.invalidateTags(tags, options)
  }

  clear(options?: InvalidateOptions): Promise<WriteResult> {
    return this.#engine.clear(options)
  }

  withToken<R>(token: string | undefined, work: () => R): R {
    return this.#engine.withToken(token, work)
  }

  token(): string | undefined {
    return this.#engine.token()
  }

  ready(): Promise<void> {
    return this.#engine.ready()
  }

  settled(): Promise<void> {
    return this.#engine.settled()
  }

  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void {
    return this.#engine.on(type, listener)
  }

  onAny(listener: (event: ForebayEvent) => void): () => void {
    return this.#engine.onAny(listener)
  }

  stats(): ForebayStats {
    return this.#engine.stats()
  }

  health(): Health {
    return this.#engine.health()
  }

  drain(): void {
    this.#engine.drain()
  }

  async close(options?: { readonly timeout?: Duration | undefined }): Promise<{ readonly unsent: number }> {
    givenOptions(options, { timeout: true })
    return this.#engine.close(options?.timeout === undefined ? closeTimeoutMs : parseDuration('timeout', options.timeout))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function given<O extends object>(where: string, options: O): O {
  if (typeof options === 'object' && options !== null) return options
  throw new ForebayError('E_OPTION', `${where}: the options are ${show(options)}; an object`)
}
