import assert from 'node:assert/strict'
import type { EntryAddress } from '../../core/far-store.js'
import { book, longMs, payload, type Rule, type Scene, shortMs, value } from './scene.js'

/** The same book in a version of its cache. */
function of(version: string, key = 'b42', cache = 'books'): EntryAddress {
  return { ...book(key, cache), version }
}

async function loadAll(scene: Scene, versions: readonly string[], key = 'b42'): Promise<void> {
  for (const version of versions) {
    await scene.load(of(version, key), { payload: payload(`of ${version}`), staleMs: longMs, tags: ['t'] })
  }
}

/** Processes of different versions of a cache share its fences, and no value. */
export const versionRules: readonly Rule[] = [
  [
    'versions have entries and leases of their own',
    async (scene) => {
      const versions = ['', '1', '1.2-b_3', 'x'.repeat(32)]
      await loadAll(scene, versions)
      for (const version of versions) {
        assert.equal(await scene.served(of(version)), `of ${version}`)
        assert.ok(await scene.raw(of(version)))
        await scene.lease(of(version, 'leased'))
        assert.equal((await scene.wait(of(version, 'leased'))).kind, 'wait')
      }
      assert.equal(await scene.served(of('2')), undefined)
    },
  ],
  ...(['invalidate', 'stale', 'set'] as const).flatMap((kind): Rule[] => {
    const put = (scene: Scene, at: EntryAddress) => {
      const fence = { nonce: scene.name('n'), newInc: scene.name('i') }
      const request = kind === 'set' ? { ...fence, kind, value: value({ payload: payload('set') }), lease: undefined } : { ...fence, kind }
      return scene.other.write(at, request)
    }
    return ['', '1', '2', 'new'].map(
      (own): Rule => [
        `${kind} in version '${own}' reaches the key in every version, from who knows none of them`,
        async (scene) => {
          await loadAll(scene, ['1', '', '2'])
          await scene.load(of('1', 'other'))
          const held = await Promise.all(
            ['1', '', '2'].map(async (version) => [version, await scene.lease(of(version), { force: true })] as const),
          )
          await put(scene, of(own))
          for (const [version, lease] of held) {
            assert.deepEqual(await scene.fill(of(version), lease), { kind: 'refused', why: 'lease' })
            const left = version === own && kind === 'set' ? 'set' : kind === 'stale' ? `of ${version}` : undefined
            assert.equal(await scene.served(of(version)), left)
            if (left !== 'set') assert.equal((await scene.acquire(of(version))).kind, 'lease')
          }
          assert.equal(await scene.served(of('1', 'other')), 'loaded')
          await scene.untilHeard(1)
          const [notice] = scene.heardByOther
          assert.deepEqual(notice && 'key' in notice && [notice.cache, notice.key, notice.seq], ['books', 'b42', 1])
          assert.equal(await scene.told(), kind === 'stale' ? 'stale' : 'key')
          if (kind === 'set') assert.equal(await scene.served(of(own)), 'set')
        },
      ],
    )
  }),
  [
    'a set makes its version known, and a refused one reaches the others too',
    async (scene) => {
      await scene.set(of('3'))
      assert.equal(await scene.served(of('3')), 'loaded')
      await scene.set(of('1'), {}, { token: 'stranger', inc: 'no-inc--', seq: 0 })
      assert.equal(await scene.served(of('3')), undefined)
      await scene.set(of('3'))
      await scene.invalidate(of('1'))
      assert.equal(await scene.served(of('3')), undefined)
      assert.equal(await scene.told(), 'key key key key')
    },
  ],
  [
    'a set does not ask for the versions of values of another version of the cache',
    async (scene) => {
      await scene.set(of('1'), { version: 8 })
      assert.equal((await scene.set(of('2'), { version: 7 })).stored, true)
      assert.equal(await scene.served(of('1')), undefined)
    },
  ],
  [
    'groups hold for all versions',
    async (scene) => {
      const versions = ['', '1', '2']
      const groups = [
        () => scene.stamp('books', ['t']),
        () => scene.stamp('*', ['t']),
        () => scene.stamp('books', []),
        () => scene.stamp('*', []),
        () => scene.stampPattern('books', ['b', '']),
      ]
      for (const group of groups) {
        await loadAll(scene, versions)
        await group()
        for (const version of versions) assert.equal(await scene.served(of(version)), undefined)
      }
      assert.equal(await scene.told(), 'tags tags clear clear pattern')
    },
  ],
  [
    'one version more than a shard keeps clears the oldest, with what is loaded under it',
    async (scene) => {
      await loadAll(scene, ['1', '2', '3'])
      await scene.load(of(''))
      await scene.load(of('', 'b42', 'films'))
      const held = await scene.lease(of('', 'leased'))
      const token = scene.name('t')
      const lease = await scene.lease(of('4'), { token })
      assert.equal(lease.seq, 1)
      assert.equal(await scene.served(of('')), undefined)
      assert.equal(await scene.served(of('', 'b42', 'films')), 'loaded')
      assert.deepEqual(await scene.fill(of('', 'leased'), held), { kind: 'refused', why: 'epoch' })
      for (const version of ['1', '2', '3']) assert.equal(await scene.served(of(version)), `of ${version}`)
      assert.equal((await scene.fill(of('4'), lease)).kind, 'stored')
      const [notice] = await scene.replay()
      assert.deepEqual(notice && 'scope' in notice && [notice.kind, notice.scope, notice.nonce], ['clear', 'books@', token])
      const position = await scene.set(of('5'))
      assert.equal(position.seq, 3)
      assert.deepEqual((await scene.ask()).positions.get(0)?.head, position.head)
      assert.deepEqual(
        (await scene.sync()).clears,
        new Map([
          ['books@', 1],
          ['books@1', 2],
        ]),
      )
      assert.deepEqual(
        (await scene.replay()).map((one) => ('scope' in one ? `${one.kind} ${one.scope}` : one.kind)),
        ['clear books@', 'clear books@1', 'key'],
      )
    },
  ],
  [
    'a version that comes back is the newest, and its old entries stay void',
    async (scene) => {
      await loadAll(scene, ['1', '2', '3'])
      await scene.load(of('1', 'old'))
      for (const version of ['4', '5']) await scene.load(of(version, 'other'))
      assert.equal(await scene.served(of('1', 'old')), undefined)
      await scene.load(of('1'))
      assert.equal(await scene.served(of('1')), 'loaded')
      assert.equal(await scene.served(of('2')), undefined)
      assert.equal(await scene.served(of('3')), 'of 3')
      await scene.invalidate(of('4'))
      for (const version of ['1', '3']) assert.equal(await scene.served(of(version)), undefined)
    },
  ],
  [
    'a wait makes no version known, and neither does a fresh entry or a refusal',
    async (scene) => {
      for (const version of ['1', '2', '3']) await scene.load(of(version))
      await scene.lease(of('', 'leased'))
      await scene.wait(of('', 'leased'))
      await scene.acquire(of('1'))
      await scene.world.condition('full')
      await assert.rejects(scene.acquire(of('4')))
      await scene.set(of('4'))
      assert.equal(await scene.told(), 'key')
    },
  ],
  [
    'a full server takes the fence of all versions',
    async (scene) => {
      await loadAll(scene, ['1', '2'], 'a')
      await loadAll(scene, ['1', '2'], 'b')
      await loadAll(scene, ['1', '2'], 'c')
      await scene.world.condition('full')
      await scene.invalidate(of('1', 'a'))
      assert.equal((await scene.set(of('1', 'b'))).stored, false)
      await scene.markStale(of('1', 'c'))
      for (const key of ['a', 'b']) assert.equal(await scene.served(of('2', key)), undefined)
      assert.equal(await scene.served(of('2', 'c')), 'of 2')
      await scene.world.condition('well')
      assert.equal((await scene.acquire(of('2', 'c'))).kind, 'lease')
    },
  ],
  [
    'lost metadata forgets the versions, whose entries and loads are void then',
    async (scene) => {
      await loadAll(scene, ['1', '2'])
      await scene.invalidate(of('1', 'other'))
      const held = await scene.lease(of('2', 'leased'))
      await scene.world.evict('meta', 0)
      await scene.invalidate(of('1'))
      assert.equal(await scene.served(of('2')), undefined)
      assert.deepEqual(await scene.fill(of('2', 'leased'), held), { kind: 'refused', why: 'epoch' })
      await loadAll(scene, ['2'])
      await scene.invalidate(of('1'))
      assert.equal(await scene.served(of('2')), undefined)
      assert.equal((await scene.sync()).clears.size, 0)
    },
  ],
  [
    'versions of other caches and shards are others',
    async (scene) => {
      const elsewhere = { ...of('1'), shard: 1 }
      const film = of('1', 'b42', 'films')
      for (const at of [elsewhere, film]) await scene.load(at)
      for (const version of ['1', '2', '3', '4', '5']) await scene.load(of(version))
      await scene.invalidate(of('5'))
      for (const at of [elsewhere, film]) assert.equal(await scene.served(at), 'loaded')
    },
  ],
  [
    'a lease of a version that was cleared meanwhile can be taken over, and its version is known again',
    async (scene) => {
      for (const version of ['1', '2', '3']) await scene.load(of(version))
      const held = await scene.lease(of(''), { leaseMs: shortMs })
      await scene.load(of('4'))
      const next = await scene.lease(of(''), { takeover: held.token, force: true })
      assert.equal((await scene.fill(of(''), next)).kind, 'stored')
      await scene.invalidate(of('4'))
      assert.equal(await scene.served(of('')), undefined)
    },
  ],
]
