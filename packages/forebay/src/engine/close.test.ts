import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

const timeoutMs = 1_000

async function scene() {
  const fleet = new Fleet()
  const [one, two] = await fleet.ready('one', 'two')
  /** Closes, and tells how long it took. */
  const close = async () => {
    const sinceMs = fleet.clock.now()
    const { unsent } = await fleet.until(one.forebay.close({ timeout: timeoutMs }))
    return { unsent, ms: fleet.clock.now() - sinceMs }
  }
  return { fleet, one, two, books: one.cache<string>(), close, server: fleet.group.primary }
}

describe('close', () => {
  it('lets loads end, stores what they bring, and sends what waits', async () => {
    const { fleet, one, two, books, close, server } = await scene()
    server.stop()
    await fleet.until(books.invalidate('b43'))
    server.start({ loseData: false })
    await fleet.run(300)
    const load = books.getOrSet('b42', fleet.origin('Dune', 400).load)
    await fleet.run(100)
    expect(await close()).toMatchObject({ unsent: 0 })
    expect(await fleet.until(load)).toBe('Dune')
    expect(await fleet.until(two.cache<string>().get('b42'))).toBe('Dune')
    expect(one.forebay.stats().outbox).toBe(0)
  })

  it('does not wait for a load that hangs longer than it was told, and sends what waits all the same', async () => {
    const { fleet, one, books, close, server } = await scene()
    void books.getOrSet('hangs', () => new Promise<string>(() => {})).catch(() => {})
    await fleet.run(10)
    server.stop()
    const written = books.invalidate('b42')
    await fleet.until(written)
    server.start({ loseData: false })
    expect(await close()).toEqual({ unsent: 0, ms: timeoutMs })
    expect(one.forebay.stats().outbox).toBe(0)
  })

  it.each([
    ['away', 'stop'],
    ['frozen', 'freeze'],
  ] as const)('ends in time where Redis is %s, and tells what could not be sent', async (_, how) => {
    const { fleet, books, close, server } = await scene()
    if (how === 'stop') server.stop()
    else server.freeze(Number.POSITIVE_INFINITY)
    await fleet.until(books.invalidate('b42'))
    const { unsent, ms } = await close()
    expect([unsent, ms]).toEqual([1, timeoutMs])
  })

  it('counts writes that were under way as not sent', async () => {
    const { fleet, one, books, server } = await scene()
    server.freeze(Number.POSITIVE_INFINITY)
    const written = books.invalidate('b42')
    expect(await fleet.until(one.forebay.close({ timeout: 50 }))).toEqual({ unsent: 1 })
    expect(await fleet.until(written)).toMatchObject({ state: 'queued' })
  })
})

it('a process is ready only when nothing waits to be sent', async () => {
  const { fleet, one, books, server } = await scene()
  server.stop()
  await fleet.until(books.invalidate('b42'))
  let ready = false
  const becoming = one.forebay.ready().then(() => {
    ready = true
  })
  await fleet.run(3_000)
  expect(ready).toBe(false)
  server.start({ loseData: false })
  await fleet.until(becoming)
  expect(one.forebay.stats().outbox).toBe(0)
})
