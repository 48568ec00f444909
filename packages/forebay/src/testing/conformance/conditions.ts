import assert from 'node:assert/strict'
import { book, longMs, payload, type Rule, type Scene, shortMs } from './scene.js'

const refused = /^ForebayError: E_REDIS_REFUSED/
const refusedOrLeft = /^ForebayError: E_REDIS_(?:REFUSED|AWAY)/

/** A full server answers what it has and takes every fence; only new values, and leases for them, are refused. */
export const fullRules: readonly Rule[] = [
  [
    'full: what is there is served',
    async (scene) => {
      await scene.load(book(), { tags: ['a'] })
      await scene.world.condition('full')
      assert.equal(await scene.served(book()), 'loaded')
      assert.equal((await scene.acquire(book())).kind, 'entry')
      assert.ok(await scene.raw(book()))
    },
  ],
  [
    'full: no lease is given, since its value could not be stored',
    async (scene) => {
      await scene.load(book('stale'), { freshMs: shortMs, staleMs: longMs })
      await scene.world.advance(shortMs + 1)
      await scene.world.condition('full')
      await assert.rejects(scene.acquire(book('missing')), refused)
      await assert.rejects(scene.acquire(book('stale')), refused)
      await assert.rejects(scene.acquire(book('stale'), { force: true }), refused)
      assert.ok(await scene.raw(book('stale')))
      await scene.world.condition('well')
      await scene.lease(book('missing'))
    },
  ],
  [
    'full: a voided entry goes',
    async (scene) => {
      await scene.load(book())
      await scene.world.condition('full')
      await scene.stamp('books', [])
      await assert.rejects(scene.acquire(book()), refused)
      assert.equal(await scene.raw(book()), undefined)
    },
  ],
  [
    'full: every fence is taken, and told',
    async (scene) => {
      const keys = ['invalidate', 'markStale', 'set', 'tags', 'pattern', 'clear'] as const
      for (const key of keys) await scene.load(book(key), { tags: [key], staleMs: longMs })
      const held = await scene.lease(book('leased'))
      await scene.world.condition('full')
      await scene.invalidate(book('invalidate'))
      await scene.markStale(book('markStale'))
      await scene.set(book('set'), { payload: payload('set') })
      await scene.stamp('books', ['tags'])
      await scene.stampPattern('books', ['pat', 'n'])
      assert.equal(await scene.served(book('invalidate')), undefined)
      assert.equal(await scene.served(book('markStale')), 'loaded')
      assert.equal((await scene.raw(book('markStale')))?.freshUntilMs === (await scene.raw(book('clear')))?.freshUntilMs, false)
      assert.equal(await scene.served(book('set')), undefined, 'the old value goes, the new one has no room')
      assert.equal(await scene.served(book('tags')), undefined)
      assert.equal(await scene.served(book('pattern')), undefined)
      assert.equal(await scene.served(book('clear')), 'loaded')
      await scene.invalidate(book('leased'))
      await scene.stamp('*', [])
      assert.equal(await scene.served(book('clear')), undefined)
      assert.deepEqual(await scene.fill(book('leased'), held), { kind: 'refused', why: 'lease' })
      assert.equal(await scene.told(), 'key stale key tags pattern key clear')
    },
  ],
  [
    'full: fences make lost metadata anew',
    async (scene) => {
      await scene.invalidate(book())
      await scene.world.evict('meta', 0)
      await scene.world.condition('full')
      assert.equal((await scene.invalidate(book())).seq, 1)
      await scene.world.evict('stamps', 0)
      assert.equal((await scene.sync()).floor, 1)
    },
  ],
  [
    'full: a fill is refused, but ends the lease and wakes who waits',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      await scene.world.condition('full')
      await assert.rejects(scene.fill(book(), held), refused)
      assert.equal(await scene.raw(book()), undefined)
      assert.equal(await scene.told(), 'filled')
      await scene.untilHeard(1)
      await scene.world.condition('well')
      await scene.lease(book())
    },
  ],
  [
    'full: a fill that is refused anyway hears why',
    async (scene) => {
      const first = await scene.lease(book('a'))
      const second = await scene.lease(book('b'))
      await scene.world.condition('full')
      await scene.stamp('*', [])
      assert.deepEqual(await scene.fill(book('a'), first), { kind: 'refused', why: 'epoch' })
      assert.deepEqual(await scene.fill(book('b'), { ...second, token: 'other' }), { kind: 'refused', why: 'lease' })
    },
  ],
  [
    'full: leases are renewed and given up',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.world.condition('full')
      assert.equal(await scene.renew(book(), held.token, longMs), true)
      await scene.release(book(), held)
      await scene.world.condition('well')
      await scene.lease(book())
    },
  ],
]

/** By what may not write nothing is done, and whoever asks is told; a store may leave it altogether, plain reads included. */
export const readOnlyRules: readonly Rule[] = [
  [
    'read-only: each act is refused, and nothing of it happens',
    async (scene) => {
      await scene.load(book())
      const held = await scene.lease(book('leased'))
      const position = await scene.invalidate(book('other'))
      await scene.world.condition('read-only')
      for (const act of acts(scene, held)) await assert.rejects(act(), refusedOrLeft, `not refused: ${act}`)
      await scene.world.condition('well')
      assert.ok(await scene.raw(book()))
      assert.deepEqual(
        (await scene.replay()).map(({ nonce }) => nonce),
        [position.head],
      )
      assert.deepEqual((await scene.ask()).positions.get(0), position)
      assert.equal((await scene.wait(book('leased'))).holder, held.token)
    },
  ],
]

function acts(
  scene: Scene,
  held: { readonly token: string; readonly inc: string; readonly seq: number; readonly bytes: undefined | Uint8Array },
) {
  const stranger = { ...held, token: 'stranger' }
  return [
    () => scene.ask(),
    () => scene.sync(),
    () => scene.served(book()),
    () => scene.served(book('missing')),
    () => scene.acquire(book()),
    () => scene.acquire(book('missing')),
    () => scene.acquire(book('leased')),
    () => scene.fill(book('leased'), held),
    () => scene.fill(book('leased'), stranger),
    () => scene.release(book('leased'), held),
    () => scene.release(book('leased'), stranger),
    () => scene.renew(book('leased'), held.token, longMs),
    () => scene.renew(book('leased'), 'stranger', longMs),
    () => scene.invalidate(book()),
    () => scene.markStale(book()),
    () => scene.markStale(book('missing')),
    () => scene.set(book()),
    () => scene.stamp('books', ['a']),
    () => scene.stamp('*', []),
    () => scene.set(book(), {}, held),
    () => scene.stampPattern('books', ['a', '']),
  ]
}
