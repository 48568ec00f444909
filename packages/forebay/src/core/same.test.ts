import { describe, expect, it } from 'vitest'
import { sameValue } from './same.js'
import { ValueCodecs } from './value-codec.js'

class Money {
  constructor(readonly cents: number) {}
}
const codecs = new ValueCodecs([
  { name: 'money', class: Money, encode: (money: Money) => money.cents, decode: (cents: number) => new Money(cents) },
])

describe('two values', () => {
  it.each([
    [
      { a: 1, b: [2] },
      { b: [2], a: 1, c: undefined },
    ],
    [new Date(5), new Date(5)],
    [{ at: new Map([['k', [1]]]) }, { at: new Map([['k', [1]]]) }],
    [new Money(5), new Money(5)],
    [cycle(1), cycle(1)],
    [family(1), family(1)],
  ])('are the same if a cache keeps them alike: %#', (a, b) => {
    expect(sameValue(a, b, codecs)).toBe(true)
  })

  it.each([
    [{ a: 1 }, { a: 2 }],
    [[1], { 0: 1 }],
    [new Date(5), new Date(6)],
    [Buffer.from('a'), new Uint8Array([97])],
    [new Money(5), new Money(6)],
    [cycle(1), cycle(2)],
    [family(1), family(2)],
  ])('differ if their types or contents do: %#', (a, b) => {
    expect(sameValue(a, b, codecs)).toBe(false)
  })
})

function cycle(n: number): object {
  const value: { n: number; self?: unknown } = { n }
  value.self = [value]
  return value
}

/** Parents and children that know each other: the paths through it are beyond counting. */
function family(last: number): object {
  const root: Person = { n: 0, parent: undefined, children: [] }
  let parents = [root]
  for (let generation = 0; generation < 6; generation++) {
    parents = parents.flatMap((parent) => {
      parent.children = [1, 2].map((n) => ({ n, parent, children: [] }))
      return parent.children
    })
  }
  for (const person of parents.slice(-1)) person.n = last
  return root
}

interface Person {
  n: number
  parent: Person | undefined
  children: Person[]
}
