import type { ValuesMode } from '../../src/core/kept-value.js'
import type { ReplicaPlan } from '../../src/core/far-store.js'
import type { EvictionPolicy } from '../../src/core/near-store.js'
import type { LoadBounds } from '../../src/core/plan.js'
import { SimRandom } from '../../src/testing/sim-random.js'

/**
 * What a world is like, drawn from its seed. Swarm testing: each seed switches on a random part of the faults and features, because a
 * world in which everything happens at once hides what happens only while something else does not.
 */
export interface WorldPlan {
  readonly seed: number
  readonly topology: Topology
  readonly nodes: number
  readonly groups: number
  readonly shards: number
  readonly caches: readonly CacheModel[]
  /** How long clients and faults are at work; then the faults stop. */
  readonly horizonMs: number
  /** Usual time between two client calls. */
  readonly paceMs: number
  readonly deadlineMs: number
  readonly faults: ReadonlySet<Fault>
  /** How often each fault that strikes at moments does so, about. */
  readonly strikes: number
  readonly features: ReadonlySet<Feature>
  /** What is left out of what the seed would have; default: nothing. */
  readonly cut?: Cut | undefined
}

/** The part of a world's faults and calls that takes place, by their names: everything else stays as the seed draws it. */
export interface Cut {
  /** `kills.2` is the third death. */
  readonly strikes?: ReadonlySet<string> | undefined
  /** The clients' calls, by their numbers. */
  readonly calls?: ReadonlySet<number> | undefined
}

export const topologies = ['single', 'cluster'] as const
export type Topology = (typeof topologies)[number]

export const faults = [
  'slow-network',
  'lost-requests',
  'lost-answers',
  'late-copies',
  'lost-pushes',
  'link-breaks',
  'partitions',
  'stalls',
  'suspends',
  'kills',
  'closes',
  'server-freezes',
  'server-restarts',
  'server-flushes',
  'failovers',
  'isolations',
  'migrations',
  'evictions',
  'server-clock-jumps',
  'clock-skew',
  'loader-failures',
  'loader-hangs',
  'slow-loaders',
  'slow-servers',
] as const
export type Fault = (typeof faults)[number]

export const features = [
  'tags',
  'clears',
  'patterns',
  'many-keys',
  'updates',
  'versions',
  'tokens',
  'fresh',
  'aborts',
  'sets',
  'stale-marks',
  'empty-values',
  'do-not-store',
  'bursts',
  'floods',
] as const

/** What is drawn from streams of its own, so that a world without any of it is the one that it was before there was this. */
export const breadths = [
  'bulk',
  'warm',
  'scopes',
  'again',
  'inspections',
  'revalidation',
  'origin-versions',
  'controls',
  'monitor',
  'value-modes',
  'policies',
  'negative-ttl',
  'load-bounds',
  'replicas',
  'kept-outboxes',
  'health',
] as const
export type Feature = (typeof features)[number] | (typeof breadths)[number]

/** The version of the caches in the process of this index: two of them live side by side during a rolling deploy. */
export function versionOf(plan: WorldPlan, index: number): string {
  return plan.features.has('versions') && index % 2 === 1 ? 'next' : ''
}

export interface CacheModel {
  readonly name: string
  readonly ttlMs: number
  readonly staleMs: number
  readonly errorMs: number
  readonly maxStalenessMs: number
  readonly hardTimeoutMs: number
  readonly onOutage: 'reload' | 'serve'
  /** Entries kept in memory; 0 = none. */
  readonly memory: number
  readonly lives: LivesModel
  readonly manners: MannersModel
  readonly keys: readonly KeyModel[]
}

/** How values live in a cache, besides its ttl and windows; 0 = not so. */
export interface LivesModel {
  /** Lives slide up to this age. */
  readonly slideMs: number
  readonly beta: number
  readonly softTimeoutMs: number
  readonly keepMs: number
  readonly memoryMs: number
  /** 1: they do not end by time. */
  readonly endless: number
  /** Memory keeps what is read so often a second. */
  readonly hotPerSecond: number
  /** Prolonged by up to so many spans, by use. */
  readonly spans: number
}

/** How a cache goes about its work, where that is not the usual way. */
export interface MannersModel {
  readonly policy: EvictionPolicy
  readonly values: ValuesMode
  /** For null and undefined; 0 = they are not kept. */
  readonly negativeMs: number | undefined
  readonly loads: LoadBounds
  readonly monitored: boolean
}

export const usualManners: MannersModel = {
  policy: 's3fifo',
  values: 'frozen',
  negativeMs: undefined,
  loads: { max: 256, queue: 10_000 },
  monitored: false,
}

export interface KeyModel {
  readonly key: string
  readonly tags: readonly string[]
  /** `set` is for keys with one writer: this node alone commits to and sets such a key. */
  readonly setBy: number | undefined
}

/** The tags of a world. */
export const tagNames = ['red', 'blue'] as const

/** The plan of a seed. `topology` overrules what the seed would have. */
export function planWorld(seed: number, topology?: Topology | undefined): WorldPlan {
  const random = new SimRandom(`plan/${seed}`)
  const drawn = random.chance(0.65) ? 'single' : 'cluster'
  const chosen = topology ?? drawn
  const groups = chosen === 'single' ? 1 : 2 + random.below(2)
  const shards = chosen === 'single' ? 1 + random.below(3) : groups + random.below(3)
  const nodes = random.pick([1, 2, 2, 2, 3, 3, 4])
  const drawnFeatures = features.filter((feature) => random.chance(feature === 'floods' ? 0.03 : 0.6))
  const switchedOn = new Set<Feature>([...drawnFeatures, ...planBreadth(new SimRandom(`breadth/${seed}`))])
  return {
    seed,
    topology: chosen,
    nodes,
    groups,
    shards,
    caches: Array.from({ length: 1 + random.below(2) }, (_, i) => planCache(random, { name: `c${i}`, nodes, features: switchedOn })),
    horizonMs: random.pick([3_000, 6_000, 6_000, 12_000]),
    paceMs: random.pick([8, 15, 30, 60]),
    deadlineMs: random.pick([80, 150, 400]),
    faults: planFaults(random, groups),
    strikes: random.pick([2, 4, 4, 8]),
    features: switchedOn,
  }
}

/** On whose disk the processes of a world keep their outboxes, if they do: each has its own, or all share one. */
export function disksOf({ seed, features }: WorldPlan): 'none' | 'own' | 'shared' {
  return features.has('kept-outboxes') ? new SimRandom(`disks/${seed}`).pick(['own', 'shared']) : 'none'
}

/** How the processes of a world read from replicas, if they do. */
export function replicasOf({ seed, features }: WorldPlan): ReplicaPlan | undefined {
  const random = new SimRandom(`replicas/${seed}`)
  const reads = random.pick(['hedge', 'prefer'] as const)
  return features.has('replicas') ? { reads, hedgeAfterMs: random.pick([1, 5, 20]), budget: random.pick([0.1, 1]) } : undefined
}

/** Two worlds in five have none of it. */
function planBreadth(random: SimRandom): readonly Feature[] {
  return random.chance(0.4) ? [] : breadths.filter(() => random.chance(0.35))
}

/** One world in eight has no faults at all: there every promise is exact. */
function planFaults(random: SimRandom, groups: number): ReadonlySet<Fault> {
  if (random.chance(0.125)) return new Set()
  const share = random.pick([0.08, 0.15, 0.3])
  return new Set(faults.filter((fault) => random.chance(share) && (fault !== 'migrations' || groups > 1)))
}

/** Half of the caches have none of it. */
function planLives(random: SimRandom): LivesModel {
  const lively = random.chance(0.5)
  const one = (choices: readonly number[]) => (lively ? random.pick([0, ...choices]) : 0)
  return {
    ...{ slideMs: one([5_000]), beta: one([1, 20]), softTimeoutMs: one([10, 200]), keepMs: one([60_000]), memoryMs: one([100, 1_000]) },
    ...{ endless: one([1]), hotPerSecond: one([4]), spans: one([8]) },
  }
}

function planManners(random: SimRandom, features: ReadonlySet<Feature>): MannersModel {
  const one = <T>(feature: Feature, usual: T, others: readonly T[]): T => (features.has(feature) ? random.pick(others) : usual)
  const { policy, values, negativeMs, loads } = usualManners
  return {
    policy: one('policies', policy, ['lru', 'lfu']),
    values: one('value-modes', values, ['cloned', 'shared']),
    negativeMs: one('negative-ttl', negativeMs, [0, 100]),
    loads: one('load-bounds', loads, [
      { max: 1, queue: 2 },
      { max: 2, queue: 0 },
    ]),
    monitored: features.has('monitor'),
  }
}

function planCache(
  random: SimRandom,
  given: { readonly name: string; readonly nodes: number; readonly features: ReadonlySet<Feature> },
): CacheModel {
  const windowMs = () => random.pick([0, 0, 1_000, 60_000])
  return {
    name: given.name,
    ttlMs: random.pick([300, 2_000, 3_600_000, 3_600_000]),
    staleMs: windowMs(),
    errorMs: windowMs(),
    maxStalenessMs: random.pick([200, 500, 2_000]),
    hardTimeoutMs: random.pick([800, 3_000]),
    onOutage: random.chance(0.15) ? 'serve' : 'reload',
    memory: random.pick([0, 2, 100, 100, 100]),
    lives: planLives(random.fork(`lives/${given.name}`)),
    manners: planManners(random.fork(`manners/${given.name}`), given.features),
    keys: Array.from({ length: 1 + random.below(4) }, (_, i) => planKey(random, i, given)),
  }
}

function planKey(random: SimRandom, index: number, given: { readonly nodes: number; readonly features: ReadonlySet<Feature> }): KeyModel {
  return {
    key: `k${index}`,
    tags: given.features.has('tags') ? tagNames.filter(() => random.chance(0.5)) : [],
    setBy: given.features.has('sets') && random.chance(0.4) ? random.below(given.nodes) : undefined,
  }
}
