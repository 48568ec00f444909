import { until } from '../../../../scripts/until.mjs'
import { ForebayError } from '../../src/core/errors.js'
import { createRedisFarStore, type RedisFarStore, type RedisParts } from '../../src/redis/far-store.js'
import { deadlinesFor, defaultReconnect, type RedisPlan } from '../../src/redis/plan.js'
import { defaultSupervision } from '../../src/core/supervisor/supervisor-plan.js'
import { systemRandom } from '../../src/system/chance.js'
import { systemClock } from '../../src/system/clock.js'

export interface OpenStoreOptions extends Partial<Omit<RedisPlan, 'nodes'>> {
  readonly urls: readonly string[]
  readonly parts?: Partial<RedisParts> | undefined
}

/** A plan for these servers, with defaults for all that is not given, but in no hurry: what stores answer is asked, seldom how soon. */
export function planFor({ urls, parts: _, ...given }: OpenStoreOptions): RedisPlan {
  const { deadlines = { ...deadlinesFor(2_000), connectMs: 2_000 } } = given
  const { readMs } = deadlines
  return {
    service: 'shop',
    shards: undefined,
    mode: 'single',
    nodes: urls.map((url) => new URL(url)).map(({ hostname, port }) => ({ host: hostname, port: Number(port) })),
    path: undefined,
    sentinel: undefined,
    credentials: { username: undefined, password: undefined },
    db: 0,
    tls: false,
    deadlines,
    reconnect: defaultReconnect,
    supervision: { ...defaultSupervision, deadline: { minMs: readMs, maxMs: readMs } },
    retryOnTimeout: false,
    replicas: undefined,
    ...given,
  }
}

/** A far store on real Redis with the real clock. */
export function openStore(options: OpenStoreOptions): RedisFarStore {
  const parts = { clock: systemClock, random: systemRandom, tell: () => {}, onShards: () => {}, onUp: () => {}, onEvictionPolicy: () => {} }
  return createRedisFarStore(planFor(options), { ...parts, ...options.parts })
}

/** Resolves when every shard can be used and asked about. */
export async function untilConnected(store: RedisFarStore): Promise<void> {
  await until('every shard has its node', () => Array.from({ length: store.shards }, (_, i) => store.nodeOf(i)).every(Boolean))
  await until('every group answers', async () => (await Promise.all(store.groups().map((group) => store.ask(group)))).length > 0)
}

/** A refusal by a replica makes the link anew; a call that falls into that moment is made again once it stands. */
export function patient(store: RedisFarStore): RedisFarStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const answer: unknown = member.apply(target, args)
        return answer instanceof Promise ? answer.catch((error: unknown) => again(error, () => member.apply(target, args))) : answer
      }
    },
  })
}

async function again(error: unknown, call: () => unknown): Promise<unknown> {
  if (!isBroken(error)) throw error
  const { outcome } = await until('a link that stands', async () => ({ outcome: await outcomeOf(call) }))
  return outcome()
}

/** What came of a call, unless the link is away. */
async function outcomeOf(call: () => unknown): Promise<() => unknown> {
  try {
    const answer = await call()
    return () => answer
  } catch (error) {
    if (isBroken(error)) throw error
    return () => Promise.reject(error)
  }
}

/** A server that takes no writes is left until it does: to wait for that is not a call's business. */
function isBroken(error: unknown): boolean {
  return error instanceof ForebayError && error.code === 'E_REDIS_AWAY' && !/closed$|READONLY|NOREPLICAS/.test(error.message)
}
