import { type OpenPeer, peerCaches } from '../peer-caches.js'
import { keyOf, sizes } from '../values.js'
import { memoryKeys, type OpenSubject, redisKeys, redisOf, type SubjectPlan } from './subject.js'

/** A peer's hit in memory, and its hit in Redis alone. */
export const subjects: Readonly<Record<string, OpenSubject>> = Object.fromEntries(
  Object.entries(peerCaches).flatMap(([name, open]) => [
    [`${name}, memory`, opener(open, true)],
    [`${name}, redis`, opener(open, false)],
  ]),
)

function opener(open: OpenPeer, memory: boolean): OpenSubject {
  return async (plan) => {
    const keys = memory ? memoryKeys : redisKeys
    const cache = await open({ peers: folderOf(plan), memory, redisUrl: memory ? undefined : redisOf(plan) })
    const names = Array.from({ length: keys }, (_, id) => `peer:${keyOf(id)}`)
    for (const [id, key] of names.entries()) await cache.set(key, sizes[plan.size](id))
    let misses = 0
    const load = (): unknown => misses++
    return {
      pace: memory ? 'settles' : 'waits',
      keys,
      run: (i) => cache.getOrSet(names[i] as string, load),
      check() {
        if (misses > 0) throw new Error(`${misses} misses`)
      },
      close: async () => void (await cache.close()),
    }
  }
}

function folderOf({ peers }: SubjectPlan): string {
  if (peers === undefined) throw new Error('the peers are not installed')
  return peers
}
