import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

async function scene() {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  return { fleet, one, two, origin: fleet.origin('first'), books: one.cache<string>() }
}

describe('an invalidation with again', () => {
  it('also removes what a lagging replica gave to the first load', async () => {
    const { fleet, two, origin, books } = await scene()
    await fleet.until(books.invalidate('b42', { again: '1s' }))
    expect(await fleet.until(two.cache().getOrSet('b42', origin.load))).toBe('first')
    origin.value = 'second'
    await fleet.run(900)
    expect(await fleet.until(two.cache().getOrSet('b42', origin.load))).toBe('first')
    await fleet.run(200)
    expect(await fleet.until(two.cache().getOrSet('b42', origin.load))).toBe('second')
  })

  it.each([
    [
      'tags',
      (fleet: Fleet, node: Awaited<ReturnType<typeof scene>>['one']) => fleet.until(node.cache().invalidateTags(['t'], { again: 500 })),
    ],
    ['clear', (fleet: Fleet, node: Awaited<ReturnType<typeof scene>>['one']) => fleet.until(node.cache().clear({ again: 500 }))],
    [
      'the whole service',
      (fleet: Fleet, node: Awaited<ReturnType<typeof scene>>['one']) => fleet.until(node.forebay.clear({ again: 500 })),
    ],
  ] as const)('works for %s', async (_, invalidate) => {
    const { fleet, one } = await scene()
    await invalidate(fleet, one)
    const stamped = fleet.count('stamp')
    await fleet.run(600)
    expect(fleet.count('stamp')).toBe(2 * stamped)
  })

  it('is repeated at the latest when the cache is closed', async () => {
    const { fleet, one, books } = await scene()
    await fleet.until(books.invalidate('b42', { again: '1h' }))
    await fleet.until(one.forebay.close())
    expect(fleet.count('write')).toBe(2)
  })

  it('is repeated at once if it is answered while the cache is being closed', async () => {
    const { fleet, one, books } = await scene()
    const written = books.invalidate('b42', { again: '1h' })
    await fleet.until(one.forebay.close())
    await fleet.until(written)
    expect(fleet.count('write')).toBe(2)
  })

  it('that has no such span is refused, and nothing is sent', async () => {
    const { fleet, books } = await scene()
    expect(await fleet.failure(books.invalidate('b42', { again: 0 }))).toMatchObject({ code: 'E_OPTION' })
    expect(fleet.count('write')).toBe(0)
  })
})
