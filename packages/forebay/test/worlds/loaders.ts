import { doNotStore, type LoadContext } from '../../src/engine/public.js'
import type { SimRandom } from '../../src/testing/sim-random.js'
import { type ClientsParts, OriginDown, show } from './calls.js'
import type { WorldNode } from './node.js'
import type { LoadRecord, OriginValue } from './origin.js'
import type { CacheModel } from './plan.js'

export type FromOrigin = OriginValue | ReturnType<typeof doNotStore<OriginValue>>

/** The loaders of a world: they take a while, read the origin's version somewhere in it, and at times fail or hang. */
export class Loaders {
  readonly #parts: ClientsParts
  /** Once the faults have stopped, loaders are quick and never fail. */
  calm = false

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  run(node: WorldNode, cache: CacheModel, key: string, { signal }: LoadContext): Promise<FromOrigin> {
    const { origin, clock, checker, trace } = this.#parts
    const name = `${cache.name}/${key}`
    const load = origin.beginLoad(node.name, name, cache.hardTimeoutMs)
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
        const value = this.#valueOf(load)
        trace(`${node.name} load ${load.id} of ${name} ${drawn.fails ? 'fails' : `gives ${show(value)}`}`)
        if (drawn.fails) reject(new OriginDown('the origin is down'))
        else resolve(drawn.stores ? value : doNotStore(value))
      }
      clock.after(drawn.tookMs, () => node.process.input(() => end(answer)))
    })
  }

  #valueOf({ key, version, id }: LoadRecord): OriginValue {
    const { origin } = this.#parts
    return origin.value(key, version ?? origin.version(key), id)
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
