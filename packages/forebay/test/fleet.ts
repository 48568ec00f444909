import { cachePlanner } from '../src/config/forebay-plan.js'
import type { EventOf, EventType, ForebayEvent } from '../src/core/events.js'
import type { FarStore, ReplicaPlan } from '../src/core/far-store.js'
import { createEngine } from '../src/engine/facade.js'
import type { Cache, CacheOptions, Forebay, LoadContext } from '../src/engine/public.js'
import { openNearStore } from '../src/memory/near-store.js'
import { openContext, outsideCallers } from '../src/system/context.js'
import type { HealthPlan } from '../src/core/health.js'
import type { Journal } from '../src/core/journal.js'
import type { Packing } from '../src/core/packing.js'
import { createPacking } from '../src/system/packing.js'
import { SimClock } from '../src/testing/sim-clock.js'
import type { Weather } from '../src/testing/sim-link.js'
import { closeLinks, type GroupLinks, type NetworkEvent, type SimStore, simStore } from '../src/testing/sim-network.js'
import { type ClockSkew, SimProcess } from '../src/testing/sim-process.js'
import { SimRandom } from '../src/testing/sim-random.js'
import { SimGroup } from '../src/testing/sim-server.js'

type Executed = Extract<NetworkEvent, { type: 'executed' }>

/** What is not usual about a process. */
interface NodeParts {
  readonly wrap?: (far: FarStore) => FarStore
  readonly packing?: Packing
  readonly skew?: ClockSkew
  readonly health?: HealthPlan
  readonly outbox?: { readonly most: number; readonly journal?: Journal | undefined }
  readonly replicas?: ReplicaPlan
  readonly followsLoads?: boolean
}

/** Every message takes this long, each way. */
export const latencyMs = 1
/** A command that is not answered by then has failed. */
export const deadlineMs = 500

/**
 * A few processes of one service over one simulated server, on a simulated clock: the stage of the engine's examples. Nothing goes wrong
 * here by itself; a test breaks what it wants broken.
 */
export class Fleet {
  readonly clock = new SimClock()
  readonly group: SimGroup
  readonly weather: Weather = {
    latencyMs: [latencyMs, latencyMs],
    slow: 0,
    slowMs: 0,
    lostRequest: 0,
    lostAnswer: 0,
    lateCopy: 0,
    lostPush: 0,
    wrongServer: 0,
  }
  /** What the server has executed, in order. */
  readonly executed: Executed[] = []
  readonly #random = new SimRandom('fleet')
  readonly #shards: number

  constructor(shards = 4) {
    this.#shards = shards
    const all = Array.from({ length: shards }, (_, index) => index)
    this.group = new SimGroup({ id: 'server', shards: all, allShards: shards, world: this.clock, clockOffsetMs: 5_000 })
  }

  /** A process that has just started. */
  start(name: string, parts: NodeParts = {}): Node {
    const process = new SimProcess(this.clock, parts.skew)
    const network = {
      clock: this.clock,
      random: this.#random,
      groups: [this.group],
      shards: this.#shards,
      weather: this.weather,
      deadlineMs,
      replicas: parts.replicas,
      observe: (event: NetworkEvent) => {
        if (event.type === 'executed') this.executed.push(event)
      },
    }
    const store = simStore(network, { name, process })
    const engineParts = {
      service: 'shop',
      openFarStore: () => parts.wrap?.(store.far) ?? store.far,
      openNearStore,
      packing: parts.packing ?? createPacking({ aside: false }),
      clock: process,
      random: this.#random.fork(`engine/${name}`),
      digest: (text: string) => `digest-of-${text.length}`,
      detached: outsideCallers(),
      openContext,
      followsLoads: parts.followsLoads,
      outbox: parts.outbox,
      health: parts.health,
    }
    return new Node(createEngine(engineParts, cachePlanner({ ttl: '1h', jitter: 0 })), process, store)
  }

  /** Processes that have started and proven all shards. */
  async ready<N extends readonly string[]>(...names: N): Promise<{ [I in keyof N]: Node }> {
    const nodes = names.map((name) => this.start(name))
    await this.until(Promise.all(nodes.map(({ forebay }) => forebay.ready())))
    return nodes as { [I in keyof N]: Node }
  }

  /** Lets time pass until this has come to its end. */
  async until<T>(work: Promise<T>, mostMs = 120_000): Promise<T> {
    let over = false
    const end = (): void => {
      over = true
    }
    work.then(end, end)
    await this.clock.runUntil(this.clock.now() + mostMs, () => over)
    if (!over) throw new Error(`nothing came of it in ${mostMs} simulated ms`)
    return work
  }

  /** What becomes of something that may fail: `undefined`, or its error. */
  async failure(work: Promise<unknown>): Promise<unknown> {
    try {
      await this.until(work)
    } catch (error) {
      return error
    }
    return undefined
  }

  run(ms: number): Promise<void> {
    return this.clock.run(ms)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve))
  }

  /** How often the server did this since it was last asked to forget. */
  count(act: Executed['act']): number {
    return this.executed.filter((event) => event.act === act).length
  }

  /** A loader whose value is the origin's when it begins, and comes after a while. */
  origin<V>(value: V, takesMs = 10): Origin<V> {
    return new Origin(value, takesMs, this)
  }
}

/** One process. */
export class Node {
  readonly forebay: Forebay
  readonly process: SimProcess
  readonly events: ForebayEvent[] = []
  readonly #store: SimStore

  constructor(forebay: Forebay, process: SimProcess, store: SimStore) {
    this.forebay = forebay
    this.process = process
    this.#store = store
    forebay.onAny((event) => this.events.push(event))
  }

  cache<V = unknown>(options?: CacheOptions<V>, name = 'books'): Cache<V> {
    return this.forebay.cache<V>(name, options)
  }

  told<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type)
  }

  get links(): GroupLinks {
    const [links] = this.#store.links
    if (links === undefined) throw new RangeError('a process has links to its server')
    return links
  }

  /** The process dies, and the server sees its sockets closed. */
  kill(): void {
    this.process.kill()
    closeLinks(this.links)
  }

  /** Nothing passes between this process and the server any more; nobody is told. */
  cutOff(): void {
    for (const link of [this.links.command, this.links.listen]) {
      link.block('out')
      link.block('back')
    }
  }

  reconnect(): void {
    for (const link of [this.links.command, this.links.listen]) {
      link.unblock('out')
      link.unblock('back')
    }
  }
}

/** What is behind the cache. */
export class Origin<V> {
  value: V
  takesMs: number
  /** Loads begun. */
  loads = 0
  running = 0
  mostRunning = 0
  /** Fails from now on, with this. */
  broken: unknown
  readonly seen: LoadContext[] = []
  readonly #fleet: Fleet

  constructor(value: V, takesMs: number, fleet: Fleet) {
    this.value = value
    this.takesMs = takesMs
    this.#fleet = fleet
  }

  readonly load = async (context: LoadContext): Promise<V> => {
    const { value, broken } = this
    this.loads++
    this.seen.push(context)
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    try {
      await this.#fleet.sleep(this.takesMs)
      if (broken !== undefined) throw broken
      return value
    } finally {
      this.running--
    }
  }
}
