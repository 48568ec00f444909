import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

/** Both processes hold `first`, `one` has made it `second`, and `two` has not heard of it. */
async function scene() {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  const origin = fleet.origin('first')
  for (const node of [one, two]) await fleet.until(node.cache().getOrSet('b42', origin.load))
  await fleet.run(10)
  origin.value = 'second'
  fleet.weather.lostPush = 1
  const { token } = await fleet.until(one.cache().invalidate('b42'))
  return { fleet, one, two, origin, token, books: two.cache<string>() }
}

describe('inside withToken', () => {
  it('every read sees the write, however deep', async () => {
    const { fleet, two, origin, token, books } = await scene()
    const deep = async (): Promise<string> => {
      await fleet.sleep(1)
      return books.getOrSet('b42', origin.load)
    }
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
    expect(await fleet.until(two.forebay.withToken(token, deep))).toBe('second')
  })

  it('peek answers nothing that it must not', async () => {
    const { two, token, books } = await scene()
    expect(books.peek('b42')).toBe('first')
    expect(two.forebay.withToken(token, () => books.peek('b42'))).toBeUndefined()
    expect(books.peek('b42')).toBe('first')
  })

  it('a scope inside a scope obeys both', async () => {
    const { fleet, two, origin, token, books } = await scene()
    const inner = () => two.forebay.withToken(undefined, () => books.getOrSet('b42', origin.load))
    expect(await fleet.until(two.forebay.withToken(token, inner))).toBe('second')
  })

  it('a read with a token of its own obeys that one', async () => {
    const { fleet, two, origin, token, books } = await scene()
    const read = () => books.getOrSet('b42', origin.load, { token: 'fbt1.' })
    expect(await fleet.until(two.forebay.withToken(token, read))).toBe('first')
  })

  it('the token to hand on tells of what was given and what was written', async () => {
    const { fleet, one, two, origin, token, books } = await scene()
    const handed = await fleet.until(
      one.forebay.withToken(undefined, async () => {
        await one.cache().invalidate('b42')
        await one.forebay.invalidateTags(['t'])
        return one.forebay.token()
      }),
    )
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
    expect(await fleet.until(two.forebay.withToken(handed, () => books.getOrSet('b42', origin.load)))).toBe('second')
    expect(two.forebay.withToken(token, () => two.forebay.token())).toBe(token)
    expect(two.forebay.token()).toBeUndefined()
    expect(two.forebay.withToken(undefined, () => two.forebay.token())).toBeUndefined()
  })

  it('a token that cannot be read is refused before anything runs', async () => {
    const { two } = await scene()
    expect(() => two.forebay.withToken('abc', () => 1)).toThrow(expect.objectContaining({ code: 'E_TOKEN' }))
  })
})
