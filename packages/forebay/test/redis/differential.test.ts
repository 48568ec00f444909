import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRedis } from '../../../../scripts/redis-servers.mjs'
import type { FarStore, WriteRequest } from '../../src/core/far-store.js'
import { SimRandom } from '../../src/testing/sim-random.js'
import { openTwinWorld } from '../../src/testing/twin-world.js'
import { comparePair } from './far-pair.js'
import { openSingle } from './redis-world.js'

/** One seed from outside replays one run, `FOREBAY_SEEDS` of them make a longer search. */
const { FOREBAY_SEED, FOREBAY_SEEDS } = process.env
const acts = 1_000
const seeds = FOREBAY_SEED ? [Number(FOREBAY_SEED)] : Array.from({ length: Number(FOREBAY_SEEDS ?? 12) }, (_, i) => i + 1)

/** An outcome that did not occur was not compared. The suite of rules tries the rest: a trimmed log, a read-only server. */
const expected = {
  100: ['get:none', 'get:bytes', 'check:none', 'check:entry', 'acquire:lease', 'acquire:wait', 'fill:stored', 'fill:refused:lease'],
  25: [
    ...['acquire:entry', 'acquire:wait:again', 'acquire:with-stale', 'acquire:forced', 'acquire:taken-over', 'fill:refused:epoch'],
    ...['wake:told', 'release:ours', 'release:not-ours'],
    ...['extend:none', 'extend:not-fresh', 'extend:prolonged', 'extend:kept'],
    ...['renew:ours', 'renew:not-ours', 'ensure:new', 'ensure:sentinel', 'ask:position', 'stamp:tags', 'stamp:clear'],
    ...['valid:valid', 'valid:valid-tagged', 'valid:incarnation', 'valid:floor', 'valid:tag-cache', 'valid:tag-service'],
    ...['valid:cleared-cache', 'valid:cleared-service', 'sync:all-stamps', 'sync:more-stamps', 'stamp:overflow'],
    ...['valid:pattern', 'stamp:pattern', 'stamp:pattern:again', 'set:stored', 'set:refused:lease'],
    'stored:endless',
    ...['set:refused:version', 'version:first', 'version:lower', 'version:not-lower'],
    ...['version:admitted', 'version:pushed-out', 'valid:cleared-version', 'sweep:deleted', 'sweep:nothing'],
    ...['replay:all', 'replay:cut', 'replay:nothing', 'acquire:full'],
    ...['invalidate', 'stale', 'set'].flatMap((kind) => [`write:${kind}`, `write:${kind}:leased`, `write:${kind}:versions`]),
  ],
  10: [
    'acquire:taken-over:waited-for',
    'acquire:forced:waited-for',
    'ask:missing',
    'fill:full',
    'stamp:pattern:overflow',
    'set:refused:full',
  ],
  1: ['wake:no-shard'],
}

describe('the twin and Redis answer the same', () => {
  const marks = new Map<string, number>()
  let redis: Awaited<ReturnType<typeof startRedis>>

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  it.each(seeds)('to random acts of seed %d', async (seed) => {
    const model = openTwinWorld()
    const subject = await openSingle(redis)
    try {
      await comparePair({ model, subject, random: new SimRandom(seed), acts })
    } catch (error) {
      throw new Error(`replay: FOREBAY_SEED=${seed} npx vitest run packages/forebay/test/redis/differential.test.ts`, { cause: error })
    } finally {
      await subject.close()
    }
    for (const [outcome, count] of model.server.marks) marks.set(outcome, (marks.get(outcome) ?? 0) + count)
  })

  it.runIf(seeds.length >= 12)('in every outcome that there is, often enough', () => {
    const rare = Object.entries(expected).flatMap(([least, outcomes]) =>
      outcomes.filter((outcome) => (marks.get(outcome) ?? 0) < Number(least)),
    )
    expect(rare.map((outcome) => `${outcome} ${marks.get(outcome) ?? 0}`)).toEqual([])
  })
})

describe('the comparison would see', () => {
  /** Faults small enough to be thought harmless. */
  const faults: readonly (readonly [string, (store: FarStore) => FarStore])[] = [
    [
      'an epoch that is one too high',
      (store) => ({ ...store, fill: (at, request) => store.fill(at, { ...request, seq: request.seq + 1 }) }),
    ],
    ['a takeover that is a force', (store) => ({ ...store, acquire: (at, request) => store.acquire(at, takeoverForces(request)) })],
    ['a tag that is not stamped', (store) => ({ ...store, stamp: (shard, request) => store.stamp(shard, withoutLast(request)) })],
    [
      'a pattern without its last gap',
      (store) => ({ ...store, stamp: (shard, { parts, ...r }) => store.stamp(shard, { ...r, parts: parts?.slice(0, 1) }) }),
    ],
    ['a set that asks for no lease', (store) => ({ ...store, write: (at, request) => store.write(at, withoutLease(request)) })],
    ['a lost stale window', (store) => ({ ...store, fill: (at, r) => store.fill(at, { ...r, value: { ...r.value, errorMs: 0 } }) })],
    [
      'a value without its version',
      (store) => ({ ...store, fill: (at, r) => store.fill(at, { ...r, value: { ...r.value, version: 0 } }) }),
    ],
    ['an extension beyond its age', (store) => ({ ...store, extend: (at, r) => store.extend(at, { ...r, maxAgeMs: 0 }) })],
    ['an early load without its time', (store) => ({ ...store, acquire: (at, r) => store.acquire(at, { ...r, soonMs: 0 }) })],
    ['a write in the wrong version', (store) => ({ ...store, write: (at, request) => store.write({ ...at, version: '' }, request) })],
    [
      'a life that ends all the same',
      (store) => ({
        ...store,
        fill: (at, r) => store.fill(at, { ...r, value: { ...r.value, freshMs: Math.min(r.value.freshMs, 600_000) } }),
      }),
    ],
    ['a deaf listener', (store) => ({ ...store, onNotice: () => {} })],
  ]

  it.each(faults)('%s', async (_, alter) => {
    await expect(
      comparePair({ model: openTwinWorld(), subject: openTwinWorld(alter), random: new SimRandom(1), acts: 2_000 }),
    ).rejects.toThrow()
  })

  it('nothing where there is nothing to see', async () => {
    await comparePair({ model: openTwinWorld(), subject: openTwinWorld(), random: new SimRandom(1), acts: 2_000 })
  })
})

function withoutLease(request: WriteRequest): WriteRequest {
  return request.kind === 'set' ? { ...request, lease: undefined } : request
}

function takeoverForces<T extends { readonly force: boolean; readonly takeover: string | undefined }>(request: T): T {
  return { ...request, force: request.force || request.takeover !== undefined }
}

function withoutLast<T extends { readonly tags: readonly string[] }>(request: T): T {
  return request.tags.length > 1 ? { ...request, tags: request.tags.slice(0, -1) } : request
}
