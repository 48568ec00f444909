// npm run hit-ratio -- [--only oltp] [--policy lru] [--entries 500,1000]: hit ratios of the memory's policies on real traces, if they lie beside the repository.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { createForebay, type EvictionPolicy } from 'forebay'
import { parseArguments } from './arguments.js'

const given = parseArguments(process.argv.slice(2), ['only', 'policy', 'entries'])
const folder = join('..', 'shared', 'traces')
const shares = [0.01, 0.05, 0.1, 0.25]
const policies: readonly EvictionPolicy[] = ['s3fifo', 'lru', 'lfu']
const suffix = '.ctr.br'

if (!existsSync(folder)) console.log(`there are no traces in ${folder}`)
else for (const file of readdirSync(folder)) if (file.endsWith(suffix) && file.startsWith(given.get('only') ?? '')) await measure(file)

/** Column by column behind a line of JSON; the first column is the key. */
function keysIn(file: string): Uint32Array {
  const bytes = brotliDecompressSync(readFileSync(join(folder, file)))
  const start = bytes.indexOf(10) + 1
  const { requests } = JSON.parse(bytes.toString('utf8', 0, start)) as { requests: number }
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + start + 4 * requests))
}

async function measure(file: string): Promise<void> {
  const keys = keysIn(file)
  const distinct = keys.reduce((most, key) => Math.max(most, key), 0) + 1
  const sizes = given.get('entries')?.split(',').map(Number) ?? shares.map((share) => Math.round(share * distinct))
  for (const maxEntries of sizes) {
    for (const policy of policies) {
      if (given.has('policy') && given.get('policy') !== policy) continue
      const ratio = await hitRatio(keys, policy, maxEntries)
      console.log(`${file.replace(suffix, '').padEnd(12)}${String(maxEntries).padStart(8)}  ${policy.padEnd(8)}${(100 * ratio).toFixed(1)}`)
    }
  }
}

/** By the public door, as a service would: `peek`, and `set` on a miss. */
async function hitRatio(keys: Uint32Array, policy: EvictionPolicy, maxEntries: number): Promise<number> {
  const forebay = createForebay({ service: 'bench', redis: false })
  const cache = forebay.cache<number>('trace', { ttl: '30d', memory: { maxEntries, maxBytes: 2 ** 40, policy } })
  await forebay.ready()
  let hits = 0
  for (const key of keys) {
    if (cache.peek(key) === undefined) await cache.set(key, key)
    else hits++
  }
  await forebay.close()
  return hits / keys.length
}
