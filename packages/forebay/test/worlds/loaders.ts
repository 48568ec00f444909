import {
  type BulkLoader,
  doNotStore,
  entry,
  type Loaded,
  type LoadContext,
  type LoadedOptions,
  notModified,
} from '../../src/engine/public.js'
import type { SimRandom } from '../../src/testing/sim-random.js'
import { type ClientsParts, OriginDown, show } from './calls.js'
import type { WorldNode } from './node.js'
import type { LoadRecord, OriginValue, Versioned } from './origin.js'
import type { CacheModel } from './plan.js'

export type FromOrigin = Loaded<OriginValue>

/** The loaders of a world: they take a while, read the origin's version somewhere in it, and at times fail or hang. */
export class Loaders {
  readonly #parts: ClientsParts
  /** Once the faults have stopped, loaders are quick and never fail. */
  calm = false

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  run(node: WorldNode, cache: CacheModel, key: string, context: Omit<LoadContext, 'key'>): Promise<FromOrigin> {
    const { origin, clock, checker, trace } = this.#parts
    const name = `${cache.name}/${key}`
    const { signal } = context
    const load = origin.beginLoad(node.name, name, { hardTimeoutMs: cache.hardTimeoutMs, aside: node.mayLoadAside(cache) })
    this.#checkValidator(context, name)
    trace(`${node.name} load ${load.id} of ${name} begins`)
    checker.loadBegan(load, node.version)
    const random = this.#parts.random.fork(`load ${load.id}`)
    const drawn = this.#draw(random, cache.hardTimeoutMs)
    clock.after(random.between(0, drawn.tookMs), () => {
      load.version = origin.version(name)
    })
    return new Promise((resolve, reject) => {
      const end = (how: () => void) => {
        if (load.endedMs !== undefined || !node.process.alive) return
        load.endedMs = clock.now()
        how()
      }
      const obeys = random.chance(0.5)
      signal.addEventListener('abort', () => end(() => obeys && reject(signal.reason)))
      if (drawn.hangs) return
      const answer = () => {
        const { told, answer } = drawn.fails ? { told: 'fails', answer: undefined } : this.#answer(load, context, drawn.stores)
        trace(`${node.name} load ${load.id} of ${name} ${told}`)
        if (drawn.fails) reject(new OriginDown('the origin is down'))
        else resolve(answer)
      }
      clock.after(drawn.tookMs, () => node.process.input(() => end(answer)))
    })
  }

  /** What the origin answers: the value, with what belongs to it, or the word that the previous one has not changed. */
  #answer(load: LoadRecord, { previous, validator }: Pick<LoadContext, 'previous' | 'validator'>, stores: boolean) {
    const { origin, plan, count } = this.#parts
    const { features } = plan
    const version = load.version ?? origin.version(load.key)
    if (features.has('revalidation') && validator === validatorOf(version) && stores) {
      if (isVersioned(previous)) origin.confirm(previous.by, load)
      count('not modified')
      return { told: `finds v${version} unchanged`, answer: notModified() }
    }
    const steady = features.has('monitor') || features.has('controls')
    const value = origin.value(load.key, version, steady ? origin.firstWith(load, version) : load.id)
    const options: LoadedOptions = {
      validator: features.has('revalidation') ? validatorOf(version) : undefined,
      version: features.has('origin-versions') ? version : undefined,
    }
    const bare = options.validator === undefined && options.version === undefined
    return { told: `gives ${show(value)}`, answer: stores ? (bare ? value : entry(value, options)) : doNotStore(value) }
  }

  /** A loader is told the validator of the very value that it is told. */
  #checkValidator({ previous, validator }: Pick<LoadContext, 'previous' | 'validator'>, name: string): void {
    const { origin, complain } = this.#parts
    if (validator === undefined) return
    const version = Number(validator.slice(1))
    const same = isVersioned(previous) ? previous.version === version : origin.value(name, version, 0) === previous
    if (!same) complain(`a load of ${name} is told the previous value ${show(previous)} with the validator ${validator}`)
  }

  /** A bulk loader: of what could not be loaded it leaves out some, and fails for the rest. */
  many(node: WorldNode, cache: CacheModel): BulkLoader<OriginValue, string> {
    return async ({ keys, signal }) => {
      const { random } = this.#parts
      const missing = { signal, previous: undefined, validator: undefined }
      const leavesOut = random.fork(`many ${this.#parts.origin.loads.length}`).chance(0.5)
      const loaded = await Promise.allSettled(keys.map(async (key) => [key, await this.run(node, cache, key, missing)] as const))
      const failed = loaded.find((one) => one.status === 'rejected')
      if (failed !== undefined && !leavesOut) throw failed.reason
      return loaded.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
    }
  }

  #draw(random: SimRandom, hardTimeoutMs: number) {
    const { plan } = this.#parts
    const slow = plan.faults.has('slow-loaders') && random.chance(0.15)
    const drawn = {
      tookMs: slow ? random.between(100, 0.9 * hardTimeoutMs) : random.between(0, random.pick([3, 20, 60])),
      fails: plan.faults.has('loader-failures') && random.chance(0.4),
      hangs: plan.faults.has('loader-hangs') && random.chance(0.05),
      stores: !(plan.features.has('do-not-store') && random.chance(0.05)),
    }
    return this.calm ? { tookMs: Math.min(drawn.tookMs, 20), fails: false, hangs: false, stores: true } : drawn
  }
}

function validatorOf(version: number): string {
  return `v${version}`
}

function isVersioned(value: unknown): value is Versioned {
  return typeof value === 'object' && value !== null && 'by' in value
}
