import { BreadthClients } from './breadth.js'
import { Calls, type ClientsParts } from './calls.js'
import { Loaders } from './loaders.js'
import type { WorldNode } from './node.js'
import { Readers } from './readers.js'
import { Writers } from './writers.js'

/** The clients of a world's processes: each call is drawn from the world's chance. */
export class Clients {
  readonly calls: Calls
  readonly loaders: Loaders
  readonly readers: Readers
  readonly #writers: Writers
  readonly #breadth: BreadthClients
  readonly #parts: ClientsParts

  constructor(parts: ClientsParts) {
    this.#parts = parts
    this.calls = new Calls(parts)
    this.loaders = new Loaders(parts)
    this.readers = new Readers(parts, this.calls, this.loaders)
    this.#writers = new Writers(parts, this.calls)
    this.#breadth = new BreadthClients({ ...parts, random: parts.random.fork('breadth') }, this.readers, this.#writers)
  }

  /** One call at one of these processes, whatever comes up. The numbers of calls are theirs, however many take place. */
  act(nodes: readonly WorldNode[], number: number): void {
    const { random, plan } = this.#parts
    random.turnTo(`call ${number}`)
    const node = random.pick(nodes)
    const cache = random.pick(plan.caches)
    const key = random.pick(cache.keys)
    const { tokens } = this.#writers
    if (this.#breadth.act({ node, cache, key, tokens }, number)) return
    const newest = tokens.at(-1)
    if (plan.features.has('tokens') && newest !== undefined && random.chance(0.1)) this.readers.readCovered(node, newest)
    else if (random.chance(0.72)) this.readers.read(node, cache, key, tokens)
    else this.#writers.write(node, cache, key)
  }
}
