import type { Tell } from '../core/events.js'
import { failureOf } from './failure.js'
import type { Link } from './link.js'

/**
 * Looks at a server's memory policy. Under `allkeys-*` the metadata of a shard can be evicted: that costs the shard's entries, never an old
 * value, but nobody wants it. Told once.
 */
export function evictionWarning(tell: Tell): (link: Link) => Promise<void> {
  let told = false
  return async (link) => {
    const policy = told ? undefined : await evictingPolicy(link)
    if (policy === undefined || told) return
    told = true
    tell({ type: 'warning', text: `Redis evicts by ${policy}; use volatile-lru or volatile-ttl, so that only entries are evicted` })
  }
}

async function evictingPolicy(link: Link): Promise<string | undefined> {
  try {
    const memory = String(await link.send('act', (redis) => redis.info('memory')))
    return /^maxmemory:0\s/m.test(memory) ? undefined : /^maxmemory_policy:(allkeys-\w+)/m.exec(memory)?.[1]
  } catch (error) {
    if (failureOf(error).code === 'E_REDIS_REFUSED') return undefined // a user who may not ask is not warned
    throw error
  }
}
