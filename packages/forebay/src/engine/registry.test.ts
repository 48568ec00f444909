import { describe, expect, it } from 'vitest'
import { ShardView } from '../core/shard-view.js'
import { mayJoin, mayKeep, Registry } from './registry.js'

function opened() {
  const registry = new Registry({ last: 5 })
  const shard = new ShardView(0)
  const begin = (key: string, at = shard) => registry.begin(key, at, 100)
  return { registry, shard, begin }
}

describe('what is under way', () => {
  it('may be kept and joined as long as nothing that concerns it is heard', () => {
    const { registry, begin } = opened()
    const flight = begin('a')
    registry.markKey('b')
    registry.markShard(new ShardView(1))
    expect([mayKeep(flight, ['t']), mayJoin(flight)]).toEqual([true, true])
    expect(flight).toMatchObject({ bornAt: 5, startedMs: 100 })
  })

  it('is spoilt by a notice of its key, its shard, or everything', () => {
    for (const spoil of ['markKey', 'markShard', 'markAll'] as const) {
      const { registry, shard, begin } = opened()
      const flights = [begin('a'), begin('a')]
      if (spoil === 'markKey') registry.markKey('a')
      else if (spoil === 'markShard') registry.markShard(shard)
      else registry.markAll()
      for (const flight of flights) expect([mayKeep(flight, []), mayJoin(flight)]).toEqual([false, false])
    }
  })

  it('is not spoilt by the fence that it is', () => {
    const { registry, begin } = opened()
    const [set, other] = [begin('a'), begin('a')]
    registry.markKey('a', set)
    expect([set.marked, other.marked]).toEqual([false, true])
  })

  it('is not joined after any tag, and kept if that was none of its own', () => {
    const { registry, begin } = opened()
    const flight = begin('a')
    registry.markTags(['x', 'y'])
    expect([mayJoin(flight), mayKeep(flight, ['z']), mayKeep(flight, ['z', 'y']), mayKeep(flight, [])]).toEqual([false, true, false, true])
  })

  it('is spoilt by more tags than are remembered', () => {
    const { registry, begin } = opened()
    const flight = begin('a')
    registry.markTags(Array.from({ length: 65 }, (_, i) => `t${i}`))
    expect(mayKeep(flight, [])).toBe(false)
  })

  it('hears nothing any more once it is over', () => {
    const { registry, begin } = opened()
    const [over, on] = [begin('a'), begin('a')]
    registry.end(over)
    registry.end(over)
    registry.markKey('a')
    expect([over.marked, on.marked]).toEqual([false, true])
  })
})
