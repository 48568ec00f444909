import { describe, expect, it } from 'vitest'
import { type ConformanceWorld, farStoreConformance } from '../testing/conformance.js'
import { openTwinWorld } from '../testing/twin-world.js'
import { TwinServer } from './twin-server.js'
import { twinStore } from './twin-store.js'

const marks = new Map<string, number>()

/** Worlds do not outlast their cases; what their servers marked does. */
async function openTwin(): Promise<ConformanceWorld> {
  const world = openTwinWorld()
  return {
    ...world,
    async close() {
      for (const [outcome, count] of world.server.marks) marks.set(outcome, (marks.get(outcome) ?? 0) + count)
    },
  }
}

describe('the twin keeps the contract', () => {
  it.each(farStoreConformance('twin', openTwin).map((rule) => [rule.name, rule.run] as const))('%s', async (_, run) => run())

  it('and the suite meets every outcome that the twin knows', () => {
    const expected = [
      ...['get:bytes', 'get:none', 'check:entry', 'check:none', 'ensure:new', 'ensure:sentinel'],
      ...['acquire:entry', 'acquire:lease', 'acquire:wait', 'acquire:wait:again', 'acquire:forced', 'acquire:forced:waited-for'],
      ...['acquire:taken-over', 'acquire:taken-over:waited-for', 'acquire:with-stale', 'acquire:without-stale'],
      ...[
        'valid:valid',
        'valid:valid-tagged',
        'valid:incarnation',
        'valid:cleared-cache',
        'valid:cleared-service',
        'valid:pattern',
        'valid:floor',
      ],
      ...[
        'valid:tag-cache',
        'valid:tag-service',
        'fill:stored',
        'fill:refused:lease',
        'fill:refused:another-lease',
        'fill:refused:epoch',
        'wake:told',
        'wake:no-shard',
      ],
      ...['extend:none', 'extend:not-fresh', 'extend:prolonged', 'extend:kept'],
      ...['release:ours', 'release:not-ours', 'renew:ours', 'renew:not-ours', 'stamp:tags', 'stamp:clear', 'stamp:overflow'],
      ...[
        'stamp:pattern',
        'stamp:pattern:again',
        'stamp:pattern:overflow',
        'set:stored',
        'set:refused:full',
        'set:refused:lease',
        'set:refused:epoch',
      ],
      ...['set:refused:version', 'version:first', 'version:lower', 'version:not-lower'],
      ...['version:admitted', 'version:pushed-out', 'valid:cleared-version', 'sweep:deleted', 'sweep:nothing'],
      ...['invalidate', 'stale', 'set'].flatMap((kind) => [`write:${kind}`, `write:${kind}:leased`, `write:${kind}:versions`]),
      ...['sync:all-stamps', 'sync:more-stamps', 'ask:position', 'ask:missing', 'log:trimmed'],
      ...['stored:endless', 'replay:all', 'replay:cut', 'replay:nothing', 'acquire:full', 'fill:full', 'refused:read-only'],
    ]
    expect([...marks.keys()].sort()).toEqual(expected.sort())
  })
})

describe('the twin as a server', () => {
  const at = { shard: 0, cache: 'books', version: '', key: 'b42' }
  const value = {
    payload: new Uint8Array(1_000),
    codec: 0,
    tags: ['a'],
    freshMs: 1_000,
    staleMs: 0,
    errorMs: 0,
    keepMs: 0,
    extendMs: 0,
    costMs: 0,
    version: 0,
  }
  const set = (server: TwinServer, key: string, nowMs = 0) =>
    server.write({ ...at, key }, { kind: 'set', nonce: `nonce-${key}`, newInc: 'inc-inc-', value, lease: undefined }, nowMs)
  const lease = (token: string) => ({ token, newInc: 'inc-inc-', leaseMs: 100, force: false, takeover: undefined })

  it('still answers plain reads where it may not write', () => {
    const server = new TwinServer({ shards: 1, runId: 'demoted' })
    set(server, at.key)
    server.writable = false
    expect(server.get(at, 1)).toBeDefined()
    expect(server.replay(0, { afterSeq: 0, limit: 10 })).toHaveLength(1)
    expect(() => server.ask([0], 1)).toThrow(/^E_REDIS_REFUSED: READONLY/)
  })

  it('clones into a replica that lags from then on', () => {
    const primary = new TwinServer({ shards: 1, runId: 'primary' })
    set(primary, 'before')
    primary.acquire(at, lease('holder'), 0)
    const replica = primary.clone('replica')
    primary.write(at, { kind: 'invalidate', nonce: 'lost-one', newInc: 'inc-inc-' }, 0)
    primary.stamp(0, { nonce: 'lost-two', newInc: 'inc-inc-', scope: 'books', tags: [] })
    primary.write({ ...at, key: 'before' }, { kind: 'stale', nonce: 'lost-too', newInc: 'inc-inc-' }, 5)
    replica.writable = true
    expect(replica.ask([0], 0)).toMatchObject({ node: 'replica', positions: new Map([[0, { seq: 1, head: 'nonce-before' }]]) })
    expect(replica.check({ ...at, key: 'before' }, { newInc: 'x' }, 0).bytes).toEqual(replica.get({ ...at, key: 'before' }, 0))
    expect(replica.acquire(at, lease('other'), 0)).toMatchObject({ kind: 'wait', holder: 'holder' })
    expect(primary.acquire(at, lease('other'), 0)).toMatchObject({ kind: 'lease', seq: 4 })
  })

  it('gives a shard away with all that it holds, and keeps the others', () => {
    const [old, next] = [new TwinServer({ shards: 2, runId: 'old' }), new TwinServer({ shards: 2, runId: 'next' })]
    const elsewhere = { ...at, shard: 1 }
    set(old, at.key)
    old.acquire({ ...at, key: 'leased' }, lease('holder'), 0)
    old.acquire(elsewhere, lease('stays'), 0)
    const bytes = old.get(at, 0)
    next.adopt(0, old)
    expect(next.get(at, 0)).toEqual(bytes)
    expect(next.ask([0], 0).positions.get(0)).toMatchObject({ seq: 1 })
    expect(next.replay(0, { afterSeq: 0, limit: 10 })).toHaveLength(1)
    expect(next.acquire({ ...at, key: 'leased' }, lease('other'), 0)).toMatchObject({ kind: 'wait', holder: 'holder' })
    expect(old.get(at, 0)).toBeUndefined()
    expect(old.ask([0, 1], 0).positions.has(0)).toBe(false)
    expect(old.acquire(elsewhere, lease('other'), 0)).toMatchObject({ kind: 'wait', holder: 'stays' })
  })

  it('loses everything in a flush', () => {
    const server = new TwinServer({ shards: 2, runId: 'twin' })
    set(server, at.key)
    server.acquire({ ...at, key: 'leased' }, lease('holder'), 0)
    server.flush()
    expect(server.get(at, 0)).toBeUndefined()
    expect(server.ask([0, 1], 0).positions.size).toBe(0)
    expect(server.acquire({ ...at, key: 'leased' }, lease('other'), 0)).toMatchObject({ kind: 'lease', seq: 0 })
    expect(server.replay(0, { afterSeq: 0, limit: 10 })).toEqual([])
  })

  it('keeps to its bytes: the least recently used entries go, metadata stays', () => {
    const server = new TwinServer({ shards: 1, runId: 'small', maxBytes: 6_000 })
    for (let i = 0; i < 4; i++) set(server, `${i}`)
    server.get({ ...at, key: '0' }, 0)
    set(server, '4')
    const kept = () => [0, 1, 2, 3, 4, 5].filter((key) => server.get({ ...at, key: `${key}` }, 0))
    expect(kept()).toEqual([0, 2, 3, 4])
    const huge = { ...value, payload: new Uint8Array(10_000) }
    server.write({ ...at, key: '5' }, { kind: 'set', nonce: 'nonce-5', newInc: 'inc-inc-', value: huge, lease: undefined }, 0)
    expect(kept()).toEqual([0, 2, 3, 4])
    expect(server.ask([0], 0).positions.get(0)?.seq).toBe(6)
  })

  it('lives an entry through the millisecond in which it ends, as Redis does', () => {
    const server = new TwinServer({ shards: 1, runId: 'twin' })
    set(server, at.key, 10)
    expect(server.get(at, 1_010)).toBeDefined()
    expect(server.get(at, 1_011)).toBeUndefined()
  })

  it('tells its listeners after the act, until they stop', () => {
    const server = new TwinServer({ shards: 1, runId: 'twin' })
    const heard: number[] = []
    const stop = server.listen((_, notice) => heard.push(notice.seq + (server.get(at, 0) ? 100 : 0)))
    set(server, at.key)
    stop()
    set(server, at.key)
    expect(heard).toEqual([101])
  })

  it('acts after a call of the store has returned, in the order of the calls', async () => {
    const server = new TwinServer({ shards: 1, runId: 'twin' })
    const store = twinStore({ server, clock: { now: () => 0 } })
    const heard: string[] = []
    store.onNotice((_, notice) => heard.push(notice.nonce))
    const position = store.write(at, { kind: 'set', nonce: 'nonce-1', newInc: 'inc-inc-', value, lease: undefined })
    const bytes = store.get(at)
    expect(heard).toEqual([])
    expect((await position).head).toBe('nonce-1')
    expect(heard).toEqual(['nonce-1'])
    expect(await bytes).toBeDefined()
  })
})
