import assert from 'node:assert/strict'
import { endlessMs } from '../../core/envelope.js'
import { book, longMs, type Rule, type Scene, shortMs } from './scene.js'

const once = { freshMs: 0, maxAgeMs: 0 }
const windows = { staleMs: 5, errorMs: 7 }

/** What prolongs an entry, what does not, and what stays as it was. */
export const extensionRules: readonly Rule[] = [
  [
    'nothing is extended where there is nothing',
    async (scene) => {
      assert.equal(await scene.store.extend(book(), once), undefined)
      await scene.sync()
      assert.equal(await scene.store.extend(book(), once), undefined)
    },
  ],
  [
    'an extension moves the end of freshness and the stale windows, and nothing else',
    async (scene) => {
      await scene.load(book(), { ...windows, extendMs: longMs, tags: ['a'], costMs: 7 })
      const before = await scene.raw(book())
      const answer = await scene.store.extend(book(), { freshMs: 3 * longMs, maxAgeMs: 0 })
      const after = await scene.raw(book())
      assert.ok(before && after && answer)
      const { freshUntilMs } = after
      assert.equal(freshUntilMs, answer.nowMs + 3 * longMs)
      assert.deepEqual(after, { ...before, freshUntilMs, staleUntilMs: freshUntilMs + 5, errorUntilMs: freshUntilMs + 7 })
      const { nowMs: _, ...times } = answer
      const { createdMs, staleUntilMs, errorUntilMs } = after
      assert.deepEqual(times, { createdMs, freshUntilMs, staleUntilMs, errorUntilMs })
    },
  ],
  [
    'an extension without a span is by the entry’s own, which is coded and may be a little less than it was',
    async (scene) => {
      await scene.load(book(), { freshMs: longMs, extendMs: 3 * longMs })
      const answer = await scene.store.extend(book(), once)
      assert.ok(answer)
      const span = answer.freshUntilMs - answer.nowMs
      assert.ok(span <= 3 * longMs && span > 3 * longMs * 0.9995)
    },
  ],
  [
    'an extension never shortens',
    async (scene) => {
      await scene.load(book(), { freshMs: 3 * longMs, extendMs: longMs })
      const before = await scene.raw(book())
      assert.ok(await scene.store.extend(book(), once))
      assert.ok(await scene.store.extend(book(), { freshMs: 1, maxAgeMs: 0 }))
      assert.ok(await scene.store.extend(book(), { freshMs: 9 * longMs, maxAgeMs: 1 }))
      assert.deepEqual(await scene.raw(book()), before)
    },
  ],
  [
    'an extension ends at the given age',
    async (scene) => {
      await scene.load(book(), { extendMs: longMs })
      const answer = await scene.store.extend(book(), { freshMs: 9 * longMs, maxAgeMs: 2 * longMs })
      assert.ok(answer)
      assert.equal(answer.freshUntilMs, answer.createdMs + 2 * longMs)
    },
  ],
  [
    'a life with a fixed end keeps it',
    async (scene) => {
      await scene.load(book(), { extendMs: 0 })
      const before = await scene.raw(book())
      assert.ok(await scene.store.extend(book(), { freshMs: 9 * longMs, maxAgeMs: 0 }))
      assert.deepEqual(await scene.raw(book()), before)
    },
  ],
  [
    'what is no longer fresh is not extended',
    async (scene) => {
      await scene.load(book(), { staleMs: longMs, extendMs: longMs })
      await scene.markStale(book())
      const before = await scene.raw(book())
      assert.equal(await scene.store.extend(book(), { freshMs: longMs, maxAgeMs: 0 }), undefined)
      assert.deepEqual(await scene.raw(book()), before)
    },
  ],
  ...(['key', 'tag', 'clear', 'pattern'] as const).map(
    (fence): Rule => [
      `what a fence has voided is not extended: ${fence}`,
      async (scene) => {
        await scene.load(book(), { extendMs: longMs, tags: ['a'] })
        if (fence === 'key') await scene.invalidate(book())
        else if (fence === 'tag') await scene.stamp('books', ['a'])
        else if (fence === 'clear') await scene.stamp('*', [])
        else await scene.stampPattern('books', ['b', ''])
        assert.equal(await scene.store.extend(book(), once), undefined)
        assert.equal(await scene.served(book()), undefined)
      },
    ],
  ),
  [
    'an extension is no fence: it tells nobody, and a load under way is stored',
    async (scene) => {
      await scene.load(book(), { extendMs: longMs })
      const held = await scene.lease(book(), { force: true })
      const { seq } = await scene.sync()
      assert.ok(await scene.store.extend(book(), once))
      assert.equal((await scene.sync()).seq, seq)
      assert.equal((await scene.fill(book(), held)).kind, 'stored')
    },
  ],
  [
    'an extended entry stays in the store as much longer',
    async (scene) => {
      await extendedFrom(scene, 300)
      await scene.world.advance(301)
      assert.equal(await scene.served(book()), 'loaded')
    },
  ],
  [
    'an entry that is kept for a load that asks whether it has changed outlives its windows',
    async (scene) => {
      await scene.load(book('kept'), { freshMs: shortMs, keepMs: longMs })
      await scene.load(book('not kept'), { freshMs: shortMs })
      await scene.set(book('set'), { freshMs: shortMs, keepMs: longMs })
      await scene.world.advance(shortMs + 2)
      assert.equal((await scene.lease(book('not kept'))).bytes, undefined)
      for (const key of ['kept', 'set']) assert.ok((await scene.lease(book(key))).bytes)
    },
  ],
  [
    'an entry without an end stays as it is in time, whatever prolongs it, until its freshness is ended',
    async (scene) => {
      await scene.load(book(), { freshMs: shortMs })
      await scene.set(book(), { freshMs: endlessMs, ...windows, extendMs: longMs })
      await scene.world.advance(2 * shortMs)
      const before = await scene.raw(book())
      assert.equal(before?.freshUntilMs, endlessMs)
      assert.ok(await scene.store.extend(book(), { freshMs: longMs, maxAgeMs: longMs }))
      assert.equal((await scene.acquire(book(), { soonMs: longMs })).kind, 'entry')
      assert.deepEqual(await scene.raw(book()), before)
      await scene.markStale(book())
      const after = await scene.raw(book())
      assert.ok(after)
      assert.deepEqual([after.staleUntilMs - after.freshUntilMs, after.errorUntilMs - after.freshUntilMs], [5, 7])
      assert.ok((await scene.lease(book())).bytes)
      await scene.invalidate(book())
      assert.equal(await scene.raw(book()), undefined)
    },
  ],
  [
    'an entry with an end may follow one without, and the other way round',
    async (scene) => {
      await scene.load(book(), { freshMs: endlessMs })
      const held = await scene.lease(book(), { force: true })
      assert.equal((await scene.fill(book(), held, { freshMs: shortMs })).kind, 'stored')
      await scene.load(book('b43'), { freshMs: shortMs })
      const other = await scene.lease(book('b43'), { force: true })
      assert.equal((await scene.fill(book('b43'), other, { freshMs: endlessMs })).kind, 'stored')
      await scene.world.advance(2 * shortMs)
      assert.equal(await scene.raw(book()), undefined)
      assert.equal(await scene.served(book('b43')), 'loaded')
    },
  ],
  [
    'an entry whose freshness ends soon is refreshed by one who asks for that, unless somebody already does',
    async (scene) => {
      await scene.load(book())
      assert.equal((await scene.acquire(book(), { soonMs: longMs / 2 })).kind, 'entry')
      const held = await scene.lease(book(), { soonMs: longMs })
      assert.ok(held.bytes)
      assert.equal((await scene.wait(book(), { soonMs: longMs })).holder, held.token)
      assert.equal((await scene.acquire(book())).kind, 'entry')
      assert.equal((await scene.fill(book(), held, { freshMs: 3 * longMs })).kind, 'stored')
      assert.equal((await scene.acquire(book(), { soonMs: longMs })).kind, 'entry')
    },
  ],
]

/** Stores an entry with a short life and prolongs it in time, again where this took too long. */
async function extendedFrom(scene: Scene, lifeMs: number): Promise<void> {
  for (;;) {
    await scene.set(book(), { freshMs: lifeMs, extendMs: lifeMs })
    if ((await scene.store.extend(book(), { freshMs: longMs, maxAgeMs: 0 })) !== undefined) return
  }
}
