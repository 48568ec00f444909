import type { SupervisorPlan } from '../../src/core/supervisor/supervisor-plan.js'
import type { ForebayEvent } from '../../src/core/events.js'
import { forbidRealTime } from '../../src/testing/forbid.js'
import { SimClock } from '../../src/testing/sim-clock.js'
import { SimDisk } from '../../src/testing/sim-journal.js'
import type { Weather } from '../../src/testing/sim-link.js'
import type { NetworkEvent, SimNetworkParts } from '../../src/testing/sim-network.js'
import { SimRandom } from '../../src/testing/sim-random.js'
import { SimGroup } from '../../src/testing/sim-server.js'
import { Checker, maxDrift, type Violation } from './checker.js'
import { Clients } from './clients.js'
import { fairWeather, Faults, serverEpochMs } from './faults.js'
import { WorldNode, type WrapStore } from './node.js'
import { Origin } from './origin.js'
import { disksOf, replicasOf, versionOf, type WorldPlan } from './plan.js'
import { Trace } from './trace.js'

export interface WorldReport {
  readonly plan: WorldPlan
  readonly violations: readonly Violation[]
  /** Empty unless it was asked for. */
  readonly trace: readonly string[]
  readonly hash: string
  readonly events: number
  /** The strikes of faults and the calls that took place: what can be left out. */
  readonly strikes: readonly string[]
  readonly callsMade: readonly number[]
  /** How often each thing happened that a test wants to have seen. */
  readonly counts: ReadonlyMap<string, number>
}

/** After the faults have stopped, everything must have come to rest by then. */
const restMs = 30_000
/** At least this much time passes before that is judged: a failover's losses are sent again meanwhile. */
const leastRestMs = 6_000
/** A world ends at its first violations; what follows is their consequence. */
const mostViolations = 3

export interface WorldOptions {
  readonly wrap?: WrapStore | undefined
  /** Only violations of these promises count; default: of all. */
  readonly promises?: readonly Violation['promise'][] | undefined
  /** Keep a line of everything that happens; default: only count, which is faster. */
  readonly trace?: boolean | undefined
}

/** Runs one world to its end. */
export async function runWorld(plan: WorldPlan, options: WorldOptions = {}): Promise<WorldReport> {
  const world = new World(plan, options)
  const allowRealTime = forbidRealTime()
  const { stackTraceLimit } = Error
  // A world makes thousands of errors on purpose. Where one is looked at, there is a trace.
  if (!options.trace) Error.stackTraceLimit = 0
  const complain = (error: unknown) => world.violated({ promise: 'health', text: `unhandled rejection: ${stackOf(error)}` })
  process.on('unhandledRejection', complain)
  try {
    await world.run()
  } finally {
    process.off('unhandledRejection', complain)
    allowRealTime()
    Error.stackTraceLimit = stackTraceLimit
  }
  return world.report()
}

class World {
  readonly #plan: WorldPlan
  readonly #options: WorldOptions
  readonly #clock = new SimClock()
  readonly #random: SimRandom
  readonly #trace: Trace
  readonly #violations: Violation[] = []
  readonly #counts = new Map<string, number>()
  readonly #strikes: string[] = []
  readonly #callsMade: number[] = []
  #calls = 0
  readonly #origin: Origin
  readonly #checker: Checker
  readonly #groups: readonly SimGroup[]
  readonly #network: SimNetworkParts
  readonly #clients: Clients
  readonly #faults: Faults
  #nodes: WorldNode[] = []
  readonly #disks = new Map<number, SimDisk>()
  /** Processes that have ended, and where they were in the fleet. */
  readonly #dead: { readonly name: string; readonly index: number }[] = []
  #lives = 0
  #resting = false

  constructor(plan: WorldPlan, options: WorldOptions) {
    this.#plan = plan
    this.#options = options
    this.#trace = new Trace(() => this.#clock.now(), options.trace ?? false)
    this.#random = new SimRandom(`world/${plan.seed}/${plan.topology}`)
    this.#origin = new Origin(this.#clock, plan.features.has('empty-values'))
    const trace = (text: string) => this.#trace.add(text)
    const count = (what: string) => this.#count(what)
    this.#checker = new Checker({
      now: () => this.#clock.now(),
      origin: this.#origin,
      report: (violation) => this.violated(violation),
      travelMs: 2 * plan.deadlineMs,
      lagging: plan.features.has('replicas'),
      reaches: (name) => this.#nodes.some((node) => node.name === name && node.reachesAll),
    })
    this.#groups = this.#makeGroups()
    const weather: Weather = { ...fairWeather }
    this.#network = {
      clock: this.#clock,
      random: this.#random.fork('network'),
      groups: this.#groups,
      shards: plan.shards,
      weather,
      deadlineMs: plan.deadlineMs,
      supervision: supervisionOf(plan),
      replicas: replicasOf(plan),
      observe: (event) => this.#observe(event),
    }
    const shared = { clock: this.#clock, plan, checker: this.#checker, trace, count }
    const complain = (text: string) => this.violated({ promise: 'health', text })
    this.#clients = new Clients({ ...shared, random: this.#random.fork('clients'), origin: this.#origin, complain })
    this.#faults = new Faults({
      ...shared,
      random: this.#random.fork('faults'),
      groups: this.#groups,
      weather,
      nodes: () => this.#nodes,
      replace: (node, how) => void this.#replace(node, how),
      struck: (name) => this.#strikes.push(name),
    })
  }

  async run(): Promise<void> {
    this.#trace.add(describe(this.#plan))
    for (let i = 0; i < this.#plan.nodes; i++) this.#nodes.push(this.#makeNode(i))
    this.#faults.start()
    this.#nextCall()
    await this.#pass(this.#plan.horizonMs)
    this.#rest()
    await this.#pass(leastRestMs)
    const restedMs = this.#clock.now() + restMs
    while (!this.#failed && this.#clock.now() < restedMs && !this.#atRest()) await this.#pass(500)
    if (!this.#failed) await this.#judgeRest()
  }

  violated(violation: Violation): void {
    if (this.#options.promises?.includes(violation.promise) === false) return
    this.#trace.add(`VIOLATION of ${violation.promise}: ${violation.text}`)
    this.#violations.push(violation)
  }

  report(): WorldReport {
    const { lines, hash, events } = this.#trace
    for (const { primary } of this.#groups) for (const [outcome, often] of primary.twin.marks) this.#counts.set(`redis ${outcome}`, often)
    const took = { trace: lines, hash, events, strikes: this.#strikes, callsMade: this.#callsMade }
    return { plan: this.#plan, violations: this.#violations, counts: this.#counts, ...took }
  }

  get #failed(): boolean {
    return this.#violations.length >= mostViolations
  }

  /** Lets time pass, unless something is already wrong. */
  #pass(spanMs: number): Promise<void> {
    return this.#clock.runUntil(this.#clock.now() + spanMs, () => this.#failed)
  }

  // ---- what the world is made of ----

  #makeGroups(): SimGroup[] {
    const { groups, shards, faults } = this.#plan
    const skewed = faults.has('clock-skew')
    return Array.from({ length: groups }, (_, i) => {
      const own = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => shard % groups === i)
      const clockOffsetMs = serverEpochMs + (skewed ? this.#random.fork(`clock of server ${i}`).between(-500, 500) : 0)
      return new SimGroup({ id: `S${i}`, shards: own, allShards: shards, world: this.#clock, clockOffsetMs })
    })
  }

  #makeNode(index: number): WorldNode {
    const skewed = this.#plan.faults.has('clock-skew')
    const name = `P${index}.${this.#lives++}`
    const random = this.#random.fork(`clock of ${name}`)
    const drift = skewed ? random.between(-maxDrift, maxDrift) : 0
    this.#checker.trouble(name)
    return new WorldNode({
      index,
      name,
      clock: this.#clock,
      skew: { offsetMs: skewed ? random.between(0, 1_000_000) : 0, drift },
      network: this.#network,
      caches: this.#plan.caches,
      version: versionOf(this.#plan, index),
      wrap: this.#options.wrap ?? ((far) => far),
      disk: this.#diskOf(index),
      looks: this.#plan.features.has('health'),
      hear: (node, event) => this.#hear(node, event),
    })
  }

  #diskOf(index: number): SimDisk | undefined {
    const disks = disksOf(this.#plan)
    if (disks === 'none') return undefined
    const place = disks === 'own' ? index : 0
    const disk = this.#disks.get(place) ?? new SimDisk('world')
    this.#disks.set(place, disk)
    return disk
  }

  /** A process ends, and a new one takes its place a little later. */
  async #replace(node: WorldNode, how: 'kill' | 'close'): Promise<void> {
    node.closing = true
    this.#trace.add(`FAULT ${node.name} ${how === 'kill' ? 'dies' : 'closes'}`)
    if (how === 'close') {
      const { unsent } = await node.engine.close(2_000)
      this.#trace.add(`${node.name} has closed with ${unsent} unsent`)
      if (unsent === 0) this.#checker.outboxEmpty(node.name)
    }
    if (this.#diskOf(node.index)?.files.has(node.name)) this.#count('outbox left behind')
    node.kill()
    this.#dead.push(node)
    this.#nodes = this.#nodes.filter((other) => other !== node)
    this.#clock.after(this.#random.fork(`after ${node.name}`).between(10, 300), () => this.#nodes.push(this.#makeNode(node.index)))
  }

  // ---- what happens ----

  #nextCall(): void {
    const { paceMs, features } = this.#plan
    const random = this.#random
    const burst = features.has('bursts') && random.chance(0.6)
    this.#clock.after(burst ? random.between(0, 2) : random.between(0, 2 * paceMs), () => {
      if (this.#resting) return
      this.#call(this.#calls++)
      this.#nextCall()
    })
  }

  #call(number: number): void {
    if (this.#plan.cut?.calls?.has(number) === false) return
    this.#callsMade.push(number)
    const serving = this.#nodes.filter((node) => node.serving)
    if (serving.length > 0) this.#clients.act(serving, number)
  }

  #hear(node: WorldNode, event: ForebayEvent): void {
    if (event.type !== 'hit')
      this.#trace.addLazily(
        () => `${node.name} tells ${JSON.stringify(event, (name, value) => (name === 'error' ? String(value) : value))}`,
      )
    this.#count(`event ${event.type}${'why' in event ? ` ${event.why}` : ''}`)
    if (event.type === 'outbox' && event.coarsened) this.#count('outbox coarsened')
    if (event.type === 'redis-state') {
      this.#checker.trouble(node.name)
      this.#count(`state ${event.state}`)
    }
    this.#checker.engineEvent(node.name, event)
    if (event.type === 'outbox' && event.waiting === 0) this.#emptied(node)
  }

  /** With it those are empty that it has taken over: where disks are not shared, all who were in its place. */
  #emptied(node: WorldNode): void {
    this.#checker.outboxEmpty(node.name)
    if (disksOf(this.#plan) !== 'own') return
    for (const { name, index } of this.#dead) if (index === node.index) this.#checker.outboxEmpty(name)
  }

  #observe(event: NetworkEvent): void {
    this.#trace.addLazily(() => describeNetwork(event))
    this.#checker.network(event)
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }

  // ---- the end ----

  #rest(): void {
    this.#resting = true
    this.#trace.add('--- the faults stop')
    this.#clients.loaders.calm = true
    for (const node of this.#nodes.filter(({ serving }) => serving)) {
      for (const { name } of this.#plan.caches) node.control(name, { mode: 'on', ramp: 100 })
    }
    this.#faults.stop()
  }

  #atRest(): boolean {
    return (
      this.#clients.calls.waiting === 0 &&
      this.#nodes.length === this.#plan.nodes &&
      this.#nodes.every(({ engine, process, usesAll }) => {
        const { shards, outbox } = engine.stats()
        return !process.stalled && usesAll && outbox === 0 && shards.proven === shards.total
      })
    )
  }

  /** All is quiet: everybody must agree with the origin, at once and after a while. */
  async #judgeRest(): Promise<void> {
    this.#clients.calls.checkPatience()
    if (!this.#atRest()) this.#complainOfUnrest()
    for (const node of this.#nodes) if (node.engine.stats().outbox === 0) this.#checker.outboxEmpty(node.name)
    for (const disk of this.#disks.values())
      for (const name of disk.files.keys()) this.violated({ promise: 'P5', text: `the outbox of ${name} still lies on its disk` })
    // What the dead had kept has been sent by those who came after them, so from here on nobody is excused.
    if (this.#disks.size > 0) for (const { name } of this.#dead) this.#checker.outboxEmpty(name)
    const living = new Set(this.#nodes.map((node) => node.name))
    this.#checker.settle(living)
    for (let round = 0; round < 2; round++) {
      this.#trace.add(`--- everybody reads everything, round ${round + 1}`)
      for (const node of this.#nodes)
        for (const cache of this.#plan.caches) for (const key of cache.keys) this.#clients.readers.fetch(node, cache, key)
      await this.#pass(1_500)
    }
    this.#checker.finish(living)
    this.#countReplicas()
    this.#checkMonitors()
    this.#checkBounds()
    await this.#checkHealth()
    await this.#closeAll()
  }

  #countReplicas(): void {
    for (const { engine } of this.#nodes) {
      for (const [what, times] of Object.entries(engine.stats().replicas ?? {})) if (times > 0) this.#count(`replica ${what}`)
    }
  }

  /** Where nothing is broken and every write is told, nothing that a monitor follows outlives its contract by much. */
  #checkMonitors(): void {
    const { caches, faults, features } = this.#plan
    for (const { name: node, engine } of this.#nodes) {
      for (const { name, maxStalenessMs } of caches) {
        const { monitor, control } = engine.stats().caches[name] ?? {}
        if (monitor === undefined) continue
        if (monitor.consistent > 0) this.#count('monitor consistent')
        if (monitor.mismatches > 0) this.#count('monitor mismatch')
        // An empty value has no tags, so a writer who tells of a change by tags does not reach it.
        if (faults.size > 0 || features.has('floods') || features.has('empty-values')) continue
        const { staleAfter } = monitor
        const late = staleAfter['10s'] + (maxStalenessMs < 1_000 ? staleAfter['1s'] : 0)
        if (late > 0)
          this.violated({
            promise: 'P2',
            text: `${node}: the monitor of ${name} has seen ${late} values stale for too long, ${control?.mode}`,
          })
      }
    }
  }

  /** Where all is quiet, nobody has anything to complain of, soon: all that was just read at once may have been too much for a moment. */
  async #checkHealth(): Promise<void> {
    if (!this.#plan.features.has('health')) return
    const endMs = this.#clock.now() + restMs
    while (this.#clock.now() < endMs && this.#nodes.some((node) => troubleOf(node) !== undefined)) await this.#pass(500)
    for (const node of this.#nodes) {
      const trouble = troubleOf(node)
      if (trouble === undefined) this.#count('well')
      else this.violated({ promise: 'health', text: `${node.name} is not well at rest: ${trouble.status} ${trouble.output}` })
    }
  }

  #checkBounds(): void {
    for (const { name, engine } of this.#nodes) {
      const { caches } = engine.stats()
      for (const { name: cache, memory } of this.#plan.caches) {
        const entries = caches[cache]?.memory.entries ?? 0
        if (entries > memory)
          this.violated({ promise: 'health', text: `${name} keeps ${entries} entries of ${cache}, at most ${memory} are allowed` })
      }
    }
  }

  #complainOfUnrest(): void {
    for (const { name, engine, usesAll } of this.#nodes) {
      const { shards, outbox, redis } = engine.stats()
      const text = `${name} has not come to rest: ${shards.proven} of ${shards.total} shards proven, ${outbox} in the outbox`
      if (!usesAll) this.violated({ promise: 'health', text: `${name} does not use every server again: ${JSON.stringify(redis)}` })
      if (outbox > 0 || shards.proven < shards.total) this.violated({ promise: outbox > 0 ? 'P5' : 'health', text })
    }
    if (this.#clients.calls.waiting > 0)
      this.violated({ promise: 'health', text: `${this.#clients.calls.waiting} calls were never answered` })
  }

  async #closeAll(): Promise<void> {
    let open = this.#nodes.length
    for (const { engine } of this.#nodes) {
      engine.close(2_000).then(
        () => open--,
        (error: unknown) => this.violated({ promise: 'health', text: `close() failed: ${stackOf(error)}` }),
      )
    }
    await this.#pass(3_000)
    for (const { name, process } of this.#nodes) {
      if (process.timers > 0) this.violated({ promise: 'health', text: `${name} has left ${process.timers} timers behind` })
    }
    if (open > 0) this.violated({ promise: 'health', text: `${open} processes did not close` })
  }
}

/** What a process complains of. */
function troubleOf({ engine }: WorldNode) {
  const { live, ready, started } = engine.health()
  return [live, ready, started].find(({ status }) => status !== 'pass')
}

/** Quick to judge and quick to forgive, so that each state is often met. */
function supervisionOf({ deadlineMs }: WorldPlan): SupervisorPlan {
  return {
    deadline: { minMs: deadlineMs / 2, maxMs: deadlineMs },
    maxInFlight: 1_000,
    circuit: { windowMs: 2_000, minimum: 4, share: 0.5, openMs: 100, longestOpenMs: 1_000, probes: 2 },
    health: { everyMs: 1_000, uneasyEveryMs: 200, failures: 3 },
  }
}

function describe({ seed, topology, nodes, groups, shards, faults, features, caches }: WorldPlan): string {
  const world = `world ${seed} ${topology}: ${nodes} processes, ${groups} servers, ${shards} shards`
  return `${world}; faults: ${[...faults].join(' ')}; features: ${[...features].join(' ')}; ${JSON.stringify(caches)}`
}

function describeNetwork(event: NetworkEvent): string {
  if (event.type === 'link')
    return `${event.process} link ${event.link} ${event.what}${event.server ? ` (${event.server.twin.runId})` : ''}`
  const on =
    'at' in event
      ? `${event.at.cache}/${event.at.key}@${event.at.shard}${event.at.version}`
      : 'shard' in event
        ? `@${event.shard}`
        : event.group
  const asked = 'request' in event ? JSON.stringify(event.request, brief) : ''
  const answer = event.error === undefined ? JSON.stringify(event.answer, brief) : String(event.error)
  return `${event.process} exec ${event.act} ${on} ${asked} -> ${answer} by ${event.server.twin.runId}${event.late ? ' LATE' : ''}`
}

/** Bytes and maps as something readable. */
function brief(this: unknown, name: string, value: unknown): unknown {
  const raw: unknown = this !== null && typeof this === 'object' ? Reflect.get(this, name) : value
  if (raw instanceof Uint8Array) return `<${raw.length}: ${printable(raw)}>`
  if (raw instanceof Map) return Object.fromEntries(raw)
  return value
}

function printable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return /\{.*\}$/.exec(text)?.[0] ?? ''
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}
