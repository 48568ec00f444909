import { until } from '../../../../scripts/until.mjs'
import type { ForebayEvent } from '../../src/core/events.js'
import { createRedisFarStore, type RedisFarStore, type RedisParts } from '../../src/redis/far-store.js'
import { deadlinesFor, type RedisPlan } from '../../src/redis/plan.js'
import { systemRandom } from '../../src/system/chance.js'
import { systemClock } from '../../src/system/clock.js'

export interface OpenStoreOptions extends Partial<Omit<RedisPlan, 'nodes'>> {
  readonly url: string
  readonly tell?: ((event: ForebayEvent) => void) | undefined
  readonly parts?: Partial<RedisParts> | undefined
}

/** A plan for the server at this URL, with defaults for all that is not given. */
export function planFor({ url, tell: _, parts: __, ...given }: OpenStoreOptions): RedisPlan {
  const { hostname, port } = new URL(url)
  return {
    service: 'shop',
    shards: undefined,
    mode: 'single',
    nodes: [{ host: hostname, port: Number(port) }],
    path: undefined,
    sentinel: undefined,
    credentials: { username: undefined, password: undefined },
    db: 0,
    tls: false,
    deadlines: deadlinesFor(),
    ...given,
  }
}

/** A far store on real Redis with the real clock. */
export function openStore(options: OpenStoreOptions): RedisFarStore {
  return createRedisFarStore(planFor(options), {
    clock: systemClock,
    random: systemRandom,
    tell: options.tell ?? (() => {}),
    onShards: () => {},
    ...options.parts,
  })
}

/** Resolves when every shard can be used and asked about. */
export async function untilConnected(store: RedisFarStore): Promise<void> {
  await until('every shard has its node', () => Array.from({ length: store.shards }, (_, i) => store.nodeOf(i)).every(Boolean))
  await until('every group answers', async () => (await Promise.all(store.groups().map((group) => store.ask(group)))).length > 0)
}
