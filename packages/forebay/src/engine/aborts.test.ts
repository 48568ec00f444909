import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

describe('a caller who gives up', () => {
  it('is rejected with his reason, and the load goes on for the others', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('Dune', 100)
    const leaving = new AbortController()
    const reason = new Error('the client has gone')
    const left = fleet.failure(node.cache().getOrSet('b42', origin.load, { signal: leaving.signal }))
    const stays = node.cache().getOrSet('b42', origin.load, { signal: new AbortController().signal })
    fleet.clock.after(50, () => leaving.abort(reason))
    expect(await left).toBe(reason)
    expect(fleet.clock.now()).toBeLessThan(120)
    expect(await fleet.until(stays)).toBe('Dune')
    expect(origin.seen.map(({ signal }) => signal.aborted)).toEqual([false])
    expect(origin.loads).toBe(1)
  })

  it('and was the last one ends the load, and whoever comes then begins anew', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('Dune', 100)
    const leaving = [new AbortController(), new AbortController()]
    const left = leaving.map(({ signal }) => node.cache().getOrSet('b42', origin.load, { signal }))
    for (const [i, controller] of leaving.entries()) fleet.clock.after(20 * (i + 1), () => controller.abort(`reason ${i}`))
    expect(await fleet.until(Promise.allSettled(left))).toEqual([
      { status: 'rejected', reason: 'reason 0' },
      { status: 'rejected', reason: 'reason 1' },
    ])
    expect(origin.seen.map(({ signal }) => [signal.aborted, signal.reason])).toEqual([[true, 'reason 1']])
    const next = node.cache().getOrSet('b42', origin.load)
    await fleet.run(1)
    expect(await fleet.until(next)).toBe('Dune')
    expect(node.told('join')).toHaveLength(1)
  })

  it('before the load has begun has its signal aborted from the start', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('Dune', 100)
    const leaving = new AbortController()
    const left = fleet.failure(node.cache().getOrSet('b42', origin.load, { signal: leaving.signal }))
    fleet.clock.after(1, () => leaving.abort())
    expect(await left).toMatchObject({ name: 'AbortError' })
    await fleet.until(node.forebay.settled())
    expect(origin.seen.map(({ signal }) => signal.aborted)).toEqual([true])
  })

  it('before he has asked never begins a load', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('Dune')
    const signal = AbortSignal.abort('too late')
    expect(await fleet.failure(node.cache().getOrSet('b42', origin.load, { signal }))).toBe('too late')
    expect(await fleet.failure(node.cache().get('b42', { signal }))).toBe('too late')
    expect(origin.loads).toBe(0)
  })

  it('while he waits for room among overtaken loads is let go at once', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('Dune', 10_000)
    const callers: Promise<unknown>[] = []
    for (let i = 0; i < 3; i++) {
      callers.push(node.cache().getOrSet('b42', origin.load))
      await fleet.run(20)
      await fleet.until(node.cache().invalidate('b42'))
    }
    const leaving = new AbortController()
    const left = fleet.failure(node.cache().getOrSet('b42', origin.load, { signal: leaving.signal }))
    const startedMs = fleet.clock.now()
    fleet.clock.after(5, () => leaving.abort('enough'))
    expect(await left).toBe('enough')
    expect(fleet.clock.now() - startedMs).toBe(5)
    await fleet.until(Promise.all(callers))
    expect(origin.loads).toBe(3)
  })

  it('does not end a refresh in the background', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache({ ttl: '10s', staleWhileRevalidate: '1h' })
    const origin = fleet.origin('first', 100)
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.run(11_000)
    const leaving = new AbortController()
    await fleet.until(books.getOrSet('b42', origin.load, { signal: leaving.signal }))
    await fleet.run(10)
    leaving.abort()
    await fleet.until(node.forebay.settled())
    expect(origin.seen.map(({ signal }) => signal.aborted)).toEqual([false, false])
    expect(books.peek('b42')).toBe('first')
  })
})

describe('a load that takes longer than the hard timeout', () => {
  it('rejects its callers, aborts its signal, and is not stored when it ends after all', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const books = one.cache<string>({ hardTimeout: '2s' })
    const slow = fleet.origin('too late', 3_000)
    const startedMs = fleet.clock.now()
    const failure = await fleet.failure(books.getOrSet('b42', slow.load))
    expect(failure).toMatchObject({ code: 'E_LOAD_TIMEOUT', message: expect.stringContaining('2000 ms') })
    expect(fleet.clock.now() - startedMs).toBeLessThan(2_020)
    expect(slow.seen.map(({ signal }) => [signal.aborted, signal.reason])).toEqual([[true, failure]])
    await fleet.run(2_000)
    expect(slow.running).toBe(0)
    expect(books.peek('b42')).toBeUndefined()
    expect(await fleet.until(two.cache().read('b42'))).toEqual({ state: 'miss' })
  })

  it('gives its lease back, so that another process loads at once', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    await fleet.failure(one.cache({ hardTimeout: '2s' }).getOrSet('b42', fleet.origin('never', 1e6).load))
    const startedMs = fleet.clock.now()
    expect(await fleet.until(two.cache().getOrSet('b42', fleet.origin('Dune').load))).toBe('Dune')
    expect(fleet.clock.now() - startedMs).toBeLessThan(30)
  })

  it('leaves nothing behind when it fails after all', async () => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const origin = fleet.origin('never', 3_000)
    origin.broken = new Error('heard by nobody')
    await fleet.failure(node.cache({ hardTimeout: '2s' }).getOrSet('b42', origin.load))
    await fleet.run(2_000)
    expect(origin.running).toBe(0)
    expect(node.told('load-error')).toMatchObject([{ error: { code: 'E_LOAD_TIMEOUT' } }])
  })
})
