import type { ClientsParts } from './calls.js'
import type { Fence } from './fences.js'
import type { WorldNode } from './node.js'
import type { CacheModel, Feature, KeyModel } from './plan.js'
import { manyKinds, type Readers } from './readers.js'
import type { Writers } from './writers.js'

/** This share of the calls is of these kinds, where the world has any of them. */
const share = 0.3

interface Place {
  readonly node: WorldNode
  readonly cache: CacheModel
  readonly key: KeyModel
  readonly tokens: readonly Fence[]
}

type Act = (place: Place) => void

/** The clients' rarer calls. They draw from a stream of their own: a world without them is as it was before there were any. */
export class BreadthClients {
  readonly #parts: ClientsParts
  readonly #acts: readonly Act[]

  constructor(parts: ClientsParts, readers: Readers, writers: Writers) {
    this.#parts = parts
    const random = parts.random
    const some = ({ keys }: CacheModel, twice: boolean): string[] => {
      const drawn = keys.map(({ key }) => key).filter(() => random.chance(0.7))
      return twice && drawn.length > 0 ? [...drawn, random.pick(drawn)] : drawn
    }
    const acts: readonly (readonly [Feature, Act])[] = [
      ['bulk', ({ node, cache }) => readers.readMany(node, cache, some(cache, true), random.pick(manyKinds))],
      ['bulk', ({ node, cache }) => readers.readMany(node, cache, some(cache, true), 'getOrSetMany')],
      ['bulk', ({ node, cache }) => writers.setMany(node, cache)],
      ['warm', ({ node, cache }) => readers.warm(node, cache, some(cache, false), random.chance(0.5))],
      ['inspections', ({ node, cache, key }) => readers.inspect(node, cache, key)],
      ['scopes', ({ node, cache, key, tokens }) => tokens.length > 0 && readers.readInScope(node, cache, key, random.pick(tokens))],
      ['controls', ({ node, cache }) => this.#control(node, cache)],
    ]
    this.#acts = acts.filter(([feature]) => parts.plan.features.has(feature)).map(([, act]) => act)
  }

  /** Perhaps one of these calls; then there is no other. */
  act(place: Place, number: number): boolean {
    const { random } = this.#parts
    if (this.#acts.length === 0) return false
    random.turnTo(`call ${number}`)
    if (!random.chance(share)) return false
    random.pick(this.#acts)(place)
    return true
  }

  /** Most of the time a cache is used, for most of its keys. */
  #control(node: WorldNode, cache: CacheModel): void {
    const { random, count } = this.#parts
    const mode = random.pick(['on', 'on', 'on', 'shadow', 'off'] as const)
    const ramp = random.pick([100, 100, 50, 0])
    node.process.input(() => {
      if (!node.serving) return
      node.control(cache.name, { mode, ramp })
      count(`control ${mode}`)
    })
  }
}
