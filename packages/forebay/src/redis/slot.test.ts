import { expect, it } from 'vitest'
import { primaryOf, slotRangesOf } from './slot-map.js'
import { slotOf } from './slot.js'

it('the slot of a tag is the one that Redis computes', () => {
  expect(slotOf('123456789')).toBe(0x31c3)
  expect(slotOf('foo')).toBe(12_182)
})

it('a slot map is read, whatever way a node says its own host', () => {
  const node = (host: unknown, port: number) => [host, port, 'id', []]
  const ranges = slotRangesOf(
    [
      [0, 5460, node('10.0.0.1', 7000), node('10.0.0.4', 7003)],
      [5461, 10_922, node('', 7001)],
      [10_923, 16_382, node(null, 7002)],
      [16_383, 16_383, node('?', 7003)],
    ],
    'asked',
  )
  expect(primaryOf(ranges, 0)).toEqual({ host: '10.0.0.1', port: 7000 })
  expect(primaryOf(ranges, 5461)).toEqual({ host: 'asked', port: 7001 })
  expect(primaryOf(ranges, 16_382)).toEqual({ host: 'asked', port: 7002 })
  expect(primaryOf(ranges, 16_383)).toEqual({ host: 'asked', port: 7003 })
  expect(primaryOf(ranges.slice(1), 0)).toBeUndefined()
})
