import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { decodeToken, encodeToken } from '../core/token.js'

/** Both processes hold `first`; the origin has `second` by now. */
async function scene() {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  const origin = fleet.origin('first')
  for (const node of [one, two]) await fleet.until(node.cache({ staleIfError: '1h' }).getOrSet('b42', origin.load))
  await fleet.run(10)
  origin.value = 'second'
  return { fleet, one, two, origin, books: two.cache<string>() }
}

describe('a read with the token of a write', () => {
  it('that has been heard here costs nothing', async () => {
    const { fleet, one, origin, books } = await scene()
    const { token } = await fleet.until(one.cache().invalidate('b42'))
    await fleet.run(10)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(10)
    fleet.executed.length = 0
    const startedMs = fleet.clock.now()
    expect(await fleet.until(books.fetch('b42', origin.load, { token }))).toMatchObject({ value: 'second', tier: 'memory' })
    expect([fleet.executed.length, fleet.clock.now() - startedMs]).toEqual([0, 0])
  })

  it('that has not been heard yet sees it all the same', async () => {
    const { fleet, one, origin, books } = await scene()
    fleet.weather.lostPush = 1
    const { token } = await fleet.until(one.cache().invalidate('b42'))
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
    expect(await fleet.until(books.getOrSet('b42', origin.load, { token }))).toBe('second')
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('second')
  })

  it('asks the shard rather than invalidating anything', async () => {
    const { fleet, one, origin, books } = await scene()
    fleet.weather.lostPush = 1
    const { token } = await fleet.until(one.cache().invalidate('b42'))
    fleet.executed.length = 0
    await fleet.until(books.getOrSet('b42', origin.load, { token }))
    expect([fleet.count('write'), fleet.count('ask') > 0, fleet.count('replay')]).toEqual([0, true, 1])
  })

  it('sees it without a load too', async () => {
    const { fleet, one, books } = await scene()
    fleet.weather.lostPush = 1
    const { token } = await fleet.until(one.cache<string>().set('b42', 'third'))
    expect(await fleet.until(books.get('b42'))).toBe('first')
    expect(await fleet.until(books.get('b42', { token }))).toBe('third')
  })

  it('of a group sees it', async () => {
    const { fleet, one, origin, books } = await scene()
    fleet.weather.lostPush = 1
    const { token } = await fleet.until(one.cache().clear())
    expect(await fleet.until(books.getOrSet('b42', origin.load, { token }))).toBe('second')
  })

  it('that is not answered by the shard in time is an invalidation of its own', async () => {
    const { fleet, one, two, origin, books } = await scene()
    fleet.weather.lostPush = 1
    const { token } = await fleet.until(one.cache().invalidate('b42'))
    two.links.listen.block('back')
    fleet.executed.length = 0
    const startedMs = fleet.clock.now()
    expect(await fleet.until(books.getOrSet('b42', origin.load, { token }))).toBe('second')
    expect(fleet.count('write')).toBe(1)
    expect(fleet.clock.now() - startedMs).toBeLessThan(400)
  })

  it('that its process could not send is an invalidation of the reader’s own', async () => {
    const { fleet, one, origin, books } = await scene()
    one.links.command.break()
    const { token, state } = await fleet.until(one.cache().invalidate('b42'))
    expect(state).toBe('queued')
    fleet.executed.length = 0
    expect(await fleet.until(books.getOrSet('b42', origin.load, { token }))).toBe('second')
    expect(fleet.executed.filter(({ act, process }) => act === 'write' && process === 'two')).toHaveLength(1)
  })

  it('from before the server lost its data is an invalidation', async () => {
    const { fleet, one, origin, books } = await scene()
    const { token } = await fleet.until(one.cache().invalidate('b42'))
    fleet.group.primary.stop()
    fleet.group.primary.start({ loseData: true })
    await fleet.run(2_000)
    expect(await fleet.until(books.getOrSet('b42', origin.load, { token }))).toBe('second')
  })

  it('that claims more than has happened is an invalidation', async () => {
    const { fleet, one, origin, books } = await scene()
    const { token } = await fleet.until(one.cache().invalidate('other'))
    const [{ nonce, inc } = { nonce: '', inc: '' }] = decodeToken(token)
    const all = [0, 1, 2, 3].map((shard) => ({ shard, nonce, inc, seq: 1_000 }))
    expect(await fleet.until(books.getOrSet('b42', origin.load, { token: encodeToken(all) }))).toBe('second')
  })

  it('that concerns other shards only changes nothing', async () => {
    const { fleet, one, origin, books } = await scene()
    const written = decodeToken((await fleet.until(one.cache().invalidate('b42'))).token)
    await fleet.run(10)
    await fleet.until(books.getOrSet('b42', origin.load))
    const [part] = written
    const token = encodeToken([{ shard: ((part?.shard ?? 0) + 1) % 4, nonce: 'other.1', inc: 'other', seq: 9 }])
    fleet.executed.length = 0
    expect(await fleet.until(books.fetch('b42', origin.load, { token }))).toMatchObject({ value: 'second' })
    expect(fleet.count('write')).toBe(0)
  })

  it('that cannot be read is refused', async () => {
    const { fleet, origin, books } = await scene()
    expect(await fleet.failure(books.getOrSet('b42', origin.load, { token: 'abc' }))).toMatchObject({ code: 'E_TOKEN' })
    expect(await fleet.failure(books.get('b42', { token: '' }))).toMatchObject({ code: 'E_TOKEN' })
  })
})
