import { ForebayError } from '../core/errors.js'
import type { EntryAddress, FarStore, ReplicaPlan, Replicas, ShardGroup } from '../core/far-store.js'
import type { Notice } from '../core/notice.js'
import { orError } from '../core/settled.js'
import { HealthLoop } from '../core/supervisor/health-loop.js'
import { Supervisor } from '../core/supervisor/supervisor.js'
import type { SupervisorPlan } from '../core/supervisor/supervisor-plan.js'
import type { Tell } from '../core/events.js'
import type { TwinServer } from '../memory/twin-server.js'
import { sweepTwin } from '../memory/twin-sweep.js'
import type { SimClock } from './sim-clock.js'
import { type Execution, SimLink, type Weather } from './sim-link.js'
import type { SimProcess } from './sim-process.js'
import type { SimRandom } from './sim-random.js'
import type { SimGroup, SimServer } from './sim-server.js'

/** What happens in the network, for traces and checkers. */
export type NetworkEvent =
  | ({ readonly type: 'executed'; readonly process: string } & Request & Execution)
  | {
      readonly type: 'link'
      readonly process: string
      readonly link: string
      readonly what: 'up' | 'down'
      readonly server: SimServer | undefined
    }

/** One act as it was asked for. */
export type Request =
  | {
      readonly act: 'get' | 'replica-get' | 'check' | 'acquire' | 'fill' | 'release' | 'renew' | 'extend' | 'write'
      readonly at: EntryAddress
      readonly request: object
    }
  | { readonly act: 'stamp' | 'sync' | 'replay'; readonly shard: number; readonly request: object }
  | { readonly act: 'ask' | 'sweep'; readonly group: string }

export interface SimNetworkParts {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly groups: readonly SimGroup[]
  readonly shards: number
  readonly weather: Weather
  /** A call that is not answered by then is rejected; it may still be executed. */
  readonly deadlineMs: number
  /** How servers are judged, if they are. */
  readonly supervision?: SupervisorPlan | undefined
  /** Whether the processes read from the groups' replicas too, and how. */
  readonly replicas?: ReplicaPlan | undefined
  readonly observe: (event: NetworkEvent) => void
}

/** A process's store on the network, and its links to each group, so that a world can break them. */
export interface SimStore {
  readonly far: FarStore
  readonly links: readonly GroupLinks[]
}

/** As a real process has them: one link for commands, one for questions and pushes, which have no order between them; perhaps one to the replica. */
export interface GroupLinks {
  readonly group: SimGroup
  readonly command: SimLink
  readonly listen: SimLink
  readonly replica: SimLink | undefined
  readonly supervisor: Supervisor | undefined
  readonly health: HealthLoop | undefined
}

/** A process, and how its store speaks back to it. */
export interface SimOwner {
  readonly name: string
  readonly process: SimProcess
  readonly tell?: Tell | undefined
  readonly onUp?: (() => void) | undefined
}

/** The far store of one process: every act goes over a link to whoever is at its other end. */
export function simStore(network: SimNetworkParts, owner: SimOwner): SimStore {
  const links = network.groups.map((group) => linksTo(group, network, owner))
  const map = new ShardMap(links)
  const run = <T>(link: SimLink, request: Request, act: (twin: TwinServer, nowMs: number) => T): Promise<T> => {
    const reads = looks.has(request.act) ? 1 : 0
    const supervisor = links.find(({ command }) => command === link)?.supervisor
    if (reads > 0 && link.runId !== undefined && supervisor !== undefined && supervisor.room() < reads)
      return Promise.reject(supervisor.shed(reads, owner.process.now()))
    return link.call(act, (execution) => network.observe({ type: 'executed', process: owner.name, ...request, ...execution }), reads)
  }
  const command = (shard: number) => map.of(shard).command
  /** An act on one shard. Where the shard has moved, the act has not happened, and is made once more where it belongs. */
  const onShard = async <T>(
    kind: 'command' | 'listen',
    shard: number,
    request: Request,
    act: (twin: TwinServer, nowMs: number) => T,
  ): Promise<T> => {
    const asked = map.of(shard)
    const judged = (twin: TwinServer, nowMs: number): T => {
      if (!asked.group.shards.includes(shard)) throw movedAway(shard)
      return act(twin, nowMs)
    }
    try {
      return await run(asked[kind], request, judged)
    } catch (error) {
      if (asked.group.shards.includes(shard) || !isRefusal(error)) throw error
      map.learn(shard)
      return run(map.of(shard)[kind], request, act)
    }
  }
  const onEntry =
    <R extends object, T>(
      act: Extract<Request, { at: EntryAddress }>['act'],
      does: (twin: TwinServer, at: EntryAddress, request: R, nowMs: number) => T,
    ) =>
    (at: EntryAddress, request: R): Promise<T> =>
      onShard('command', at.shard, { act, at, request }, (twin, nowMs) => does(twin, at, request, nowMs))

  const get = (at: EntryAddress) => onShard('command', at.shard, { act: 'get', at, request: {} }, (twin, nowMs) => twin.get(at, nowMs))

  const replicaGet: Replicas['get'] = (at) => {
    const link = map.of(at.shard).replica
    if (link?.runId === undefined) return undefined
    return run(link, { act: 'replica-get', at, request: {} }, (twin, nowMs) => twin.placedGet(at, nowMs))
  }

  return {
    links,
    far: {
      shards: network.shards,
      replicas: network.replicas && { plan: network.replicas, get: replicaGet },
      nodeOf: (shard) => (map.of(shard).supervisor?.isOpen ? undefined : command(shard).runId),
      nodes: () => links.flatMap(({ supervisor }) => supervisor?.stats(owner.process.now()) ?? []),
      groups: () => map.groups(),
      get,
      getMany: (ats) => Promise.all(ats.map((at) => orError(get(at)))),
      check: onEntry('check', (twin, at, request: { readonly newInc: string }, nowMs) => twin.check(at, request, nowMs)),
      acquire: onEntry('acquire', (twin, at, request: Parameters<FarStore['acquire']>[1], nowMs) => twin.acquire(at, request, nowMs)),
      fill: onEntry('fill', (twin, at, request: Parameters<FarStore['fill']>[1], nowMs) => twin.fill(at, request, nowMs)),
      release: onEntry('release', (twin, at, request: Parameters<FarStore['release']>[1], nowMs) => twin.release(at, request, nowMs)),
      renew: onEntry('renew', (twin, at, request: Parameters<FarStore['renew']>[1], nowMs) => twin.renew(at, request, nowMs)),
      extend: onEntry('extend', (twin, at, request: Parameters<FarStore['extend']>[1], nowMs) => twin.extend(at, request, nowMs)),
      write: onEntry('write', (twin, at, request: Parameters<FarStore['write']>[1], nowMs) => twin.write(at, request, nowMs)),
      stamp: (shard, request) => onShard('command', shard, { act: 'stamp', shard, request }, (twin) => twin.stamp(shard, request)),
      sync: (shard, request) =>
        onShard('command', shard, { act: 'sync', shard, request }, (twin, nowMs) => twin.sync(shard, request, nowMs)),
      ask: (asked: ShardGroup) => {
        const { group, listen } = map.group(asked.id)
        return run(listen, { act: 'ask', group: group.id }, (twin, nowMs) => {
          const elsewhere = new Set(asked.shards.filter((shard) => !group.shards.includes(shard)))
          for (const shard of elsewhere) map.learn(shard)
          if (elsewhere.size === asked.shards.length) throw movedAway(asked.shards[0] ?? 0)
          const here = asked.shards.filter((shard) => !elsewhere.has(shard))
          return { ...twin.ask(here, nowMs), elsewhere }
        })
      },
      replay: (shard, request) => onShard('listen', shard, { act: 'replay', shard, request }, (twin) => twin.replay(shard, request)),
      async sweep(request) {
        let deleted = 0
        for (const { group, command: link } of links) {
          const asked = { act: 'sweep', group: group.id } as const
          const names = () => run(link, asked, (twin) => twin.entryNames(group.shards))
          const sweep = (some: readonly string[]) => run(link, asked, (twin, nowMs) => twin.sweep(some, request, nowMs))
          deleted += await sweepTwin({ names, sweep }, request.pause)
        }
        return deleted
      },
      onNotice(listener: (shard: number, notice: Notice) => void) {
        for (const { group, listen } of links) {
          listen.listen((shard, notice) => {
            if (map.of(shard).group === group) listener(shard, notice)
          })
        }
      },
      async close() {
        for (const one of links) closeLinks(one)
      },
    },
  }
}

/** Where one process believes each shard to be. It learns that one has moved when it is sent away. */
class ShardMap {
  readonly #links: readonly GroupLinks[]
  readonly #owners = new Map<number, GroupLinks>()

  constructor(links: readonly GroupLinks[]) {
    this.#links = links
    for (const one of links) for (const shard of one.group.shards) this.#owners.set(shard, one)
  }

  of(shard: number): GroupLinks {
    const found = this.#owners.get(shard)
    if (found === undefined) throw new RangeError(`There is no shard ${shard}.`)
    return found
  }

  group(id: string): GroupLinks {
    const found = this.#links.find(({ group }) => group.id === id)
    if (found === undefined) throw new RangeError(`There is no group ${id}.`)
    return found
  }

  /** Groups that hold none of the shards are not asked. */
  groups(): ShardGroup[] {
    const shardsOf = (links: GroupLinks) => [...this.#owners].flatMap(([shard, owner]) => (owner === links ? [shard] : []))
    return this.#links.map((links) => ({ id: links.group.id, shards: shardsOf(links) })).filter(({ shards }) => shards.length > 0)
  }

  learn(shard: number): void {
    const owner = this.#links.find(({ group }) => group.shards.includes(shard))
    if (owner !== undefined) this.#owners.set(shard, owner)
  }
}

function movedAway(shard: number): ForebayError {
  return new ForebayError('E_REDIS_REFUSED', `MOVED ${shard} elsewhere`)
}

function isRefusal(error: unknown): boolean {
  return error instanceof ForebayError && error.code === 'E_REDIS_REFUSED'
}

/** Ends all links to one group. */
export function closeLinks({ command, listen, replica, health }: GroupLinks): void {
  health?.close()
  command.close()
  listen.close()
  replica?.close()
}

/** Acts that a reader waits for. */
const looks: ReadonlySet<Request['act']> = new Set(['get', 'check', 'acquire'])
const lookEveryMs = 100

function linksTo(group: SimGroup, network: SimNetworkParts, owner: SimOwner): GroupLinks {
  const supervisor = network.supervision && supervisorOf(group, network.supervision, { network, owner })
  const link = (kind: 'command' | 'listen' | 'replica') =>
    new SimLink({
      clock: network.clock,
      random: network.random.fork(`${owner.name}/${group.id}/${kind}`),
      weather: network.weather,
      process: owner.process,
      group,
      toReplica: kind === 'replica',
      deadlineMs: network.deadlineMs,
      supervisor: kind === 'command' ? supervisor : undefined,
      onUp: () => owner.onUp?.(),
      tell: (what, server) => network.observe({ type: 'link', process: owner.name, link: `${group.id}/${kind}`, what, server }),
    })
  const command = link('command')
  const ping = () =>
    command.call(
      () => undefined,
      () => {},
    )
  const health = supervisor && new HealthLoop({ clock: owner.process, supervisor, lookEveryMs, check: ping })
  return { group, command, listen: link('listen'), replica: network.replicas && link('replica'), supervisor, health }
}

function supervisorOf(
  group: SimGroup,
  plan: SupervisorPlan,
  { network, owner }: { readonly network: SimNetworkParts; readonly owner: SimOwner },
): Supervisor {
  return new Supervisor({
    node: group.id,
    plan,
    random: network.random.fork(`${owner.name}/${group.id}/supervisor`),
    nowMs: owner.process.now(),
    onChange: (change) => {
      owner.tell?.({ type: 'redis-state', ...change })
      if (change.state === 'probing') owner.onUp?.()
    },
  })
}
