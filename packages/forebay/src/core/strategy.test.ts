import { describe, expect, it } from 'vitest'
import { contradiction, type Strategy, strategies } from './strategy.js'

const policies = [
  ...['noeviction', 'allkeys-lru', 'allkeys-lfu', 'allkeys-random'],
  ...['volatile-lru', 'volatile-lfu', 'volatile-ttl', 'volatile-random', 'volatile-lrm'],
]

describe('what a full server does', () => {
  it.each<[Strategy, readonly string[]]>([
    ['lru', ['allkeys-lru', 'volatile-lru', 'volatile-ttl']],
    ['lfu', ['allkeys-lfu', 'volatile-lfu', 'volatile-ttl']],
    ['ttl', policies],
    ['persistent', ['noeviction']],
  ])('agrees with %s only under %j', (strategy, agreeing) => {
    expect(policies.filter((policy) => contradiction(strategy, policy) === undefined)).toEqual(agreeing)
  })

  it('contradicts for a reason that is told', () => {
    for (const strategy of strategies) for (const policy of policies) expect(contradiction(strategy, policy) ?? 'it').toMatch(/^it/)
    expect(contradiction('lru', 'volatile-random')).toBe('it evicts any entries; use volatile-lru or volatile-ttl')
    expect(contradiction('lfu', 'volatile-lru')).toBe('it evicts the entries idle longest; use volatile-lfu or volatile-ttl')
  })
})
