import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Envelope } from '../src/core/envelope.js'
import { noNotice, type Notice } from '../src/core/notice.js'
import { mostStamps } from '../src/core/plan.js'
import { ShardView } from '../src/core/shard-view.js'
import { TwinServer } from '../src/memory/twin-server.js'

/** What a process believes of a shard, against what the shard itself would say, over random histories. */
const scope = fc.constantFrom('books', 'films', '*')
const tag = fc.constantFrom('a', 'b', 'c', 'd')
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('tags' as const), scope, tags: fc.uniqueArray(tag, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), scope }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'many' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), stamps: fc.nat(5) }) },
)

const tagSets: readonly (readonly string[])[] = [[], ['a'], ['b', 'c'], ['z']]

describe('what a process believes of an entry', () => {
  it('is never against what the shard says', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 12 }), (acts) => {
        const history = play(acts)
        for (let epoch = 0; epoch <= history.seq; epoch++) {
          for (const tags of tagSets) {
            const believed = history.view.judge({ inc: 'inc', epoch, tags } as unknown as Envelope, {
              cache: 'books',
              version: '',
              key: 'b42',
            })
            const known = history.stands(epoch, tags)
            seen.set(`${believed} ${known}`, (seen.get(`${believed} ${known}`) ?? 0) + 1)
            if (believed === 'valid') expect(known).toBe(true)
            if (believed === 'invalid') expect(known).toBe(false)
          }
        }
      }),
      { numRuns: 80 },
    )
    expect([...seen.keys()].sort()).toEqual(['invalid false', 'unknown false', 'unknown true', 'valid true'])
  })
})

function play(acts: readonly { kind: string; scope?: string; tags?: readonly string[]; stamps?: number }[]) {
  const server = new TwinServer({ shards: 1, runId: 'run' })
  let view = new ShardView(0)
  server.listen((_, notice: Notice) => void view.hear(notice, 0))
  const start = (stamps: number) => {
    view = new ShardView(0)
    view.adopt(server.sync(0, { newInc: 'inc', stamps, withLog: false }, 0))
  }
  let nonce = 0
  const stamp = (inScope: string, tags: readonly string[]) => {
    const { seq } = server.stamp(0, { nonce: `n${nonce++}`, newInc: 'inc', scope: inScope, tags })
    beginLoads(server, seq)
  }
  start(256)
  beginLoads(server, 0)
  expect(view.covers({ inc: 'inc', seq: 0, head: noNotice })).toBe(true)
  for (const { kind, scope: inScope = '*', tags = [], stamps = 0 } of acts) {
    if (kind === 'restart') start(stamps)
    else if (kind === 'many')
      stamp(
        'books',
        Array.from({ length: mostStamps - 2 }, (_, i) => `many${i}`),
      )
    else stamp(inScope, tags)
  }
  return { view, seq: view.seq, stands: (epoch: number, tags: readonly string[]) => standsIn(server, epoch, tags) }
}

/** At each seq, a load begins for each set of tags. */
function beginLoads(server: TwinServer, seq: number): void {
  const request = { token: 't', leaseMs: 1_000, newInc: 'inc', force: false, takeover: undefined }
  for (const tags of tagSets) server.acquire(loaded(seq, tags), request, 0)
}

function loaded(seq: number, tags: readonly string[]) {
  return { shard: 0, cache: 'books', version: '', key: `${seq}:${tags}` }
}

/** Asks the server: may what was loaded at that seq, with these tags, be stored now? */
function standsIn(server: TwinServer, seq: number, tags: readonly string[]): boolean {
  const value = {
    payload: new Uint8Array(),
    codec: 0,
    tags,
    freshMs: 1_000,
    staleMs: 0,
    errorMs: 0,
    keepMs: 0,
    extendMs: 0,
    costMs: 0,
    version: 0,
  }
  return server.fill(loaded(seq, tags), { token: 't', nonce: 'fill', inc: 'inc', seq, value }, 0).kind === 'stored'
}
