import type { Redis } from 'ioredis'
import { keyOf, small } from '../values.js'
import { type Line, line } from './line.js'
import type { Place } from './place.js'

/** Caches, with names of one length. */
const tagged = [
  { name: 'tags0', tags: 0 },
  { name: 'tags1', tags: 1 },
  { name: 'tags4', tags: 4 },
] as const
/** More than are kept, so that the bounds show. */
const notices = 6_000
const stamps = 10_000

/** Bytes in Redis: what entries weigh against a bare `SET`, and what a shard keeps beside them. */
export async function* spaceCost({ meter, start }: Place): AsyncGenerator<Line> {
  const { client } = meter
  const worker = await start({ maxStalenessMs: 2_000, instances: 1, shards: 1 })
  const payload = JSON.stringify(small(0))
  await client.set(`${tagged[0].name}:${keyOf(0)}`, payload, 'PX', 3_600_000)
  const bare = await usage(client, `${tagged[0].name}:${keyOf(0)}`)
  yield line(`bare SET of ${Buffer.byteLength(payload)} bytes`, bare, 'bytes')
  for (const { name, tags } of tagged) {
    await worker.call('store', { name, tags })
    const key = `fb1:{shop.0}:${name}:${keyOf(0)}`
    yield line(`entry of the same, ${tags} tags: header`, (await client.strlen(key)) - Buffer.byteLength(payload), 'bytes')
    yield line(`entry of the same, ${tags} tags: above the bare SET`, (await usage(client, key)) - bare, 'bytes')
  }
  await worker.call('beginLoad')
  yield line('lease', await usage(client, 'fb1:{shop.0}:#lease:books:held'), 'bytes, while a load runs')
  await worker.call('endLoad')
  yield line('meta of a shard', await usage(client, 'fb1:{shop.0}:#meta'), 'bytes')
  yield line('config of a service', await usage(client, 'fb1:{shop}:#config'), 'bytes')
  yield* logSpace(client, () => worker.call('run', { act: 'invalidate', count: notices }))
  yield* stampSpace(client, (from, count) => worker.call('stamp', { from, count }))
  await worker.close()
}

async function* logSpace(client: Redis, add: () => Promise<unknown>): AsyncGenerator<Line> {
  const name = 'fb1:{shop.0}:#log'
  await add()
  const length = await client.xlen(name)
  const bytes = await usage(client, name)
  yield line('log of a shard: a notice', bytes / length, 'bytes')
  yield line('log of a shard: bound', length, `notices, ${Math.round(bytes / 1_000)} kB`)
}

async function* stampSpace(client: Redis, add: (from: number, count: number) => Promise<unknown>): AsyncGenerator<Line> {
  const name = 'fb1:{shop.0}:#stamps'
  await add(0, 1_000)
  yield line('stamps of a shard: a tag', (await usage(client, name)) / (await client.zcard(name)), 'bytes')
  await add(1_000, stamps - 1_000)
  const kept = (await client.zcard(name)) - 1
  yield line('stamps of a shard: bound', kept, `tags, ${Math.round((await usage(client, name)) / 1_000)} kB`)
}

/** With every element, not a sample of them. */
async function usage(client: Redis, name: string): Promise<number> {
  return Number(await client.memory('USAGE', name, 'SAMPLES', 0))
}
