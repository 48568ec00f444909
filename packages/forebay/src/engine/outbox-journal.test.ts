import { describe, expect, it } from 'vitest'
import { Fleet } from '../../test/fleet.js'
import { readJournal } from '../core/journal.js'
import { mostUnsent } from '../core/plan.js'
import { SimDisk } from '../testing/sim-journal.js'
import type { Node } from '../../test/fleet.js'

/** A process that keeps its outbox on this disk, and one that does not, over one Redis that holds 'old'. */
async function scene(most = mostUnsent) {
  const fleet = new Fleet()
  const disk = new SimDisk('shop')
  const start = (name: string): Node => fleet.start(name, { outbox: { most, journal: disk.open(name) } })
  const one = start('one')
  const other = fleet.start('other')
  await fleet.until(Promise.all([one.forebay.ready(), other.forebay.ready()]))
  await fleet.until(one.cache<string>().set('b42', 'old'))
  const recordsOf = (name: string) => readJournal(disk.files.get(name) ?? '', 'shop').records.map(({ tidings }) => tidings)
  return {
    fleet,
    disk,
    one,
    other,
    start,
    recordsOf,
    down: () => fleet.group.primary.stop(),
    up: () => fleet.group.primary.start({ loseData: false }),
  }
}

const b42 = { kind: 'key', cache: 'books', key: 'b42' }

describe('an outbox that is kept on disk', () => {
  it('outlives the process: the next one sends it before it believes Redis', async () => {
    const { fleet, one, other, start, down, up } = await scene()
    down()
    expect(await fleet.until(one.cache().invalidate('b42'))).toMatchObject({ state: 'queued' })
    one.kill()
    up()
    const two = start('two')
    const found = two.cache<string>().fetch('b42', () => 'new')
    expect(two.forebay.stats().outbox).toBe(1)
    expect(await fleet.until(found)).toMatchObject({ value: 'new', tier: 'origin' })
    await fleet.until(two.forebay.ready())
    expect(await fleet.until(other.cache<string>().fetch('b42', () => 'new'))).toMatchObject({ value: 'new' })
  })

  it('without it the old value comes back: what is shown here is the disk', async () => {
    const { fleet, one, down, up } = await scene()
    down()
    await fleet.until(one.cache().invalidate('b42'))
    one.kill()
    up()
    const [two] = await fleet.ready('two')
    expect(await fleet.until(two.cache<string>().fetch('b42', () => 'new'))).toMatchObject({ value: 'old', tier: 'redis' })
  })

  it('holds a line before the caller is answered, a set as an invalidation, and nothing once all is sent', async () => {
    const { fleet, disk, one, recordsOf, down, up } = await scene()
    down()
    await fleet.until(Promise.all([one.cache().set('b42', 'newer'), one.cache().markStale('b43'), one.forebay.invalidateTags(['t'])]))
    expect(recordsOf('one')).toEqual([b42, { ...b42, key: 'b43' }, { kind: 'tags', scope: '*', tags: ['t'] }])
    up()
    await fleet.until(one.forebay.ready())
    expect([...disk.files]).toEqual([])
  })

  it('is sent under its first nonce', async () => {
    const { fleet, disk, one, start, down, up } = await scene()
    down()
    await fleet.until(one.cache().invalidate('b42'))
    const [{ nonce } = { nonce: '' }] = readJournal(disk.files.get('one') ?? '', 'shop').records
    one.kill()
    up()
    await fleet.until(start('two').forebay.ready())
    const sent = fleet.executed.flatMap((event) => (event.act === 'write' ? [(event.request as { nonce: string }).nonce] : []))
    expect(sent.at(-1)).toMatch(new RegExp(`^${nonce.replace('.', '\\.')}~`))
  })

  it('is left where it is by a close that cannot send, which tells of it', async () => {
    const { fleet, one, start, recordsOf, down } = await scene()
    down()
    await fleet.until(one.cache().invalidate('b42'))
    expect(await fleet.until(one.forebay.close({ timeout: '1s' }))).toEqual({ unsent: 1 })
    expect(recordsOf('one')).toEqual([b42])
    expect(start('two').forebay.stats().outbox).toBe(1)
    expect(recordsOf('two')).toEqual([b42])
  })

  it('waits until the number of shards is known, and goes to whichever they are then', async () => {
    const { fleet, disk, one, down, up } = await scene()
    down()
    await fleet.until(Promise.all([one.cache().invalidate('b42'), one.cache().clear()]))
    one.kill()
    up()
    const all = new Fleet(7)
    await all.until(all.start('two', { outbox: { most: 10, journal: disk.open('two') } }).forebay.ready())
    expect([all.count('write'), all.count('stamp')]).toEqual([1, 7])
  })

  it('full, it becomes as coarse as the one in memory', async () => {
    const { fleet, one, recordsOf, down } = await scene(3)
    down()
    await fleet.until(one.cache().deleteMany(Array.from({ length: 3_000 }, (_, i) => `k${i}`)))
    expect(one.forebay.stats().outbox).toBeLessThanOrEqual(4 * 3)
    expect(recordsOf('one').length).toBeLessThan(1_100)
    expect(recordsOf('one')).toContainEqual({ kind: 'clear', scope: 'books' })
  })

  it('does not grow where the same is meant again and again', async () => {
    const { fleet, one, recordsOf, down } = await scene()
    down()
    await fleet.until(Promise.all(Array.from({ length: 3_000 }, () => one.cache().invalidate('b42'))))
    expect(recordsOf('one').length).toBeLessThan(1_100)
    expect(recordsOf('one').at(-1)).toEqual(b42)
  })

  it('whose last line was cut off by the crash is as good as without it', async () => {
    const { fleet, disk, one, start, down } = await scene()
    down()
    await fleet.until(Promise.all([one.cache().invalidate('b42'), one.cache().invalidate('b43')]))
    one.kill()
    disk.alter('one', (text) => text.slice(0, -3))
    expect(start('two').forebay.stats().outbox).toBe(1)
  })

  it('that is damaged makes the whole service be cleared, and says so', async () => {
    const { fleet, disk, one, start, down, up } = await scene()
    down()
    await fleet.until(one.cache().invalidate('another'))
    one.kill()
    disk.alter('one', (text) => text.replace('another', 'aXother'))
    up()
    const two = start('two')
    await fleet.until(two.forebay.ready())
    expect(two.told('warning')).toMatchObject([{ text: expect.stringContaining('damaged') }])
    expect(await fleet.until(two.cache<string>().fetch('b42', () => 'new'))).toMatchObject({ value: 'new', tier: 'origin' })
  })

  it('on a full disk is told of once, goes on in memory, and is whole again when there is room', async () => {
    const { fleet, disk, one, recordsOf, down } = await scene()
    down()
    disk.full = true
    for (const key of ['a', 'b', 'c']) expect(await fleet.until(one.cache().invalidate(key))).toMatchObject({ state: 'queued' })
    await fleet.run(5_000)
    expect(one.told('warning').map(({ text }) => text)).toEqual([expect.stringContaining('ENOSPC')])
    disk.full = false
    await fleet.run(2_000)
    expect(recordsOf('one')).toHaveLength(3)
    expect(one.told('warning')).toHaveLength(2)
    expect(one.forebay.stats().outbox).toBe(3)
  })
})
