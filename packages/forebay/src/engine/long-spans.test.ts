import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { createForebay } from '../create-forebay.js'

const century = '36500d'
const spans = [
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'negativeTtl',
  'softTimeout',
  'keepForRevalidation',
  'maxStaleness',
  'hardTimeout',
]
const senseless = [
  Number.POSITIVE_INFINITY,
  Number.NaN,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_VALUE,
  '1e9y',
  '1e9d',
  '36501d',
  `${2 ** 53}ms`,
]
const refused = (option: string) => expect.objectContaining({ code: 'E_OPTION', message: expect.stringContaining(option) })

describe('a span that is longer than makes sense', () => {
  it.each(senseless)('%s is refused wherever a cache may be given one', async (span) => {
    const node = new Fleet().start('one')
    const asked = [...spans.map((name) => [name, { [name]: span }] as const), ['sliding.max', { sliding: { max: span } }] as const]
    for (const [name, options] of [...asked, ['memory.ttl', { memory: { ttl: span } }] as const]) {
      expect(() => node.cache(options as never), name).toThrow(refused(name))
    }
  })

  it.each(senseless)('%s is refused wherever a call may be given one', async (span) => {
    const fleet = new Fleet()
    const [node] = await fleet.ready('one')
    const books = node.cache()
    await fleet.until(books.set('b42', 'Dune'))
    const given = { ttl: span } as never
    expect(await fleet.failure(books.set('b42', 'Dune', given))).toEqual(refused('ttl'))
    expect(await fleet.failure(books.extend('b42', given))).toEqual(refused('ttl'))
    expect(await fleet.failure(books.getOrSet('b43', () => 'Emma', given))).toEqual(refused('ttl'))
    expect(await fleet.failure(books.invalidate('b42', { again: span } as never))).toEqual(refused('again'))
    expect(await fleet.failure(node.forebay.close({ timeout: span } as never))).toEqual(refused('timeout'))
  })
})

describe('the longest spans', () => {
  const longest = { ...Object.fromEntries(spans.map((name) => [name, century] as const)), memory: { ttl: century } } as const

  it('are lived through', async () => {
    const fleet = new Fleet()
    const [one, two] = await fleet.ready('one', 'two')
    const [mine, theirs] = [one.cache(longest), two.cache(longest)]
    expect(await fleet.until(mine.getOrSet('b42', () => fleet.sleep(5).then(() => 'Dune')))).toBe('Dune')
    await fleet.until(mine.set('b43', 'Emma', { ttl: century, expiresAt: new Date(8.64e15) }))
    expect(await fleet.until(theirs.getMany(['b42', 'b43']))).toEqual(['Dune', 'Emma'])
    expect(await fleet.until(theirs.extend('b42', { ttl: century }))).toBe(true)
    expect([theirs.peek('b42'), mine.peek('b42')]).toEqual(['Dune', 'Dune'])
    expect((await fleet.until(mine.invalidate('b42', { again: century }))).state).toBe('acknowledged')
    expect(await fleet.until(theirs.get('b42'))).toBeUndefined()
  })

  it('do not ring at once on the real clock', async () => {
    await using forebay = createForebay({ service: 'shop', redis: false })
    const books = forebay.cache<string>('books', { ...longest, ttl: century })
    let turns = 0
    const load = async (): Promise<string> => {
      for (; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
      return 'Dune'
    }
    expect(await books.fetch('b42', load)).toMatchObject({ value: 'Dune', state: 'fresh' })
    expect(turns).toBe(50)
    await forebay.settled()
    expect(await books.fetch('b42', () => 'not again')).toMatchObject({ value: 'Dune', state: 'fresh' })
  })
})
