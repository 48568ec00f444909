import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'

async function scene() {
  const fleet = new Fleet()
  const [node] = await fleet.ready('one')
  const books = node.cache<string>()
  const origin = fleet.origin('first')
  await fleet.until(books.getOrSet('b42', origin.load))
  origin.value = 'second'
  return { fleet, node, books, origin }
}

describe('a cache that is switched off', () => {
  it('answers from the origin and keeps nothing, until it is on again', async () => {
    const { fleet, books, origin } = await scene()
    books.control({ mode: 'off' })
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ value: 'second', tier: 'origin' })
    expect(await fleet.until(books.get('b42'))).toBeUndefined()
    expect(await fleet.until(books.read('b42'))).toEqual({ state: 'miss' })
    expect(books.peek('b42')).toBeUndefined()
    expect(await fleet.until(books.getMany(['b42']))).toEqual([undefined])
    books.control({ mode: 'on' })
    expect(books.peek('b42')).toBe('first')
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('first')
  })

  it('sends Redis no read', async () => {
    const { fleet, books, origin } = await scene()
    books.control({ mode: 'off' })
    fleet.executed.length = 0
    await fleet.until(books.getOrSet('b42', origin.load))
    await fleet.until(books.get('b42'))
    expect(fleet.executed.filter(({ act }) => act !== 'ask')).toEqual([])
  })

  it('still invalidates for everybody', async () => {
    const { fleet, node, books, origin } = await scene()
    books.control({ mode: 'off' })
    expect(await fleet.until(books.invalidate('b42'))).toMatchObject({ state: 'acknowledged' })
    books.control({ mode: 'on' })
    expect(await fleet.until(books.getOrSet('b42', origin.load))).toBe('second')
    expect(node.told('control').map(({ mode }) => mode)).toEqual(['off', 'on'])
  })

  it('loads many keys by their bulk loader all the same', async () => {
    const { fleet, books } = await scene()
    books.control({ mode: 'off' })
    let calls = 0
    const load = ({ keys }: { keys: readonly string[] }) => {
      calls++
      return keys.map((key) => [key, `loaded ${key}`] as const)
    }
    expect(await fleet.until(books.getOrSetMany(['b42', 'b43'], load))).toEqual(['loaded b42', 'loaded b43'])
    expect(calls).toBe(1)
  })

  it('passes on a loader’s error, and a caller’s abort', async () => {
    const { fleet, books, origin } = await scene()
    books.control({ mode: 'off' })
    origin.broken = new Error('down')
    expect(await fleet.failure(books.getOrSet('b42', origin.load))).toBe(origin.broken)
    expect(await fleet.failure(books.getOrSet('b42', origin.load, { signal: AbortSignal.abort('gone') }))).toBe('gone')
  })

  it('may be so from the start', async () => {
    const { fleet, node, origin } = await scene()
    const other = node.cache<string>({ control: { mode: 'off' } }, 'other')
    expect(await fleet.until(other.fetch('b42', origin.load))).toMatchObject({ tier: 'origin' })
    expect(await fleet.until(other.fetch('b42', origin.load))).toMatchObject({ tier: 'origin' })
  })
})

describe('a ramp', () => {
  it('takes the same keys in every process, about as many as it says, and more as it rises', async () => {
    const fleet = new Fleet()
    const nodes = await fleet.ready('one', 'two')
    const keys = Array.from({ length: 300 }, (_, i) => `b${i}`)
    const [one, two] = nodes.map((node) => node.cache<string>())
    if (one === undefined || two === undefined) throw new RangeError('two processes')
    for (const cache of [one, two]) cache.control({ ramp: 25 })
    const cached = async (cache: typeof one): Promise<string[]> => {
      for (const key of keys) await fleet.until(cache.getOrSet(key, () => 'value'))
      return keys.filter((key) => cache.peek(key) !== undefined)
    }
    const first = await cached(one)
    expect(first.length).toBeGreaterThan(40)
    expect(first.length).toBeLessThan(110)
    expect(await cached(two)).toEqual(first)
    one.control({ ramp: 60 })
    const more = await cached(one)
    expect(first.every((key) => more.includes(key))).toBe(true)
    expect(more.length).toBeGreaterThan(first.length)
  })
})

describe('shadow mode', () => {
  it('answers from the origin, and tells where the cache would have differed', async () => {
    const { fleet, node, books, origin } = await scene()
    books.control({ mode: 'shadow' })
    expect(await fleet.until(books.fetch('b42', origin.load))).toMatchObject({ value: 'second', tier: 'origin' })
    await fleet.until(node.forebay.settled())
    expect(books.stats().control).toEqual({ mode: 'shadow', ramp: 100, shadow: { same: 0, different: 1, inconclusive: 0 } })
    expect(node.told('shadow-mismatch')).toMatchObject([{ cache: 'books', key: 'b42' }])
  })

  it('keeps the cache filled, and finds it right', async () => {
    const { fleet, books, origin } = await scene()
    books.control({ mode: 'shadow' })
    for (let i = 0; i < 3; i++) await fleet.until(books.getOrSet('b43', origin.load))
    await fleet.run(100)
    expect(books.stats().control.shadow).toEqual({ same: 2, different: 0, inconclusive: 0 })
  })

  it('does not blame the cache for a write in between', async () => {
    const { fleet, books, origin } = await scene()
    books.control({ mode: 'shadow' })
    const read = books.getOrSet('b42', origin.load)
    await fleet.run(2)
    await fleet.until(books.invalidate('b42'))
    await fleet.until(read)
    await fleet.run(100)
    expect(books.stats().control.shadow).toEqual({ same: 0, different: 0, inconclusive: 1 })
  })
})

describe('controls', () => {
  it.each([{ mode: 'of' }, { ramp: 101 }, { ramp: 0.5 }, { ramp: -1 }, { on: true }, null])(
    'refuse %j and change nothing',
    async (control) => {
      const { node, books } = await scene()
      expect(() => books.control(control as never)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
      expect(() => node.cache({ control } as never, 'other')).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
      expect(books.stats().control).toMatchObject({ mode: 'on', ramp: 100 })
    },
  )
})
