import type { Tell } from '../core/events.js'
import { failureOf } from './failure.js'
import type { Link } from './link.js'

/** Under `allkeys-*` the metadata of a shard can be evicted: that costs the shard's entries, never an old value, but nobody wants it. */
export async function warnOfEviction(link: Link, tell: Tell): Promise<void> {
  let memory: string
  try {
    memory = String(await link.send('act', (client) => client.info('memory')))
  } catch (error) {
    if (failureOf(error).code === 'E_REDIS_REFUSED') return // a user who may not ask is not warned
    throw error
  }
  const policy = /^maxmemory_policy:(allkeys-\w+)/m.exec(memory)?.[1]
  if (policy === undefined || /^maxmemory:0\s/m.test(memory)) return
  tell({ type: 'warning', text: `Redis evicts by ${policy}; use volatile-lru or volatile-ttl, so that only entries are evicted` })
}
