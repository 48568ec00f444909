import { describe, expect, it } from 'vitest'
import { heapBytes } from './heap-size.js'

/** What Node 20.20 was seen to take, by `process.memoryUsage()` over thousands of each after a collection. */
const seen: readonly [string, unknown, number][] = [
  ['a short text', 'text number 12345 of many', 45],
  ['a text of one byte a character', '1234 word '.repeat(150), 1_520],
  ['a text of two bytes a character', 'wörd€ '.repeat(240), 2_900],
  ['a record', { id: 1, title: 'title of 12345', price: 1.5, inStock: true }, 105],
  ['a list of records', Array.from({ length: 100 }, (_, j) => ({ id: j, name: `name of 1234/${j}`, n: j })), 8_750],
  ['a list of integers', Array.from({ length: 500 }, (_, j) => j), 4_040],
  ['a list of fractions', Array.from({ length: 500 }, (_, j) => j + 0.5), 4_050],
  ['a frozen list of fractions', Object.freeze(Array.from({ length: 500 }, (_, j) => j + 0.5)), 12_040],
  ['a dictionary', Object.fromEntries(Array.from({ length: 1_000 }, (_, j) => [`k1234/${j}`, j])), 73_300],
  ['a chain of records', Array.from({ length: 20 }).reduce<object>((inner, _, n) => ({ in: inner, n }), { leaf: 1 }), 830],
  ['a Buffer', Buffer.from(new ArrayBuffer(1_000)), 1_190],
  ['a Map', new Map(Array.from({ length: 50 }, (_, j) => [`key1234${j}`, j])), 3_225],
  ['a Set', new Set(Array.from({ length: 50 }, (_, j) => `key1234${j}`)), 2_710],
  ['a Date', new Date(0), 96],
  ['a bigint', 12_345n ** 5n, 31],
]

describe('the estimate of heap', () => {
  it.each(seen)('of %s is off by less than a fifth', (_, value, bytes) => {
    expect(heapBytes(value)).toBeGreaterThan(0.8 * bytes)
    expect(heapBytes(value)).toBeLessThan(1.2 * bytes)
  })

  it('is nothing for what needs no box', () => {
    expect([undefined, null, true, 7, -1, '', 'a'].map(heapBytes)).toEqual([0, 0, 0, 0, 0, 0, 0])
    expect([0.5, -0, 2 ** 40].map(heapBytes)).toEqual([16, 16, 16])
  })

  it('comes to an end in a cycle', () => {
    const value: Record<string, unknown> = { name: 'one' }
    value.self = value
    expect(heapBytes(value)).toBeLessThan(100)
  })
})
