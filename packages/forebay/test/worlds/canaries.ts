import type { Position } from '../../src/core/far-store.js'
import type { Notice } from '../../src/core/notice.js'
import { ShardView } from '../../src/core/shard-view.js'
import { Supervisor } from '../../src/core/supervisor/supervisor.js'
import { Bulk } from '../../src/engine/bulk.js'
import { type Flight, Flights } from '../../src/engine/flights.js'
import { Near } from '../../src/engine/near.js'
import { Outbox } from '../../src/engine/outbox.js'
import { OutboxJournal } from '../../src/engine/outbox-journal.js'
import { Registry } from '../../src/engine/registry.js'
import { Shards } from '../../src/engine/shards.js'
import { TokenScopes } from '../../src/engine/token-scopes.js'
import { TwinServer } from '../../src/memory/twin-server.js'
import { TwinShard } from '../../src/memory/twin-shard.js'
import type { Violation } from './checker.js'
import type { WrapStore } from './node.js'
import { breadths, type Fault, type Feature, type KeyModel, usualManners, type WorldPlan } from './plan.js'

/**
 * A control: a world with a planted fault, in which the checker must find a broken promise. Each takes one rule of the protocol away,
 * between the engine and its store, in the server, or in the engine.
 */
export interface Canary {
  readonly name: string
  /** Which promise may be found broken. */
  readonly breaks: readonly Violation['promise'][]
  /** Without these nothing would show. */
  readonly faults?: readonly Fault[]
  readonly features?: readonly Feature[]
  /** Other changes to what the seed draws. */
  readonly plan?: (plan: WorldPlan) => WorldPlan
  readonly wrap?: WrapStore
  /** Plants the fault in a class; the answer takes it out again. */
  readonly plant?: () => () => void
}

/** The plan of a seed in which a canary has its chance. */
export function planFor(canary: Canary, plan: WorldPlan): WorldPlan {
  const spine = [...plan.features].filter((feature) => !breadths.some((breadth) => breadth === feature))
  const caches = plan.caches.map((cache) => ({ ...cache, manners: usualManners }))
  const changed = { ...plan, caches, faults: new Set(canary.faults), features: new Set([...spine, ...(canary.features ?? [])]) }
  return canary.plan?.(changed) ?? changed
}

/** Replaces a method for a while. */
function replace<C extends object, M extends keyof C>(owner: C, method: M, by: (original: C[M]) => C[M]): () => void {
  const original = owner[method]
  owner[method] = by(original)
  return () => {
    owner[method] = original
  }
}

function both(...restores: readonly (() => void)[]): () => void {
  return () => {
    for (const restore of restores) restore()
  }
}

/** Some processes stay with the former primary for a while, and read there what others have invalidated meanwhile. */
function readsOfTheOldPrimary(plan: WorldPlan): WorldPlan {
  const shared = (keys: readonly KeyModel[]) => keys.map((key) => ({ ...key, setBy: undefined }))
  const caches = long(plan).caches.map((cache) => ({ ...cache, memory: 0, maxStalenessMs: 200, keys: shared(cache.keys) }))
  const topology = { topology: 'single', groups: 1, shards: 1, nodes: 4 } as const
  const features = new Set([...plan.features].filter((feature) => feature === 'tags'))
  return { ...long(plan), ...topology, caches: caches.slice(0, 1), features, horizonMs: 20_000, paceMs: 30, strikes: 8 }
}

/** Nothing is kept in memory, so that all reads go to servers. */
function readsOfReplicas(plan: WorldPlan): WorldPlan {
  return { ...long(plan), horizonMs: 12_000, caches: long(plan).caches.map((cache) => ({ ...cache, memory: 0 })) }
}

/** Lost and forgotten stamps raise a shard's floor; here nobody heeds it. */
function withoutFloor(): () => void {
  return replace(TwinShard.prototype, 'judge', (judge) => {
    return function (this: TwinShard, provenance, place) {
      const verdict = judge.call(this, provenance, place)
      return verdict === 'floor' ? 'valid' : verdict
    }
  })
}

/** Its link of the chain, and nothing of what it tells. */
function blank({ inc, seq, nonce, previous }: Notice): Notice {
  return { inc, seq, nonce, previous, kind: 'filled', cache: 'none', key: 'none' }
}

const long = (plan: WorldPlan): WorldPlan => ({
  ...plan,
  nodes: Math.max(2, plan.nodes),
  strikes: 12,
  caches: plan.caches.map((cache) => ({ ...cache, ttlMs: 3_600_000, onOutage: 'reload', memory: 100 })),
})
const tagged = (plan: WorldPlan): WorldPlan => {
  const caches = long(plan).caches.map((cache) => ({ ...cache, keys: cache.keys.map((key) => ({ ...key, tags: ['red'] })) }))
  return { ...long(plan), caches }
}

/** Many keys that are seldom read, without memory: what is in Redis is seen long after. */
const manyKeys = (plan: WorldPlan): WorldPlan => {
  const keys = Array.from({ length: 24 }, (_, i) => ({ key: `k${i}`, tags: ['red'], setBy: undefined }))
  return { ...plan, caches: plan.caches.slice(0, 1).map((cache) => ({ ...cache, memory: 0, keys })) }
}

export const canaries: readonly Canary[] = [
  {
    name: 'fences are off: a fill takes whatever lease it needs',
    breaks: ['P1'],
    plan: long,
    wrap: (far, { random }) => ({
      ...far,
      async fill(at, request) {
        const token = `${random.id()}.0`
        const lease = await far.acquire(at, { token, leaseMs: 1_000, newInc: random.id(), force: true, takeover: undefined })
        if (lease.kind !== 'lease') return { kind: 'refused', why: 'lease' }
        return far.fill(at, { ...request, token, inc: lease.inc, seq: lease.seq })
      },
    }),
  },
  {
    name: 'a fill is executed again, late, under a lease of its own',
    breaks: ['P1'],
    plan: long,
    wrap: (far, { random, clock }) => ({
      ...far,
      async fill(at, request) {
        clock.after(300, () => {
          const token = `${random.id()}.0`
          const again = far
            .acquire(at, { token, leaseMs: 1_000, newInc: random.id(), force: true, takeover: undefined })
            .then((lease) => (lease.kind === 'lease' ? far.fill(at, { ...request, token, inc: lease.inc, seq: lease.seq }) : undefined))
          again.catch(() => undefined) // the planted fault may fail like any other act
        })
        return far.fill(at, request)
      },
    }),
  },
  {
    name: 'the log is deaf: no notices, and every question is answered with what is known already',
    breaks: ['P2', 'P1'],
    plan: long,
    wrap: (far) => {
      const known = new Map<number, Position>()
      return {
        ...far,
        onNotice: () => undefined,
        async sync(shard, request) {
          const answer = await far.sync(shard, request)
          known.set(shard, answer)
          return answer
        },
        async ask(group) {
          const answer = await far.ask(group)
          return { ...answer, positions: new Map([...answer.positions].map(([shard, position]) => [shard, known.get(shard) ?? position])) }
        },
      }
    },
  },
  {
    name: 'the contract is off: a question that is not answered proves as much as the last one that was',
    breaks: ['P2', 'P1'],
    faults: ['partitions'],
    plan: long,
    wrap: (far, { clock }) => {
      const last = new Map<string, Awaited<ReturnType<typeof far.ask>>>()
      return {
        ...far,
        async ask(group) {
          try {
            const answer = await far.ask(group)
            last.set(group.id, answer)
            return answer
          } catch (error) {
            const answer = last.get(group.id)
            if (answer === undefined) throw error
            await new Promise<void>((resolve) => void clock.after(1, resolve))
            return answer
          }
        },
      }
    },
  },
  {
    name: 'writes that are not answered count as acknowledged',
    breaks: ['P1', 'P2'],
    faults: ['lost-requests'],
    plan: long,
    wrap: (far) => ({
      ...far,
      write: (at, request) =>
        far.write(at, request).catch(() => ({ inc: request.newInc, seq: 1, head: request.nonce, stored: request.kind === 'set' })),
      stamp: (shard, request) => far.stamp(shard, request).catch(() => ({ inc: request.newInc, seq: 1, head: request.nonce })),
    }),
  },
  {
    name: 'the lease is off: who should wait loads as well',
    breaks: ['P4'],
    plan: long,
    wrap: (far) => ({
      ...far,
      async acquire(at, request) {
        const answer = await far.acquire(at, request)
        return answer.kind === 'wait' ? { ...answer, kind: 'lease', inc: request.newInc, seq: 0 } : answer
      },
    }),
  },
  {
    name: 'entries are stored without their tags',
    breaks: ['P1', 'P2'],
    features: ['tags'],
    plan: tagged,
    wrap: (far) => ({ ...far, fill: (at, request) => far.fill(at, { ...request, value: { ...request.value, tags: [] } }) }),
  },
  {
    name: 'the server ignores tag and clear stamps',
    breaks: ['P1'],
    features: ['tags', 'clears'],
    faults: ['slow-loaders'],
    plan: tagged,
    plant: () =>
      replace(TwinShard.prototype, 'judge', (judge) => {
        return function (this: TwinShard, provenance, cache) {
          return judge.call(this, provenance, cache) === 'incarnation' ? 'incarnation' : 'valid'
        }
      }),
  },
  {
    name: 'the server ignores the incarnation',
    breaks: ['P1'],
    features: ['tags', 'clears'],
    faults: ['slow-loaders', 'evictions'],
    plan: (plan) => ({ ...tagged(plan), strikes: 40 }),
    plant: () =>
      replace(TwinShard.prototype, 'judge', (judge) => {
        return function (this: TwinShard, provenance, cache) {
          return judge.call(this, { ...provenance, inc: this.position?.inc ?? provenance.inc }, cache)
        }
      }),
  },
  {
    name: 'a former primary answers questions and checked reads',
    breaks: ['P1', 'P2'],
    faults: ['isolations'],
    plan: long,
    plant: () => {
      const asWriter = <A extends unknown[], T>(act: (this: TwinServer, ...args: A) => T) =>
        function (this: TwinServer, ...args: A): T {
          const { writable } = this
          this.writable = true
          try {
            return act.apply(this, args)
          } finally {
            this.writable = writable
          }
        }
      const restoreAsk = replace(TwinServer.prototype, 'ask', asWriter)
      const restoreCheck = replace(TwinServer.prototype, 'check', asWriter)
      return () => {
        restoreAsk()
        restoreCheck()
      }
    },
  },
  {
    name: 'plain reads are trusted whatever node they go to',
    breaks: ['P1', 'P2'],
    faults: ['isolations'],
    plan: readsOfTheOldPrimary,
    plant: () =>
      replace(ShardView.prototype, 'provenBy', (provenBy) => {
        return function (this: ShardView, _node, nowMs, maxAgeMs) {
          return provenBy.call(this, this.provenNode, nowMs, maxAgeMs)
        }
      }),
  },
  {
    name: 'what is under way is not marked by notices',
    breaks: ['P1', 'P2'],
    plan: long,
    plant: () => {
      const restores = (['markKey', 'markTags', 'markAll', 'markShard'] as const).map((method) =>
        replace(Registry.prototype, method, () => () => undefined),
      )
      return () => {
        for (const restore of restores) restore()
      }
    },
  },
  {
    name: 'what is read together is not marked by notices',
    breaks: ['P1', 'P2'],
    features: ['bulk'],
    plan: long,
    plant: () =>
      replace(Registry.prototype, 'beginReading', (beginReading) => {
        return function (this: Registry, nowMs) {
          const reading = beginReading.call(this, nowMs)
          this.endReading(reading)
          return reading
        }
      }),
  },
  {
    name: 'memory is not cleaned of keys',
    breaks: ['P1', 'P2'],
    plan: long,
    plant: () => replace(Near.prototype, 'drop', () => () => undefined),
  },
  {
    name: 'memory is not cleaned of tags',
    breaks: ['P1', 'P2'],
    features: ['tags'],
    plan: tagged,
    plant: () => replace(Near.prototype, 'dropTags', () => () => undefined),
  },
  {
    name: 'a chain that does not join up is taken for one that does',
    breaks: ['P1', 'P2', 'P7'],
    faults: ['failovers', 'lost-pushes'],
    plan: tagged,
    plant: () => replace(ShardView.prototype, 'covers', () => () => true),
  },
  {
    name: 'what a failover lost is not sent again',
    breaks: ['P1', 'P2', 'P7'],
    faults: ['failovers'],
    plan: tagged,
    plant: () => {
      const restoreLost = replace(ShardView.prototype, 'takeLost', () => () => new Map())
      const restoreProven = replace(ShardView.prototype, 'proven', (proven) => {
        return function (this: ShardView, sentMs, node) {
          proven.call(this, sentMs, node)
          return new Map()
        }
      })
      return () => {
        restoreLost()
        restoreProven()
      }
    },
  },
  {
    name: 'a process reads Redis though its own invalidations wait in the outbox',
    breaks: ['P1'],
    faults: ['lost-requests', 'slow-network'],
    plan: long,
    plant: () =>
      both(
        replace(Shards.prototype, 'away', () => () => false),
        replace(Shards.prototype, 'mayReadPlainly', () => Shards.prototype.proven),
      ),
  },
  {
    name: 'the outbox forgets',
    breaks: ['P1', 'P2', 'P5'],
    faults: ['lost-requests', 'link-breaks'],
    plan: long,
    plant: () => replace(Outbox.prototype, 'add', () => () => false),
  },
  {
    name: 'plain reads are not judged by stamps',
    breaks: ['P1', 'P2'],
    features: ['tags', 'clears'],
    plan: tagged,
    plant: () => replace(ShardView.prototype, 'judge', () => () => 'valid'),
  },
  {
    name: 'shards are dropped now and then for no reason',
    breaks: ['P3'],
    plan: long,
    wrap: (far, { random }) => ({
      ...far,
      replay: (shard, request) => (random.chance(0.3) ? Promise.resolve([]) : far.replay(shard, request)),
    }),
    faults: ['lost-pushes'],
  },
  {
    name: 'a suspended process trusts its monotonic clock',
    breaks: ['P2', 'P1'],
    faults: ['suspends'],
    plan: long,
    plant: () => {
      const restoreView = replace(ShardView.prototype, 'doubt', () => () => undefined)
      const restoreNear = replace(Near.prototype, 'doubt', () => () => undefined)
      return () => {
        restoreView()
        restoreNear()
      }
    },
  },
  {
    name: 'a lease belongs to a process, not to an attempt at a seq',
    breaks: ['P1'],
    faults: ['lost-answers', 'late-copies', 'slow-loaders'],
    // Without tags and clears, only the lease can refuse a fill.
    plan: (plan) => ({
      ...long(plan),
      features: new Set([...plan.features].filter((feature) => feature !== 'tags' && feature !== 'clears')),
    }),
    wrap: (far, { name, random }) => ({
      ...far,
      acquire: (at, request) => far.acquire(at, { ...request, token: name }),
      async fill(at, request) {
        const { seq } = await far.sync(at.shard, { newInc: random.id(), stamps: 0, withLog: false })
        return far.fill(at, { ...request, token: name, seq })
      },
      renew: (at, request) => far.renew(at, { ...request, token: name }),
      release: (at, request) => far.release(at, { ...request, token: name }),
    }),
  },
  {
    name: 'a proof counts from later than its question',
    breaks: ['P2', 'P1'],
    faults: ['partitions', 'lost-pushes'],
    plan: long,
    plant: () =>
      replace(ShardView.prototype, 'proven', (proven) => {
        return function (this: ShardView, sentMs, node) {
          return proven.call(this, sentMs + 1_500, node)
        }
      }),
  },
  {
    name: 'an outage copy lives from the end of its load',
    breaks: ['P2'],
    faults: ['partitions', 'slow-loaders'],
    plan: long,
    plant: () =>
      replace(Near.prototype, 'keep', (keep) => {
        return function (this: Near, registration, held, holdUntilMs) {
          const laterMs = 2_000
          const later = { ...held, freshUntilMs: held.freshUntilMs + laterMs }
          keep.call(this, { ...registration, trueAsOfMs: registration.trueAsOfMs + laterMs }, later, holdUntilMs)
        }
      }),
  },
  {
    name: 'entries of another incarnation are judged as if they were of this one',
    breaks: ['P1', 'P2', 'P7'],
    features: ['tags'],
    faults: ['evictions'],
    plan: (plan) => ({ ...manyKeys(tagged(plan)), strikes: 40, paceMs: 8, horizonMs: 20_000 }),
    plant: () =>
      replace(ShardView.prototype, 'judge', (judge) => {
        return function (this: ShardView, envelope, cache) {
          return judge.call(this, { ...envelope, inc: this.inc ?? envelope.inc }, cache)
        }
      }),
  },
  {
    name: 'a load that an invalidation has overtaken is joined',
    breaks: ['P1'],
    faults: ['slow-loaders'],
    plan: long,
    plant: () => {
      const newest = new Map<string, Flight>()
      const restoreAdd = replace(Flights.prototype, 'add', (add) => {
        return function (this: Flights, flight) {
          newest.set(flight.registration.key, flight)
          add.call(this, flight)
        }
      })
      const restoreRemove = replace(Flights.prototype, 'remove', (remove) => {
        return function (this: Flights, flight) {
          if (newest.get(flight.registration.key) === flight) newest.delete(flight.registration.key)
          remove.call(this, flight)
        }
      })
      const restoreJoinable = replace(Flights.prototype, 'joinable', () => (key) => newest.get(key))
      return () => {
        restoreAdd()
        restoreRemove()
        restoreJoinable()
      }
    },
  },
  {
    name: 'leases are not renewed',
    breaks: ['P4'],
    faults: ['slow-loaders'],
    plan: (plan) => ({ ...long(plan), caches: long(plan).caches.map((cache) => ({ ...cache, hardTimeoutMs: 12_000 })) }),
    wrap: (far) => ({ ...far, renew: () => Promise.resolve(true) }),
  },
  {
    name: 'every token counts as heard',
    breaks: ['P7'],
    features: ['tokens'],
    plan: long,
    plant: () => replace(ShardView.prototype, 'heardWrite', () => () => 'heard'),
  },
  {
    name: 'epochs are compared wrongly: a fence voids only what was loaded long before it',
    breaks: ['P1', 'P2', 'P7'],
    features: ['tags', 'clears'],
    faults: ['slow-loaders'],
    plan: tagged,
    plant: () =>
      both(
        replace(TwinShard.prototype, 'judge', (judge) => {
          return function (this: TwinShard, provenance, place) {
            return judge.call(this, { ...provenance, epoch: provenance.epoch + 1 }, place)
          }
        }),
        replace(ShardView.prototype, 'judge', (judge) => {
          return function (this: ShardView, header, at) {
            return judge.call(this, { ...header, epoch: header.epoch + 1 }, at)
          }
        }),
      ),
  },
  {
    name: 'stamps are evicted unnoticed: losing them does not raise the floor',
    breaks: ['P1', 'P2', 'P7'],
    features: ['tags'],
    faults: ['evictions'],
    plan: (plan) => ({ ...manyKeys(tagged(plan)), strikes: 40, paceMs: 8, horizonMs: 12_000 }),
    plant: withoutFloor,
  },
  {
    name: 'stamps are pushed out unnoticed: entries older than the floor count as valid',
    breaks: ['P1', 'P2', 'P7'],
    features: ['tags', 'floods'],
    plan: (plan) => ({ ...manyKeys(tagged(plan)), paceMs: 8 }),
    plant: withoutFloor,
  },
  {
    name: 'a replay skips one notice',
    breaks: ['P1', 'P2', 'P7'],
    faults: ['lost-pushes'],
    plan: long,
    wrap: (far) => ({
      ...far,
      async replay(shard, request) {
        const notices = await far.replay(shard, request)
        return notices.map((notice, i) => (i > 0 ? notice : blank(notice)))
      },
    }),
  },
  {
    name: 'a shard that has moved to another server counts as one that has lost its history',
    breaks: ['P3'],
    faults: ['migrations'],
    plan: (plan) => ({ ...long(plan), topology: 'cluster', groups: 2, shards: 5 }),
    wrap: (far) => ({ ...far, ask: async (group) => ({ ...(await far.ask(group)), elsewhere: new Set<number>() }) }),
  },
  {
    name: 'entries are fresh for longer than they may be',
    breaks: ['P1'],
    plan: (plan) => ({ ...long(plan), caches: long(plan).caches.map((cache) => ({ ...cache, ttlMs: 300, staleMs: 0, errorMs: 0 })) }),
    wrap: (far) => ({
      ...far,
      fill: (at, request) => far.fill(at, { ...request, value: { ...request.value, freshMs: request.value.freshMs + 2_000 } }),
    }),
  },
  {
    name: 'an update stores its value whether its ticket holds or not',
    breaks: ['P1'],
    features: ['updates'],
    faults: ['slow-network'],
    plan: long,
    wrap: (far) => ({
      ...far,
      write: (at, request) => far.write(at, request.kind === 'set' ? { ...request, lease: undefined } : request),
    }),
  },
  {
    name: 'many keys are answered in another order than they were asked for',
    breaks: ['health'],
    features: ['bulk'],
    plan: long,
    plant: () =>
      replace(Bulk.prototype, 'obtain', (obtain) => {
        return async function (this: Bulk, keys, load, options) {
          return (await obtain.call(this, keys, load, options)).reverse()
        }
      }),
  },
  {
    name: 'the token of a scope does not bind the reads in it',
    breaks: ['P7'],
    faults: ['lost-pushes', 'slow-network'],
    features: ['scopes'],
    plan: (plan) => ({
      ...long(plan),
      paceMs: 8,
      horizonMs: 12_000,
      caches: long(plan).caches.map((cache) => ({ ...cache, maxStalenessMs: 2_000 })),
    }),
    plant: () =>
      replace(TokenScopes.prototype, 'run', (run) => {
        return function (this: TokenScopes, _, work) {
          return run.call(this, undefined, work)
        } as typeof run
      }),
  },
  {
    name: 'what waits for Redis is not kept on disk',
    breaks: ['P1', 'P2'],
    faults: ['kills', 'server-restarts'],
    features: ['kept-outboxes'],
    plan: (plan) => ({ ...long(plan), strikes: 8, paceMs: 15 }),
    plant: () => replace(OutboxJournal.prototype, 'keep', () => () => {}),
  },
  {
    name: 'a replica counts wherever it stands',
    breaks: ['P1', 'P7'],
    features: ['replicas'],
    plan: readsOfReplicas,
    plant: () => replace(ShardView.prototype, 'vouchesFor', () => () => true),
  },
  {
    name: 'an open circuit never closes',
    breaks: ['health'],
    faults: ['slow-servers'],
    plan: (plan) => ({ ...long(plan), paceMs: 8, caches: long(plan).caches.map((cache) => ({ ...cache, memory: 0 })) }),
    plant: () => replace(Supervisor.prototype, 'checked', () => () => undefined),
  },
]
