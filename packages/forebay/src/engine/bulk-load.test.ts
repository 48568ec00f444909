import { expect, it } from 'vitest'
import { openContext } from '../system/context.js'
import { BulkLoads, type Loading } from './bulk-load.js'
import { LoadChain } from './load-chain.js'

function entrant(controller: AbortController, track: Loading['track'] = () => {}): Loading {
  return { lane: 'callers', controller: () => controller, queued: () => {}, track }
}

it('does not give up the load of one who comes after all others have gone', async () => {
  const calls: { readonly keys: readonly unknown[]; readonly aborted: boolean }[] = []
  const loads = new BulkLoads({
    gate: { enter: () => ({ leave: () => {} }) },
    chain: new LoadChain(openContext, false),
    canonical: String,
    load: ({ keys, signal }) => {
      calls.push({ keys, aborted: signal.aborted })
      return keys.map((key) => [key, `value of ${key}`] as const)
    },
  })
  const at = (key: string) => ({ shard: 0, cache: 'books', version: '', key })
  const [first, second] = [new AbortController(), new AbortController()]
  const place = await loads.member('b1', at('b1')).doors.enter(at('b1'), entrant(first))
  first.abort()
  const late = loads.member('b2', at('b2'))
  await late.doors.enter(at('b2'), entrant(second))
  const value = late.load({ key: 'b2', signal: second.signal, previous: undefined, validator: undefined })
  place.leave()
  expect(await value).toBe('value of b2')
  expect(calls).toEqual([{ keys: ['b2'], aborted: false }])
})

it('keeps the flight of a key for as long as the call that loads it runs, though the key itself was given up', async () => {
  let answer = (): void => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const loads = new BulkLoads({
    gate: { enter: () => ({ leave: () => {} }) },
    chain: new LoadChain(openContext, false),
    canonical: String,
    load: async ({ keys }) => {
      await answered
      return keys.map((key) => [key, `value of ${key}`] as const)
    },
  })
  const at = (key: string) => ({ shard: 0, cache: 'books', version: '', key })
  const [first, second] = [new AbortController(), new AbortController()]
  const tracked: Promise<unknown>[] = []
  const [early, late] = [loads.member('b1', at('b1')), loads.member('b2', at('b2'))]
  await early.doors.enter(
    at('b1'),
    entrant(first, (work) => tracked.push(work)),
  )
  await late.doors.enter(at('b2'), entrant(second))
  const context = { previous: undefined, validator: undefined }
  void early.load({ key: 'b1', signal: first.signal, ...context })
  const value = late.load({ key: 'b2', signal: second.signal, ...context })
  first.abort()
  let over = false
  const end = tracked[0]?.then(() => {
    over = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(over).toBe(false)
  answer()
  expect(await value).toBe('value of b2')
  await end
  expect(over).toBe(true)
})
