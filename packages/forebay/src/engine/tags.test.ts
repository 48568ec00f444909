import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TagTable } from './tags.js'

describe('the tags in memory', () => {
  it('are shared by the entries that have them, so that one write drops them all', () => {
    const table = new TagTable()
    const [first] = table.take(['a', 'b'])
    const [second] = table.take(['a'])
    expect(second).toBe(first)
    table.drop('a', 7)
    expect([first?.droppedAt, first?.entries]).toEqual([7, 2])
  })

  it('are forgotten with their last entry', () => {
    const table = new TagTable()
    const cells = [table.take(['a']), table.take(['a'])]
    table.drop('a', 7)
    for (const cell of cells) table.release(cell)
    expect(table.take(['a'])[0]).toMatchObject({ name: 'a', droppedAt: 0, entries: 1 })
  })

  it('that no entry has are not remembered when they are dropped', () => {
    const table = new TagTable()
    table.drop('a', 7)
    expect(table.take(['a'])[0]?.droppedAt).toBe(0)
  })

  it('know of each entry whether one of its tags was dropped since, as if each entry had a list of its own', () => {
    const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), tags }),
      fc.record({ kind: fc.constant('release' as const), which: fc.nat(9) }),
      fc.record({ kind: fc.constant('drop' as const), tag: fc.constantFrom('a', 'b', 'c') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new TagTable()
        const entries: { tags: readonly string[]; cells: ReturnType<TagTable['take']>; since: number; dropped: boolean }[] = []
        steps.forEach((one, i) => {
          const arrival = i + 1
          if (one.kind === 'take') entries.push({ tags: one.tags, cells: table.take(one.tags), since: arrival, dropped: false })
          else if (one.kind === 'release') for (const { cells } of entries.splice(one.which, 1)) table.release(cells)
          else {
            table.drop(one.tag, arrival)
            for (const entry of entries) entry.dropped ||= entry.tags.includes(one.tag)
          }
          for (const { cells, since, dropped } of entries) expect(cells.some(({ droppedAt }) => droppedAt > since)).toBe(dropped)
        })
        for (const { cells } of entries) table.release(cells)
        for (const tag of ['a', 'b', 'c']) expect(table.take([tag])[0]).toMatchObject({ entries: 1, droppedAt: 0 })
      }),
    )
  })

  it('cost no list of their own where they stand alone', () => {
    const table = new TagTable()
    expect(table.take(['a'])).toBe(table.take(['a']))
  })

  it('cost nothing where there are none', () => {
    const table = new TagTable()
    expect(table.take([])).toBe(table.take([]))
  })
})
