import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cachePlanner } from '../src/config/forebay-plan.js'
import { decodeValue } from '../src/core/codec.js'
import type { FarStore, StoredValue } from '../src/core/far-store.js'
import { createForebay } from '../src/create-forebay.js'
import { createEngine } from '../src/engine/facade.js'
import { type Cache, type CacheOptions, entry, type Loader, notModified } from '../src/engine/public.js'
import { openNearStore } from '../src/memory/near-store.js'
import { TwinServer } from '../src/memory/twin-server.js'
import { twinStore } from '../src/memory/twin-store.js'
import { openContext, outsideCallers } from '../src/system/context.js'
import { createPacking } from '../src/system/packing.js'
import { SimClock } from '../src/testing/sim-clock.js'
import { SimRandom } from '../src/testing/sim-random.js'

const shards = [0, 1, 2, 3]

/** A service without Redis on a simulated clock, and the store that stands for Redis. */
class Alone {
  readonly clock = new SimClock()
  readonly #server = new TwinServer({ shards: shards.length, runId: 'twin' })
  readonly forebay
  readonly books: Cache<unknown>

  /** `alter`: what the engine is given in place of the store. */
  constructor(options: CacheOptions = {}, alter = (store: FarStore): FarStore => store) {
    const random = new SimRandom('alone')
    const parts = {
      service: 'alone',
      openFarStore: () => alter(twinStore({ server: this.#server, clock: this.clock })),
      openNearStore,
      packing: createPacking({ aside: false }),
      clock: this.clock,
      random,
      digest: (text: string) => text,
      detached: outsideCallers(),
      openContext,
    }
    this.forebay = createEngine(parts, cachePlanner({ ttl: '10s', jitter: 0 }))
    this.books = this.forebay.cache('books', options)
  }

  /** Keys that are kept outside memory too. */
  get elsewhere(): number {
    return this.#server.entryNames(shards).length
  }

  async run<T>(work: Promise<T>, ms = 0): Promise<T> {
    let over = false
    const end = (): void => {
      over = true
    }
    work.then(end, end)
    await this.clock.runUntil(this.clock.now() + 60_000, () => over)
    await this.clock.run(ms)
    return work
  }
}

describe('without Redis', () => {
  it('keeps memory in use in a process too busy to turn its event loop: nobody else can change what is cached', async () => {
    const forebay = createForebay({ service: 'alone', redis: false })
    const maxStaleness = 100
    const books = forebay.cache<string>('books', { ttl: '1h', maxStaleness })
    await books.set('b1', 'Emma')
    for (const endMs = performance.now() + 2 * maxStaleness; performance.now() < endMs; );
    expect(books.peek('b1')).toBe('Emma')
    await books.invalidate('b1')
    expect(books.peek('b1')).toBeUndefined()
    await forebay.close()
  })

  it('keeps a value once: in memory, unless memory alone could not do what its cache asks for', async () => {
    const only = new Alone()
    await only.run(only.books.set('b1', 'Emma', { tags: ['author:7'] }))
    await only.run(only.books.getOrSet('b2', () => 'Persuasion'))
    await only.run(only.books.update('b3', () => 'Sanditon'))
    expect(only.elsewhere).toBe(0)
    expect(only.books.peek('b1')).toBe('Emma')
    const asked: CacheOptions[] = [
      { staleIfError: '1h' },
      { staleWhileRevalidate: '1h' },
      { keepForRevalidation: '1h' },
      { softTimeout: '100ms' },
      { sliding: true },
      { earlyRefresh: true },
      { memory: false },
      { memory: { ttl: '5s' } },
      { memory: { hotOnly: true } },
      { memory: { maxBytes: 1_000 } },
    ]
    for (const options of asked) {
      const both = new Alone(options)
      await both.run(both.books.set('b1', 'Emma'))
      expect([options, both.elsewhere]).toEqual([options, 1])
    }
  })

  it('keeps a value with a version or a validator in both places, and what follows it in one again', async () => {
    const both = new Alone()
    await both.run(both.books.set('b1', 'Emma', { version: 3 }))
    expect(both.elsewhere).toBe(1)
    await both.run(both.books.set('b1', 'an older one', { version: 2 }))
    expect(both.books.peek('b1')).toBeUndefined()
    await both.run(both.books.getOrSet('b1', () => entry('Emma', { validator: '"e1"' })))
    expect(both.elsewhere).toBe(1)
    const asked: unknown[] = []
    const ask: Loader<unknown> = ({ validator }) => {
      asked.push(validator)
      return notModified()
    }
    await both.run(both.books.getOrSet('b1', ask, { fresh: true }))
    expect(asked).toEqual(['"e1"'])
    await both.run(both.books.set('b1', 'Persuasion'))
    expect([both.elsewhere, both.books.peek('b1')]).toEqual([0, 'Persuasion'])
  })

  it('keeps what was stored before the first look at the store', async () => {
    const forebay = createForebay({ service: 'alone', redis: false })
    const books = forebay.cache<string>('books', { ttl: '1h' })
    await books.set('b1', 'Emma')
    await forebay.ready()
    expect(await books.get('b1')).toBe('Emma')
    await forebay.close()
  })

  it.each([...Array(24).keys()])('loses nothing that is stored while it starts, %i microtasks after that', async (lead) => {
    const forebay = createForebay({ service: 'alone', redis: false })
    const books = forebay.cache<number>('books', { ttl: '1h' })
    for (let i = 0; i < lead; i++) await Promise.resolve()
    await Promise.all(['b1', 'b2', 'b3', 'b4'].map((id, i) => books.set(id, i)))
    await forebay.ready()
    await forebay.settled()
    expect(await books.getMany(['b1', 'b2', 'b3', 'b4'])).toEqual([0, 1, 2, 3])
    await forebay.close()
  })

  it('extends a life by the span that it came with, however often, and by another', async () => {
    const alone = new Alone()
    const { books } = alone
    expect(await alone.run(books.extend('b1'))).toBe(false)
    await alone.run(books.set('b1', 'Emma', { tags: ['author:7'] }), 6_000)
    expect(await alone.run(books.extend('b1'), 6_000)).toBe(true)
    expect(await alone.run(books.extend('b1'), 9_000)).toBe(true)
    expect(books.peek('b1')).toBe('Emma')
    expect(await alone.run(books.extend('b1', { ttl: '1m' }), 50_000)).toBe(true)
    expect(books.peek('b1')).toBe('Emma')
    await alone.run(books.invalidateTags(['author:7']))
    expect(books.peek('b1')).toBeUndefined()
    expect(await alone.run(books.extend('b1'))).toBe(false)
  })

  it('extends by the same span after a read that has asked anew, and keeps an extension that comes while it is asking', async () => {
    const alone = new Alone({ ttl: '1s' })
    const { books } = alone
    const ask = () => books.get('b1', { mustRevalidate: true })
    await alone.run(books.set('b1', 'Emma'), 600)
    expect(await alone.run(books.extend('b1'))).toBe(true)
    expect(await alone.run(ask(), 300)).toBe('Emma')
    expect(await alone.run(books.extend('b1'), 990)).toBe(true)
    expect(books.peek('b1')).toBe('Emma')
    await alone.run(Promise.all([books.extend('b1', { ttl: '1h' }), ask()]), 600_000)
    expect(books.peek('b1')).toBe('Emma')
  })

  it('extends nothing here whose end is set by a calendar, and that the store has let go', async () => {
    const alone = new Alone({}, (store) => ({ ...store, extend: async () => undefined }))
    await alone.run(alone.books.set('b1', 'Emma', { expiresAt: new Date(alone.clock.wall() + 2_500) }))
    expect(await alone.run(alone.books.extend('b1', { ttl: '1h' }), 3_000)).toBe(false)
    expect(alone.books.peek('b1')).toBeUndefined()
  })

  it('has the old value or the new one at any moment of a write', async () => {
    const alone = new Alone()
    const { books } = alone
    await alone.run(books.set('b1', 'old'))
    const reads = [books.get('b1', { mustRevalidate: true }), books.update('b2', () => 'other').then(() => books.peek('b1'))]
    const writing = books.set('b1', 'new')
    reads.push(books.get('b1'), books.get('b1', { mustRevalidate: true }))
    const found = await alone.run(Promise.all(reads))
    await alone.run(writing)
    for (const one of found) expect(['old', 'new']).toContain(one)
    const previous: unknown[] = []
    const add = books.update('b1', (context) => {
      previous.push(context.previous)
      return 'newer'
    })
    await alone.run(Promise.all([books.set('b1', 'newest'), add]))
    expect(['new', 'newest']).toContain(previous[0])
  })

  const key = fc.constantFrom('a', 'b', 'c')
  const tag = fc.constantFrom('red', 'blue')
  const act = fc.oneof(
    fc.record({ act: fc.constant('set' as const), key, tags: fc.subarray(['red', 'blue']), ttl: fc.constantFrom(undefined, 500, 3_000) }),
    fc.record({ act: fc.constant('getOrSet' as const), key, fresh: fc.boolean(), takesMs: fc.constantFrom(0, 300), fails: fc.boolean() }),
    fc.record({ act: fc.constant('mustRevalidate' as const), key }),
    fc.record({ act: fc.constant('update' as const), key }),
    fc.record({ act: fc.constant('get' as const), key }),
    fc.record({ act: fc.constant('extend' as const), key, ttl: fc.constantFrom(undefined, 4_000) }),
    fc.record({ act: fc.constant('getMany' as const) }),
    fc.record({ act: fc.constant('invalidate' as const), key }),
    fc.record({ act: fc.constant('markStale' as const), key }),
    fc.record({ act: fc.constant('invalidateTags' as const), tag }),
    fc.record({ act: fc.constant('clear' as const) }),
    fc.record({ act: fc.constant('wait' as const), ms: fc.constantFrom(1, 400, 2_500, 11_000) }),
  )
  type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

  /** Does it, and answers whatever a caller can see of it. */
  async function begun({ books, clock }: Alone, one: Act, nth: number): Promise<unknown> {
    const seen: unknown[] = []
    const load = (takesMs: number, fails: boolean) => async (context: { readonly previous?: unknown }) => {
      seen.push(context.previous)
      if (takesMs > 0) await new Promise<void>((resolve) => void clock.after(takesMs, resolve))
      if (fails) throw new Error('the origin is away')
      return entry(`loaded ${nth}`, { tags: ['red'] })
    }
    const answer = (work: Promise<unknown>) => work.then((value) => ({ value }), String)
    if (one.act === 'set')
      seen.push(await answer(books.set(one.key, `set ${nth}`, { tags: one.tags, ttl: one.ttl }).then(({ state }) => state)))
    if (one.act === 'getOrSet') seen.push(await answer(books.getOrSet(one.key, load(one.takesMs, one.fails), { fresh: one.fresh })))
    if (one.act === 'mustRevalidate') seen.push(await answer(books.getOrSet(one.key, load(0, false), { mustRevalidate: true })))
    if (one.act === 'update') seen.push(await answer(books.update(one.key, load(0, false)).then(({ state }) => state)))
    if (one.act === 'get') seen.push(await answer(books.get(one.key)), books.peek(one.key))
    if (one.act === 'getMany') seen.push(await answer(books.getMany(['a', 'b', 'c', 'a'])))
    if (one.act === 'extend') seen.push(await answer(books.extend(one.key, { ttl: one.ttl })))
    if (one.act === 'invalidate') await answer(books.invalidate(one.key))
    if (one.act === 'markStale') await answer(books.markStale(one.key))
    if (one.act === 'invalidateTags') await answer(books.invalidateTags([one.tag]))
    if (one.act === 'clear') await answer(books.clear())
    return seen
  }

  async function done(alone: Alone, one: Act, nth: number): Promise<unknown> {
    return one.act === 'wait' ? alone.clock.run(one.ms) : alone.run(begun(alone, one, nth))
  }

  it('serves and loads exactly as if every value were kept in both places', async () => {
    const options = fc.constantFrom<CacheOptions>({}, {}, { staleWhileRevalidate: '5s' }, { staleIfError: '20s' }, { negativeTtl: false })
    await fc.assert(
      fc.asyncProperty(options, fc.array(act, { maxLength: 40 }), async (given, acts) => {
        const once = new Alone(given)
        const twice = new Alone(given, (store) => ({ ...store, alone: undefined }))
        for (const [nth, one] of acts.entries()) {
          // Marked stale, a value without a stale window is one that nobody is served: only in both places is it kept for a load to ask with.
          if (one.act === 'markStale' && given.staleWhileRevalidate === undefined && given.staleIfError === undefined) continue
          expect(await done(once, one, nth)).toEqual(await done(twice, one, nth))
        }
      }),
      { numRuns: 150 },
    )
  })

  /** The store, and what it holds: told by each act in the order in which they happen. */
  function watched(holds: Map<string, { readonly value: unknown; readonly tags: readonly string[] }>) {
    const valueIn = ({ codec, payload, tags }: StoredValue) => ({ value: decodeValue(codec, payload), tags })
    return (store: FarStore): FarStore => ({
      ...store,
      write: async (at, request) => {
        const answer = await store.write(at, request)
        if (request.kind === 'set' && answer.stored) holds.set(at.key, valueIn(request.value))
        else holds.delete(at.key)
        return answer
      },
      fill: async (at, request) => {
        const answer = await store.fill(at, request)
        if (answer.kind === 'stored') holds.set(at.key, valueIn(request.value))
        return answer
      },
      stamp: async (shard, request) => {
        const position = await store.stamp(shard, request)
        for (const [name, { tags }] of holds)
          if (request.tags.length === 0 || tags.some((one) => request.tags.includes(one))) holds.delete(name)
        return position
      },
    })
  }

  it('holds in memory what the store has decided, whatever happens at once', async () => {
    const atOnce = fc.array(fc.tuple(act, fc.nat(6)), { minLength: 2, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(atOnce, { maxLength: 6 }), async (rounds) => {
        const holds = new Map<string, { readonly value: unknown; readonly tags: readonly string[] }>()
        const alone = new Alone({ ttl: '1h', loads: { max: 2 } }, watched(holds))
        await alone.run(alone.forebay.ready())
        let nth = 0
        for (const acts of rounds) {
          const all = acts.map(async ([one, lead]) => {
            for (let i = 0; i < lead; i++) await Promise.resolve()
            if (one.act !== 'wait' && one.act !== 'extend') await begun(alone, 'ttl' in one ? { ...one, ttl: undefined } : one, nth++)
          })
          await alone.run(Promise.all(all))
          await alone.run(alone.forebay.settled())
          for (const name of ['a', 'b', 'c']) expect([name, alone.books.peek(name)]).toEqual([name, holds.get(name)?.value])
        }
      }),
      { numRuns: 200 },
    )
  })
})
