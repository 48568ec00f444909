import type { SimClock } from '../../src/testing/sim-clock.js'
import type { Weather } from '../../src/testing/sim-link.js'
import type { GroupLinks } from '../../src/testing/sim-network.js'
import type { SimRandom } from '../../src/testing/sim-random.js'
import type { SimGroup, SimServer } from '../../src/testing/sim-server.js'
import type { Checker } from './checker.js'
import type { WorldNode } from './node.js'
import type { Fault, WorldPlan } from './plan.js'

/** What the faults may do to a world. */
export interface FaultTargets {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly plan: WorldPlan
  readonly groups: readonly SimGroup[]
  readonly weather: Weather
  readonly checker: Checker
  readonly nodes: () => readonly WorldNode[]
  readonly replace: (node: WorldNode, how: 'kill' | 'close') => void
  readonly trace: (text: string) => void
  readonly count: (what: string) => void
  /** Hears the name of each strike. */
  readonly struck: (name: string) => void
}

/** Where these strike, no two readings of server clocks can be compared. */
const clocksDiffer: readonly Fault[] = ['server-clock-jumps', 'suspends', 'clock-skew']
/** Server clocks are far from those of the processes. */
export const serverEpochMs = 1_000_000

/** Does to a world what its plan says, until told to stop; then repairs what can be repaired. */
export class Faults {
  readonly #targets: FaultTargets
  readonly #repairs = new Set<() => void>()
  /** Each strike draws from a stream of its own, so that leaving one out changes no other. */
  readonly #random: SimRandom
  readonly #replication: SimRandom
  #over = false

  constructor(targets: FaultTargets) {
    this.#targets = targets
    this.#random = targets.random.fork('strike')
    this.#replication = targets.random.fork('replication')
  }

  start(): void {
    const { plan, weather, random, checker } = this.#targets
    Object.assign(weather, badWeather(plan, random))
    if (clocksDiffer.some((fault) => plan.faults.has(fault))) checker.ignoreAges()
    const strikes = this.#strikes()
    const striking = new Set(strikes.map(([fault]) => fault))
    for (const fault of plan.faults) if (!striking.has(fault)) this.#targets.count(`fault ${fault}`)
    for (const [fault, strike] of strikes) if (plan.faults.has(fault)) this.#again(fault, strike)
    if (plan.faults.has('failovers') || plan.features.has('replicas')) this.#replicateNow()
  }

  /** Fair weather, all links and servers whole. */
  stop(): void {
    this.#over = true
    Object.assign(this.#targets.weather, fairWeather)
    for (const repair of [...this.#repairs]) repair()
    for (const group of this.#targets.groups) {
      for (const server of group.former) server.stop()
      group.replicate()
    }
  }

  #again(fault: Fault, strike: () => void): void {
    const { clock, plan } = this.#targets
    const times = this.#targets.random.fork(`times of ${fault}`)
    const next = (ordinal: number) =>
      clock.after(-Math.log(1 - times.unit()) * (plan.horizonMs / plan.strikes), () => {
        if (this.#over) return
        this.#strike(fault, `${fault}.${ordinal}`, strike)
        next(ordinal + 1)
      })
    next(0)
  }

  #strike(fault: Fault, name: string, strike: () => void): void {
    const { plan, count, struck } = this.#targets
    if (plan.cut?.strikes?.has(name) === false) return
    struck(name)
    count(`fault ${fault}`)
    this.#random.turnTo(name)
    strike()
  }

  /** Something to be undone after a while, or when the faults stop. */
  #for(spanMs: number, undo: () => void): void {
    const repair = () => {
      if (this.#repairs.delete(repair)) undo()
    }
    this.#repairs.add(repair)
    this.#targets.clock.after(spanMs, repair)
  }

  #strikes(): readonly (readonly [Fault, () => void])[] {
    const { replace } = this.#targets
    const random = this.#random
    return [
      ['link-breaks', () => this.#breakLink()],
      ['partitions', () => this.#partition()],
      ['stalls', () => this.#stall(false, random.between(20, random.pick([200, 4_000])))],
      ['suspends', () => this.#stall(true, random.between(2_500, 20_000))],
      ['kills', () => this.#node((node) => replace(node, 'kill'))],
      ['closes', () => this.#node((node) => replace(node, 'close'))],
      ['server-freezes', () => this.#freeze()],
      ['slow-servers', () => this.#slowDown()],
      ['server-restarts', () => this.#restart(false)],
      ['server-flushes', () => (random.chance(0.5) ? this.#restart(true) : this.#flush())],
      ['failovers', () => this.#failover(false)],
      ['isolations', () => this.#failover(true)],
      ['migrations', () => this.#migrate()],
      ['evictions', () => this.#evict()],
      ['server-clock-jumps', () => this.#jump()],
    ]
  }

  #node(does: (node: WorldNode) => void): void {
    const serving = this.#targets.nodes().filter((node) => node.serving)
    if (serving.length > 0) does(this.#random.pick(serving))
  }

  #links(does: (links: GroupLinks, node: WorldNode) => void): void {
    this.#node((node) => {
      const links = this.#random.pick(node.store.links)
      this.#targets.checker.trouble(node.name)
      does(links, node)
    })
  }

  #breakLink(): void {
    const { trace } = this.#targets
    const random = this.#random
    this.#links((links, node) => {
      const which = random.pick([['command'], ['listen'], ['command', 'listen']] as const)
      trace(`FAULT ${node.name} loses its ${which.join(' and ')} link to ${links.group.id}`)
      for (const link of which) links[link].break()
    })
  }

  #partition(): void {
    const { trace } = this.#targets
    const random = this.#random
    this.#links((links, node) => {
      const directions = random.pick([['out'], ['back'], ['out', 'back']] as const)
      const which = random.pick([['command'], ['listen'], ['command', 'listen'], ['command', 'listen']] as const)
      const breaks = random.chance(0.5)
      trace(`FAULT ${node.name} is cut off from ${links.group.id}: ${directions.join(' and ')} of ${which.join(' and ')}`)
      for (const link of which) for (const direction of directions) links[link].block(direction)
      this.#for(random.between(50, 5_000), () => {
        trace(`FAULT ${node.name} reaches ${links.group.id} again${breaks ? ', on new links' : ''}`)
        this.#targets.checker.trouble(node.name)
        for (const link of which) {
          if (breaks) links[link].break()
          for (const direction of directions) links[link].unblock(direction)
        }
      })
    })
  }

  #stall(suspended: boolean, spanMs: number): void {
    const { trace, checker, clock, plan, count } = this.#targets
    this.#node((node) => {
      if (node.process.stalled) return
      if (plan.caches.some(({ maxStalenessMs }) => spanMs > maxStalenessMs))
        count(`${suspended ? 'suspended' : 'stalled'} beyond maxStaleness`)
      trace(`FAULT ${node.name} ${suspended ? 'is suspended' : 'stalls'} for ${spanMs.toFixed(0)} ms`)
      node.stalledMs += spanMs
      checker.trouble(node.name)
      if (suspended) node.process.suspend(spanMs)
      else node.process.stall(spanMs)
      clock.after(spanMs, () => checker.trouble(node.name))
    })
  }

  #group(does: (group: SimGroup, server: SimServer) => void): void {
    const { groups, checker, nodes } = this.#targets
    const group = this.#random.pick(groups)
    if (!group.primary.reachable) return
    for (const node of nodes()) checker.trouble(node.name)
    does(group, group.primary)
  }

  #freeze(): void {
    const { trace } = this.#targets
    const random = this.#random
    this.#group((_, server) => {
      const spanMs = random.between(20, random.pick([300, 3_000]))
      trace(`FAULT ${server.name} freezes for ${spanMs.toFixed(0)} ms`)
      server.freeze(spanMs)
      this.#for(spanMs, () => server.thaw())
    })
  }

  /** It does what it is asked, and its answers come too late. */
  #slowDown(): void {
    const { trace, plan } = this.#targets
    const random = this.#random
    this.#group((_, server) => {
      server.slowMs = plan.deadlineMs * random.between(0.4, 2)
      trace(`FAULT ${server.name} is slow: ${server.slowMs.toFixed(0)} ms more`)
      this.#for(random.between(200, 3_000), () => {
        server.slowMs = 0
      })
    })
  }

  #restart(loseData: boolean): void {
    const { trace, checker } = this.#targets
    const random = this.#random
    this.#group((group, server) => {
      trace(`FAULT ${server.name} stops`)
      server.stop()
      if (loseData) checker.historyBroken(group.shards)
      this.#for(random.between(20, 2_000), () => {
        trace(`FAULT ${server.name} starts again ${loseData ? 'without' : 'with'} its data`)
        server.start({ loseData })
      })
    })
  }

  #flush(): void {
    this.#group((group, server) => {
      this.#targets.trace(`FAULT ${server.name} is flushed`)
      this.#targets.checker.historyBroken(group.shards)
      server.twin.flush()
    })
  }

  #failover(isolates: boolean): void {
    const { trace, checker, count } = this.#targets
    this.#group((group) => {
      if (isolates) group.replicate()
      const lost = group.failover({ oldStays: isolates, clockOffsetMs: this.#newClock() })
      const how = isolates
        ? 'which has everything; the old primary stays reachable'
        : `which lacks what was done since ${lost.sinceMs.toFixed(1)}`
      trace(`FAULT ${group.id} fails over to ${group.primary.name}, ${how}`)
      if (checker.failover(isolates ? undefined : lost) > 0) count('failover lost fences')
      checker.historyBroken(group.shards)
      if (isolates) this.#leaveSome(group)
    })
  }

  /** Nothing is lost, and nobody is told: who asks the group that held the shard is sent away. */
  #migrate(): void {
    const { groups, trace, count } = this.#targets
    this.#group((from) => {
      const others = groups.filter((group) => group !== from && group.primary.reachable)
      if (others.length === 0 || from.shards.length === 0) return
      const [to, shard] = [this.#random.pick(others), this.#random.pick(from.shards)]
      trace(`FAULT shard ${shard} moves from ${from.id} to ${to.id}`)
      count('shard moved')
      to.take(shard, from)
    })
  }

  /** As in the field, the replica's clock is a little off that of the old primary. */
  #newClock(): number {
    const { plan } = this.#targets
    return serverEpochMs + (plan.faults.has('clock-skew') ? this.#random.between(-500, 500) : 0)
  }

  /** Some links lead to the new primary at once, the others stay with the old one until it goes. */
  #leaveSome(group: SimGroup): void {
    const { nodes, trace } = this.#targets
    const random = this.#random
    for (const node of nodes()) {
      for (const links of node.store.links) {
        if (links.group !== group) continue
        if (random.chance(0.5)) links.command.break()
        if (random.chance(0.5)) links.listen.break()
      }
    }
    const old = group.former
    this.#for(random.between(200, 5_000), () => {
      for (const server of old) {
        if (!server.up) continue
        trace(`FAULT ${server.name}, the former primary, goes`)
        server.stop()
      }
    })
  }

  #replicateNow(): void {
    const { groups, clock } = this.#targets
    const random = this.#replication
    clock.after(random.between(5, random.pick([50, 2_000])), () => {
      if (this.#over) return
      random.pick(groups).replicate()
      this.#replicateNow()
    })
  }

  #evict(): void {
    const { trace, checker } = this.#targets
    const random = this.#random
    this.#group((group, server) => {
      if (group.shards.length === 0) return
      const kind = random.pick(['meta', 'stamps', 'log', 'entry', 'lease'] as const)
      const shard = random.pick(group.shards)
      trace(`FAULT ${server.name} evicts ${kind} of shard ${shard}`)
      checker.historyBroken([shard])
      server.twin.evict(kind, shard)
    })
  }

  #jump(): void {
    const { trace } = this.#targets
    this.#group((_, server) => {
      const byMs = Math.round(this.#random.between(-5_000, 5_000))
      trace(`FAULT the clock of ${server.name} jumps by ${byMs} ms`)
      server.shiftClock(byMs)
    })
  }
}

/** Messages arrive, in a moment. */
export const fairWeather: Weather = {
  latencyMs: [0.2, 1.5],
  slow: 0,
  slowMs: 0,
  lostRequest: 0,
  lostAnswer: 0,
  lateCopy: 0,
  lostPush: 0,
  wrongServer: 0,
}

function badWeather({ faults, deadlineMs }: WorldPlan, random: SimRandom): Weather {
  const pick = <T>(fault: Fault, shares: readonly T[], otherwise: T): T =>
    faults.has(fault) ? random.fork(`weather of ${fault}`).pick(shares) : otherwise
  return {
    latencyMs: [0.2, pick('slow-network', [5, 40], fairWeather.latencyMs[1])],
    slow: pick('slow-network', [0.05], 0),
    slowMs: deadlineMs * 1.5,
    lostRequest: pick('lost-requests', [0.01, 0.05], 0),
    lostAnswer: pick('lost-answers', [0.01, 0.05], 0),
    lateCopy: pick('late-copies', [0.01, 0.05], 0),
    lostPush: pick('lost-pushes', [0.05, 0.4, 1], 0),
    wrongServer: pick('isolations', [0.3], 0),
  }
}
