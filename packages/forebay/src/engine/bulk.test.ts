import { describe, expect, it } from 'vitest'
import { Fleet, type Node } from '../../test/fleet.js'
import { pattern } from '../core/pattern.js'
import { type BulkLoadContext, type Cache, doNotStore, entry, type Key, type Loaded } from './public.js'

const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `b${from + index}`)

/** A table behind the cache that is asked for many rows at once. */
class Table {
  readonly rows = new Map<Key, Loaded<unknown>>()
  readonly calls: (readonly Key[])[] = []
  readonly signals: AbortSignal[] = []
  broken: unknown
  takesMs = 20
  readonly #fleet: Fleet

  constructor(fleet: Fleet, keys: readonly string[]) {
    this.#fleet = fleet
    for (const key of keys) this.rows.set(key, `row ${key}`)
  }

  readonly load = async <K extends Key>({ keys, signal }: BulkLoadContext<K>): Promise<[K, Loaded<unknown>][]> => {
    this.calls.push(keys)
    this.signals.push(signal)
    const found = keys.filter((key) => this.rows.has(key)).map((key) => [key, this.rows.get(key)] as [K, Loaded<unknown>])
    await this.#fleet.sleep(this.takesMs)
    if (this.broken !== undefined) throw this.broken
    return found
  }
}

const rows = (keys: readonly string[]): string[] => keys.map((key) => `row ${key}`)

async function shop<N extends readonly string[]>(...nodes: N): Promise<{ fleet: Fleet; nodes: { [I in keyof N]: Node }; table: Table }> {
  const fleet = new Fleet()
  return { fleet, nodes: await fleet.ready(...nodes), table: new Table(fleet, names(1_000)) }
}

describe('getOrSetMany', () => {
  it('gives values in the order of the keys, repetitions and misses included, by one call of the loader', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    await fleet.until(books.set('b3', 'stored'))
    const keys = ['b2', 'nobody', 'b1', 'b2', 'b3', 'nobody']
    expect(await fleet.until(books.getOrSetMany(keys, table.load))).toEqual(['row b2', undefined, 'row b1', 'row b2', 'stored', undefined])
    expect(table.calls).toEqual([['b2', 'nobody', 'b1']])
    expect(await fleet.until(books.getMany(keys))).toEqual(['row b2', undefined, 'row b1', 'row b2', 'stored', undefined])
    expect(nodes[0].told('fill').map(({ key }) => key)).toEqual(['b2', 'b1'])
    expect(await fleet.until(books.getOrSetMany([], table.load))).toEqual([])
  })

  it('reads what another process has stored, and keeps it in memory', async () => {
    const { fleet, nodes, table } = await shop('one', 'two')
    await fleet.until(nodes[0].cache().getOrSetMany(names(50), table.load))
    expect(await fleet.until(nodes[1].cache().getOrSetMany(names(60), table.load))).toEqual(rows(names(60)))
    expect(table.calls).toEqual([names(50), names(10, 50)])
    expect(nodes[1].cache().stats().hits).toEqual({ memory: 0, redis: 50 })
    await fleet.until(nodes[1].cache().getMany(names(60)))
    expect(nodes[1].cache().stats().hits).toEqual({ memory: 60, redis: 50 })
  })

  it('asks for at most one chunk at once', async () => {
    const { fleet, nodes, table } = await shop('one')
    expect(await fleet.until(nodes[0].cache().getOrSetMany(names(23), table.load, { chunk: 10 }))).toEqual(rows(names(23)))
    expect(table.calls).toEqual([names(10), names(10, 10), names(3, 20)])
    expect(await fleet.failure(nodes[0].cache().getOrSetMany(names(1), table.load, { chunk: 0 }))).toMatchObject({ code: 'E_OPTION' })
  })

  it('takes one place among the loads for each call', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache({ loads: { max: 1 } })
    const both = Promise.all([books.getOrSetMany(names(20), table.load), books.getOrSetMany(names(20, 20), table.load)])
    await fleet.run(10)
    expect(books.stats().loading).toMatchObject({ running: 1, queued: { callers: 1 } })
    expect((await fleet.until(both)).flat()).toEqual(rows(names(40)))
    expect(table.calls).toEqual([names(20), names(20, 20)])
    expect(books.stats().loading).toMatchObject({ running: 0, queued: { callers: 0 } })
  })

  it('joins what getOrSet loads, and is joined by it', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    const origin = fleet.origin('single', 50)
    const single = books.getOrSet('b1', origin.load)
    await fleet.run(10)
    const many = books.getOrSetMany(['b0', 'b1', 'b2'], table.load)
    await fleet.run(10)
    const later = books.getOrSet('b2', origin.load)
    expect(await fleet.until(Promise.all([single, many, later]))).toEqual(['single', ['row b0', 'single', 'row b2'], 'row b2'])
    expect(table.calls).toEqual([['b0', 'b2']])
    expect(origin.loads).toBe(1)
  })

  it('waits for keys that other processes load, while the rest is loaded', async () => {
    const { fleet, nodes, table } = await shop('one', 'two')
    const origin = fleet.origin('of two', 300)
    void nodes[1].cache().getOrSet('b1', origin.load)
    await fleet.run(10)
    expect(await fleet.until(nodes[0].cache().getOrSetMany(['b0', 'b1', 'b2'], table.load))).toEqual(['row b0', 'of two', 'row b2'])
    expect(table.calls).toEqual([['b0', 'b2']])
  })

  it('loads by another call what another process has failed to load', async () => {
    const { fleet, nodes, table } = await shop('one', 'two')
    const origin = fleet.origin('', 100)
    origin.broken = new Error('no database')
    nodes[1]
      .cache()
      .getOrSetMany(['b1', 'b2'], async () => {
        await origin.load({ key: '', signal: new AbortController().signal, previous: undefined, validator: undefined })
        return []
      })
      .catch(() => {})
    await fleet.run(10)
    const found = await fleet.until(nodes[0].cache().getOrSetMany(['b0', 'b1', 'b2'], table.load))
    expect(found).toEqual(rows(names(3)))
    expect(table.calls[0]).toEqual(['b0'])
    expect(table.calls.slice(1).flat().sort()).toEqual(['b1', 'b2'])
  })

  it('of two processes loads each key once', async () => {
    const { fleet, nodes, table } = await shop('one', 'two')
    const both = nodes.map((node) => node.cache().getOrSetMany(names(40), table.load))
    expect(await fleet.until(Promise.all(both))).toEqual([rows(names(40)), rows(names(40))])
    expect(table.calls.flat().sort()).toEqual(names(40).sort())
  })

  it('lets the loader give lifetimes and tags to each key, and keep a value from being stored', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    table.rows.set('b1', entry('short', { ttl: '1s' }))
    table.rows.set('b2', entry('tagged', { tags: ['t'] }))
    table.rows.set('b3', doNotStore('passing'))
    const keys = names(4)
    expect(await fleet.until(books.getOrSetMany(keys, table.load))).toEqual(['row b0', 'short', 'tagged', 'passing'])
    await fleet.until(books.invalidateTags(['t']))
    await fleet.run(1_100)
    expect(await fleet.until(books.getMany(keys))).toEqual(['row b0', undefined, undefined, undefined])
  })

  it('takes a Map, any iterable, and keys of any kind', async () => {
    const { fleet, nodes } = await shop('one')
    const books = nodes[0].cache()
    const load = () =>
      new Map<Key, string>([
        [{ b: 1, a: 2 }, 'structure'],
        [7, 'number'],
        ['7', 'text'],
        ['unasked', 'x'],
      ]) // prettier-ignore
    expect(await fleet.until(books.getOrSetMany([{ a: 2, b: 1 }, 7, '7'], load))).toEqual(['structure', 'number', 'text'])
    const generate = function* (): Generator<[string, string]> {
      yield ['b1', 'generated']
    }
    expect(await fleet.until(books.getOrSetMany(['b1'], generate))).toEqual(['generated'])
    expect(await fleet.until(books.getMany(['unasked']))).toEqual([undefined])
  })

  it.each([
    ['undefined', undefined],
    ['a record', { b1: 'x' }],
    ['a list of values', ['x']],
  ])('refuses a loader that answers %s', async (_, answer) => {
    const { fleet, nodes } = await shop('one')
    const failure = await fleet.failure(nodes[0].cache().getOrSetMany(['b1'], () => answer as never))
    expect(failure).toMatchObject({ code: 'E_VALUE_UNSUPPORTED' })
  })

  it('hands a value that cannot be cached out, and stores the others', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache<unknown>({ maxValueBytes: 50 })
    table.rows.set('b1', Symbol.for('odd'))
    table.rows.set('b2', 'x'.repeat(100))
    expect(await fleet.until(books.getOrSetMany(names(4), table.load))).toEqual(['row b0', Symbol.for('odd'), 'x'.repeat(100), 'row b3'])
    expect(nodes[0].told('fill-refused')).toMatchObject([
      { key: 'b1', why: 'unstorable' },
      { key: 'b2', why: 'unstorable' },
    ])
    expect(await fleet.until(books.getMany(names(4)))).toEqual(['row b0', undefined, undefined, 'row b3'])
  })

  it('refuses a bad key before anything is asked', async () => {
    const { fleet, nodes, table } = await shop('one')
    expect(await fleet.failure(nodes[0].cache().getOrSetMany(['b1', Number.NaN], table.load))).toMatchObject({ code: 'E_KEY' })
    expect(table.calls).toEqual([])
  })

  it('rejects when the loader does, but gives what is stale and may be served', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache({ ttl: '10s', staleIfError: '1h' })
    await fleet.until(books.getOrSetMany(names(3), table.load))
    await fleet.run(11_000)
    table.broken = new Error('no database')
    expect(await fleet.until(books.getOrSetMany(names(3), table.load))).toEqual(rows(names(3)))
    expect(await fleet.failure(books.getOrSetMany(names(5), table.load))).toBe(table.broken)
    expect(nodes[0].cache().stats().loading.running).toBe(0)
    table.broken = undefined
    await fleet.run(1_000)
    expect(await fleet.until(books.getOrSetMany(names(5), table.load))).toEqual(rows(names(5)))
  })

  it('loads itself what those whom it joined could not load, or left out', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    const failing = fleet.origin('', 50)
    failing.broken = new Error('gone')
    const failed = books.getOrSet('b1', failing.load).catch((error: unknown) => error)
    const empty = books.getOrSetMany(['b2'], async () => {
      await fleet.sleep(50)
      return []
    })
    await fleet.run(10)
    const many = books.getOrSetMany(['b0', 'b1', 'b2'], table.load)
    const single = books.getOrSet('b2', fleet.origin('mine').load)
    expect(await fleet.until(many)).toEqual(['row b0', 'row b1', expect.stringMatching(/^(mine|row b2)$/)])
    expect(await fleet.until(single)).toMatch(/^(mine|row b2)$/)
    expect(await fleet.until(empty)).toEqual([undefined])
    expect(await failed).toBe(failing.broken)
  })

  it('serves what is stale at once, and refreshes it behind by one call', async () => {
    const { fleet, nodes, table } = await shop('one', 'two')
    const options = { ttl: '10s', staleWhileRevalidate: '1h' } as const
    await fleet.until(nodes[0].cache(options).getOrSetMany(names(10), table.load))
    await fleet.run(11_000)
    for (const key of names(10)) table.rows.set(key, `new ${key}`)
    expect(await fleet.until(nodes[0].cache().getOrSetMany(names(10), table.load))).toEqual(rows(names(10)))
    await fleet.run(100)
    expect(table.calls).toEqual([names(10), names(10)])
    expect(nodes[0].cache().peek('b3')).toBe('new b3')
    await fleet.run(11_000)
    expect(await fleet.until(nodes[1].cache(options).getOrSetMany(names(10), table.load))).toEqual(names(10).map((key) => `new ${key}`))
    await fleet.run(100)
    expect(table.calls).toEqual([names(10), names(10), names(10)])
  })

  it('is not stored where an invalidation comes in between, for that key alone', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    const many = books.getOrSetMany(names(3), table.load)
    await fleet.run(10)
    await fleet.until(books.invalidate('b1'))
    expect(await fleet.until(many)).toEqual(rows(names(3)))
    expect(await fleet.until(books.getMany(names(3)))).toEqual(['row b0', undefined, 'row b2'])
  })

  it('ends with its signal, and then the call of the loader as well, unless others wait', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    const [first, second] = [new AbortController(), new AbortController()]
    const gone = books.getOrSetMany(['b1', 'b2'], table.load, { signal: first.signal }).catch((error: unknown) => error)
    const joined = books.getOrSetMany(['b3', 'b4'], table.load, { signal: second.signal }).catch((error: unknown) => error)
    await fleet.run(10)
    const other = books.getOrSet('b4', () => 'mine')
    await fleet.run(1)
    first.abort(new RangeError('gone'))
    second.abort(new RangeError('gone as well'))
    expect(await fleet.until(Promise.all([gone, joined, other]))).toEqual([
      new RangeError('gone'),
      new RangeError('gone as well'),
      'row b4',
    ])
    expect(table.signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('ends the call of the loader when nobody waits for it, though others of its keys have been loaded elsewhere', async () => {
    const { fleet, nodes, table } = await shop('one', 'two')
    const origin = fleet.origin('of two', 100)
    void nodes[1].cache().getOrSet('b1', origin.load)
    await fleet.run(10)
    table.takesMs = 10_000
    const giveUp = new AbortController()
    const gone = fleet.failure(nodes[0].cache().getOrSetMany(['b0', 'b1'], table.load, { signal: giveUp.signal }))
    await fleet.run(200)
    expect(table.calls).toEqual([['b0']])
    giveUp.abort(new RangeError('gone'))
    expect(await gone).toBeInstanceOf(RangeError)
    expect(table.signals[0]?.aborted).toBe(true)
  })

  it('lets its caller go at once, even while the keys are being read', async () => {
    const { fleet, nodes, table } = await shop('one')
    const leaving = new AbortController()
    nodes[0].links.command.block('back')
    const gone = nodes[0]
      .cache()
      .getOrSetMany(names(3), table.load, { signal: leaving.signal })
      .catch((error: unknown) => error)
    await fleet.run(10)
    const leftMs = fleet.clock.now()
    leaving.abort(new RangeError('gone'))
    expect(await fleet.until(gone)).toEqual(new RangeError('gone'))
    expect(fleet.clock.now() - leftMs).toBeLessThan(2)
    nodes[0].links.command.unblock('back')
    await fleet.run(1_000)
    expect(table.calls).toEqual([])
  })

  it('hangs few listeners on the signals of callers and of loads, however many keys there are and however often they wait', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warn)
    const { fleet, nodes, table } = await shop('one', 'two')
    const hanging = fleet.origin('slow', 3_000)
    void nodes[1].cache().getOrSet('b0', hanging.load)
    await fleet.run(10)
    fleet.weather.lostPush = 1
    const { signal } = new AbortController()
    expect(await fleet.until(nodes[0].cache().getOrSetMany(names(50), table.load, { signal }))).toEqual(['slow', ...rows(names(49, 1))])
    const load = async ({ key }: { readonly key: string }): Promise<string> => key
    expect(await fleet.until(nodes[0].cache().warm(names(50, 50), load, { signal, concurrency: 30 }))).toMatchObject({ loaded: 50 })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    expect(warnings.map(({ name }) => name)).toEqual([])
  })

  it('is given up at the hard timeout, and gives its place back', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache({ hardTimeout: '1s' })
    table.takesMs = 1e9
    expect(await fleet.failure(books.getOrSetMany(names(3), table.load))).toMatchObject({ code: 'E_LOAD_TIMEOUT' })
    expect(table.signals[0]?.aborted).toBe(true)
    expect(books.stats().loading.running).toBe(0)
  })

  it('goes on while the far store is away, by one call and one value each', async () => {
    const { fleet, nodes, table } = await shop('one')
    nodes[0].cutOff()
    await fleet.run(3_000)
    expect(await fleet.until(nodes[0].cache().getOrSetMany(names(20), table.load))).toEqual(rows(names(20)))
    expect(table.calls).toEqual([names(20)])
    expect(nodes[0].cache().peek('b7')).toBe('row b7')
  })

  it('loads all anew where it is asked to', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    await fleet.until(books.getOrSetMany(names(3), table.load))
    for (const key of names(3)) table.rows.set(key, `new ${key}`)
    expect(await fleet.until(books.getOrSetMany(names(3), table.load, { fresh: true }))).toEqual(names(3).map((key) => `new ${key}`))
    expect(table.calls).toHaveLength(2)
  })

  it('is turned away as a whole where too many loads run, and says so', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache({ loads: { max: 1, queue: 0 } })
    void books.getOrSet('b0', fleet.origin('slow', 1_000).load)
    await fleet.run(10)
    expect(await fleet.failure(books.getOrSetMany(names(5, 1), table.load))).toMatchObject({ code: 'E_OVERLOADED' })
    expect(nodes[0].told('shed')).toHaveLength(1)
  })
})

describe('many keys of one scope', () => {
  it('are no other scope’s, and the loader sees them as they were asked for', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache<unknown>()
    const [mine, yours] = [books.scoped('user:1'), books.scoped('user:2')]
    expect(await fleet.until(mine.getOrSetMany(['b1', 'nobody', 'b2'], table.load))).toEqual(['row b1', undefined, 'row b2'])
    expect(table.calls).toEqual([['b1', 'nobody', 'b2']])
    await fleet.until(yours.setMany([['b2', 'yours', { ttl: '1h' }]]))
    expect(await fleet.until(mine.getMany(['b1', 'b2']))).toEqual(['row b1', 'row b2'])
    expect(await fleet.until(yours.readMany(['b1', 'b2']))).toMatchObject([{ state: 'miss' }, { value: 'yours' }])
    expect(await fleet.until(books.getMany(['b1', 'b2']))).toEqual([undefined, undefined])
  })
})

describe('getMany and readMany', () => {
  it('never load, and tell a miss from an undefined', async () => {
    const { fleet, nodes } = await shop('one', 'two')
    await fleet.until(
      nodes[0].cache().setMany([
        ['b1', undefined],
        ['b2', 2],
      ]),
    ) // prettier-ignore
    expect(await fleet.until(nodes[1].cache().getMany(['b0', 'b1', 'b2']))).toEqual([undefined, undefined, 2])
    const told = await fleet.until(nodes[1].cache().readMany(['b0', 'b1', 'b2']))
    expect(told).toMatchObject([{ state: 'miss' }, { state: 'fresh', value: undefined }, { state: 'fresh', value: 2, tier: 'memory' }])
  })

  it.each<[string, (books: Cache<string>) => Promise<unknown>, readonly string[]]>([
    ['nothing', async () => {}, ['b0', 'b1', 'b2']],
    ['a set', (books) => books.set('b1', 'new'), ['b0', 'b2']],
    ['an invalidation', (books) => books.invalidate('b1'), ['b0', 'b2']],
    ['an end of freshness', (books) => books.markStale('b1'), ['b0', 'b2']],
    ['a tag', (books) => books.invalidateTags(['of:b1']), ['b0', 'b2']],
    ['a pattern', (books) => books.invalidatePattern(pattern`b1*`), []],
    ['a clear', (books) => books.clear(), []],
  ])('keep nothing that was overtaken on its way: %s', async (_, write, kept) => {
    for (const own of [false, true]) {
      const { fleet, nodes } = await shop('one', 'two')
      const [one, two] = nodes.map((node) => node.cache<string>())
      if (one === undefined || two === undefined) throw new RangeError('two of them')
      await fleet.until(one.setMany(names(3).map((key) => [key, 'old', { tags: [`of:${key}`] }])))
      await fleet.run(1_000)
      nodes[1].links.command.block('back')
      const read = two.getMany(names(3))
      await fleet.run(5)
      const written = write(own ? two : one)
      await fleet.run(50)
      nodes[1].links.command.unblock('back')
      expect(await fleet.until(read)).toHaveLength(3)
      expect(names(3).filter((key) => two.peek(key) === 'old')).toEqual(kept)
      await fleet.until(written)
    }
  })

  it('keep nothing that was on its way while the process was suspended', async () => {
    const { fleet, nodes } = await shop('one', 'two')
    const [one, two] = nodes.map((node) => node.cache<string>())
    if (one === undefined || two === undefined) throw new RangeError('two of them')
    await fleet.until(one.setMany(names(3).map((key) => [key, 'old'])))
    await fleet.run(1_000)
    const read = two.getMany(names(3))
    nodes[1].process.suspend(60_000)
    await fleet.until(read)
    expect(nodes[1].told('suspended')).toHaveLength(1)
    expect(names(3).map((key) => two.peek(key))).toEqual([undefined, undefined, undefined])
  })

  it('read what a token names', async () => {
    const { fleet, nodes } = await shop('one', 'two')
    const [one, two] = nodes.map((node) => node.cache<string>())
    if (one === undefined || two === undefined) throw new RangeError('two of them')
    await fleet.until(one.setMany(names(20).map((key) => [key, 'old'])))
    await fleet.until(two.getMany(names(20)))
    fleet.weather.lostPush = 1
    const { token } = await fleet.until(one.setMany(names(20).map((key) => [key, 'new'])))
    expect(new Set(await fleet.until(two.getMany(names(20), { token })))).toEqual(new Set(['new']))
  })
})

describe('setMany', () => {
  it('stores all, with options of each or of all, under one token', async () => {
    const { fleet, nodes } = await shop('one', 'two')
    const books = nodes[0].cache()
    const entries: [string, string, { ttl: '1h' }?][] = [
      ['b1', 'one'],
      ['b2', 'two', { ttl: '1h' }],
      ['b1', 'last'],
    ] // prettier-ignore
    const { state, token } = await fleet.until(books.setMany(entries, { ttl: '1s' }))
    expect(state).toBe('acknowledged')
    expect(await fleet.until(nodes[1].cache().getMany(['b1', 'b2'], { token }))).toEqual(['last', 'two'])
    expect(nodes[0].told('write')).toMatchObject([{ what: 'set' }])
    await fleet.run(1_100)
    expect(await fleet.until(books.getMany(['b1', 'b2']))).toEqual([undefined, 'two'])
  })

  it('stores the others where one cannot be stored, and then rejects', async () => {
    const { fleet, nodes } = await shop('one')
    const books = nodes[0].cache<unknown>()
    expect(
      await fleet.failure(
        books.setMany([
          ['b1', 1],
          ['b2', () => {}],
          ['b3', 3],
        ]),
      ),
    ).toMatchObject({ code: 'E_VALUE_UNSUPPORTED' }) // prettier-ignore
    expect(await fleet.until(books.getMany(['b1', 'b2', 'b3']))).toEqual([1, undefined, 3])
  })
})

describe('warm', () => {
  it('loads what is missing, a few at once, and tells what became of all', async () => {
    const { fleet, nodes } = await shop('one')
    const books = nodes[0].cache()
    await fleet.until(books.set('b3', 'there'))
    const origin = fleet.origin('Dune', 10)
    const load = async (context: Parameters<typeof origin.load>[0]): Promise<string> => {
      if (context.key === 'b5') throw new Error('no such book')
      return origin.load(context)
    }
    expect(await fleet.until(books.warm(names(20), load))).toEqual({ loaded: 18, present: 1, failed: 1 })
    expect(origin.mostRunning).toBe(4)
    expect(await fleet.until(books.warm(new Set(names(20)), load, { concurrency: 2 }))).toEqual({ loaded: 0, present: 19, failed: 1 })
    expect(await fleet.failure(books.warm(names(1), load, { concurrency: 0 }))).toMatchObject({ code: 'E_OPTION' })
  })

  it('comes after callers and refreshes, until a caller joins', async () => {
    const { fleet, nodes } = await shop('one')
    const books = nodes[0].cache({ loads: { max: 1 } })
    const order: string[] = []
    const load = async ({ key }: { readonly key: string }): Promise<string> => {
      order.push(key)
      await fleet.sleep(50)
      return key
    }
    const first = books.getOrSet('b0', load)
    await fleet.run(10)
    const warm = books.warm(['w1', 'w2'], load)
    await fleet.run(10)
    expect(books.stats().loading.queued).toEqual({ callers: 0, refreshes: 0, warmUps: 2 })
    const others = [books.getOrSet('b1', load), books.getOrSet('w2', load)]
    await fleet.until(Promise.all([first, warm, ...others]))
    expect(order).toEqual(['b0', 'w2', 'b1', 'w1'])
  })

  it('ends with its signal', async () => {
    const { fleet, nodes } = await shop('one')
    const origin = fleet.origin('Dune', 100)
    const ending = new AbortController()
    const warm = nodes[0]
      .cache()
      .warm(names(100), origin.load, { signal: ending.signal })
      .catch((error: unknown) => error)
    await fleet.run(10)
    ending.abort(new RangeError('enough'))
    expect(await fleet.until(warm)).toEqual(new RangeError('enough'))
    await fleet.run(1_000)
    expect(origin.loads).toBe(4)
  })

  it('loads many by few calls', async () => {
    const { fleet, nodes, table } = await shop('one')
    const books = nodes[0].cache()
    await fleet.until(books.getOrSetMany(names(5), table.load))
    expect(await fleet.until(books.warmMany([...names(25), 'nobody'], table.load, { chunk: 13 }))).toEqual({
      loaded: 20,
      present: 5,
      failed: 1,
    })
    expect(table.calls.slice(1).flat()).toEqual([...names(20, 5), 'nobody'])
  })
})
