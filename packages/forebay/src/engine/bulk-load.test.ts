import { expect, it } from 'vitest'
import { BulkLoads } from './bulk-load.js'
import type { Entrant } from './gate.js'

function entrant(controller: AbortController): Entrant {
  return { lane: 'callers', controller: () => controller, queued: () => {} }
}

it('does not give up the load of one who comes after all others have gone', async () => {
  const calls: { readonly keys: readonly unknown[]; readonly aborted: boolean }[] = []
  const loads = new BulkLoads({
    gate: { enter: () => ({ leave: () => {} }) },
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
