/**
 * By which idea entries leave a cache: those idle longest (`lru`), those used least often (`lfu`), each at a fixed end (`ttl`), or none but by
 * invalidation (`persistent`).
 */
export type Strategy = 'lru' | 'lfu' | 'ttl' | 'persistent'

export const strategies: readonly Strategy[] = ['lru', 'lfu', 'ttl', 'persistent']

/** Why what a Redis server does when its memory is full (`maxmemory-policy`) contradicts a strategy; `undefined` where it does not. */
export function contradiction(strategy: Strategy, policy: string): string | undefined {
  const [who = '', by = ''] = policy.split('-')
  if (strategy === 'ttl') return undefined
  if (strategy === 'persistent') {
    if (who === 'allkeys') return 'it evicts entries that should stay until they are invalidated; use noeviction'
    if (who === 'volatile') return 'it evicts every entry with an end, and refuses new values when only those without one are left'
    return undefined
  }
  if (who === 'noeviction')
    return 'it takes no new values when its memory is full; use volatile-ttl, under which the shortest lives go first'
  // Prolonged lives end in the order in which the strategy would have them go.
  if (by === strategy || by === 'ttl') return undefined
  return `it evicts ${victims[by] ?? 'others'}; use volatile-${strategy} or volatile-ttl`
}

const victims: { readonly [by: string]: string } = {
  lru: 'the entries idle longest',
  lfu: 'the entries used least often',
  lrm: 'the entries written longest ago',
  random: 'any entries',
}
