import { describe, expect, it } from 'vitest'
import { ShardView } from '../core/shard-view.js'
import { mayJoin, mayKeep, oneOf, Registry } from './registry.js'

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

describe('what is read together', () => {
  function read() {
    const { registry, shard } = opened()
    const reading = registry.beginReading(100)
    const kept = (key: string, ...tags: readonly string[]): boolean => mayKeep(oneOf(reading, key, shard), tags)
    return { registry, shard, reading, kept }
  }

  it('is kept, key by key, as what is read alone', () => {
    const { reading, shard, kept } = read()
    reading.trueAsOfMs = 90
    expect(kept('a', 't')).toBe(true)
    expect(oneOf(reading, 'a', shard)).toMatchObject({ key: 'a', shard, bornAt: 5, startedMs: 100, trueAsOfMs: 90, marked: false })
  })

  it('is spoilt by a notice of a key for that key alone', () => {
    const { registry, kept } = read()
    registry.markKey('a')
    expect([kept('a'), kept('b')]).toEqual([false, true])
  })

  it('is spoilt by a fence of the same key that is somebody else’s', () => {
    const { registry, shard, kept } = read()
    registry.markKey('a', registry.begin('a', shard, 100))
    expect(kept('a')).toBe(false)
  })

  it('is spoilt by a notice of a tag for what has it', () => {
    const { registry, kept } = read()
    registry.markTags(['x', 'y'])
    expect([kept('a', 'z', 'y'), kept('b', 'z'), kept('c')]).toEqual([false, true, true])
  })

  it('is spoilt as a whole by what may concern many of its keys: a pattern, a clear, a dropped shard', () => {
    for (const spoil of ['markPattern', 'markAll', 'markShard'] as const) {
      const { registry, shard, kept } = read()
      if (spoil === 'markPattern') registry.markPattern(['a', ''])
      else if (spoil === 'markAll') registry.markAll()
      else registry.markShard(shard)
      expect([kept('a'), kept('b')]).toEqual([false, false])
    }
  })

  it('is spoilt by more keys or tags than are remembered', () => {
    const many = Array.from({ length: 65 }, (_, i) => `n${i}`)
    const [byKeys, byTags] = [read(), read()]
    for (const key of many) byKeys.registry.markKey(key)
    byTags.registry.markTags(many)
    expect([byKeys.kept('a'), byTags.kept('a')]).toEqual([false, false])
  })

  it('hears nothing any more once it is over', () => {
    const { registry, reading, kept } = read()
    const [other, shard] = [registry.beginReading(100), new ShardView(0)]
    registry.endReading(reading)
    registry.markKey('a')
    registry.markAll()
    expect([kept('a'), mayKeep(oneOf(other, 'a', shard), [])]).toEqual([true, false])
  })
})
