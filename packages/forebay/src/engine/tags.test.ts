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

  it('cost no list of their own where they stand alone', () => {
    const table = new TagTable()
    expect(table.take(['a'])).toBe(table.take(['a']))
  })

  it('cost nothing where there are none', () => {
    const table = new TagTable()
    expect(table.take([])).toBe(table.take([]))
  })
})
