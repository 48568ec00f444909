import type { Tell } from '../core/events.js'
import { failureOf } from './failure.js'
import type { Link } from './link.js'

/**
 * Looks at each server's memory policy, where it has a bound. Under `allkeys-*` the metadata of a shard can be evicted: that costs the shard's
 * entries, never an old value, but nobody wants it. Each policy is told once.
 */
export function evictionWarning(tell: Tell, heard: (policy: string) => void): (link: Link) => Promise<void> {
  const told = new Set<string>()
  return async (link) => {
    const policy = await policyOf(link)
    if (policy === undefined || told.has(policy)) return
    told.add(policy)
    heard(policy)
    if (policy.startsWith('allkeys-')) {
      tell({ type: 'warning', text: `Redis evicts by ${policy}; use volatile-lru or volatile-ttl, so that only entries are evicted` })
    }
  }
}

async function policyOf(link: Link): Promise<string | undefined> {
  try {
    const memory = String(await link.send('act', (redis) => redis.info('memory')))
    return /^maxmemory:0\s/m.test(memory) ? undefined : /^maxmemory_policy:([a-z-]+)/m.exec(memory)?.[1]
  } catch (error) {
    if (failureOf(error).code === 'E_REDIS_REFUSED') return undefined // a user who may not ask is not warned
    throw error
  }
}
