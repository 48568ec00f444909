import assert from 'node:assert/strict'
import { book, longMs, payload, type Rule, type Scene, shortMs } from './scene.js'

/** When a set stores its value, and when it is no more than an invalidation. */
export const writeRules: readonly Rule[] = [
  [
    'a set says whether it has stored',
    async (scene) => {
      assert.equal((await scene.set(book())).stored, true)
      await scene.world.condition('full')
      assert.equal((await scene.set(book())).stored, false)
    },
  ],
  [
    'a set under a lease that is held stores, and ends the lease',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      const answer = await scene.set(book(), { payload: payload('set') }, held)
      assert.deepEqual([answer.stored, await scene.served(book())], [true, 'set'])
      assert.deepEqual(await scene.fill(book(), held), { kind: 'refused', why: 'lease' })
      assert.equal(await scene.told(), 'key')
    },
  ],
  ...(['invalidated', 'taken by force', 'over', 'never taken'] as const).map(
    (what): Rule => [
      `a set under a lease that is ${what} is an invalidation`,
      async (scene) => {
        const held = await scene.lease(book(), { leaseMs: what === 'over' ? shortMs : longMs })
        if (what === 'invalidated') await scene.invalidate(book())
        if (what === 'over') await scene.world.advance(shortMs + 1)
        if (what === 'never taken') await scene.release(book(), held)
        if (what !== 'taken by force') await scene.load(book())
        const next = await scene.lease(book(), { force: true })
        const before = await scene.sync()
        const answer = await scene.set(book(), { payload: payload('set') }, what === 'never taken' ? { ...held, token: 'stranger' } : held)
        assert.deepEqual([answer.stored, answer.seq, answer.inc], [false, before.seq + 1, before.inc])
        assert.equal(await scene.raw(book()), undefined)
        assert.deepEqual(await scene.fill(book(), next), { kind: 'refused', why: 'lease' })
        const [notice] = await scene.replay({ afterSeq: before.seq })
        assert.deepEqual([notice?.kind, notice?.nonce], ['key', answer.head])
      },
    ],
  ),
  [
    'a set under a lease that a late copy of its attempt has brought back is an invalidation',
    async (scene) => {
      const held = await scene.lease(book(), { token: 'attempt' })
      await scene.invalidate(book())
      const copy = await scene.lease(book(), { token: 'attempt' })
      assert.notEqual(copy.seq, held.seq)
      assert.equal((await scene.set(book(), { payload: payload('set') }, held)).stored, false)
      assert.equal(await scene.raw(book()), undefined)
    },
  ],
  ...(
    [
      ['a tag of its value is stamped', (scene) => scene.stamp('books', ['author:7'])],
      ['a tag of its value is stamped in the whole service', (scene) => scene.stamp('*', ['author:7'])],
      ['its cache is cleared', (scene) => scene.stamp('books', [])],
      ['the service is cleared', (scene) => scene.stamp('*', [])],
      ['a pattern that its key fits is stamped', (scene) => scene.stampPattern('books', ['', ''])],
      ['the shard begins anew', (scene) => scene.world.evict('meta', 0)],
    ] as readonly (readonly [string, (scene: Scene) => Promise<unknown>])[]
  ).map(
    ([what, put]): Rule => [
      `a set under a lease during which ${what} is an invalidation`,
      async (scene) => {
        const held = await scene.lease(book())
        await put(scene)
        assert.equal((await scene.set(book(), { tags: ['author:7'] }, held)).stored, false)
        assert.equal(await scene.raw(book()), undefined)
      },
    ],
  ),
  [
    'a set under a lease does not mind the stamps of other tags, keys and caches',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.stamp('books', ['author:8'])
      await scene.stamp('films', [])
      await scene.stampPattern('books', ['other'])
      assert.equal((await scene.set(book(), { tags: ['author:7'] }, held)).stored, true)
    },
  ],
  ...(['set', 'fill'] as const).flatMap((how): Rule[] => {
    /** Whether a value of the second version is stored over one of the first. */
    const over = async (scene: Scene, first: number, second: number): Promise<boolean> => {
      await scene.set(book(), { version: first, tags: ['a'] })
      const stored = { payload: payload('next'), version: second }
      if (how === 'set') return (await scene.set(book(), stored)).stored
      return (await scene.fill(book(), await scene.lease(book(), { force: true }), stored)).kind === 'stored'
    }
    const most = 2 ** 48 - 1
    return [
      ...(
        [
          [0, 0],
          [0, 1],
          [7, 7],
          [7, 8],
          [most - 1, most],
          [2 ** 32 - 1, 2 ** 32],
          [7, 0],
        ] as const
      ).map(
        ([first, second]): Rule => [
          `a ${how} of version ${second} replaces version ${first}`,
          async (scene) => {
            assert.equal(await over(scene, first, second), true)
            assert.equal(await scene.served(book()), 'next')
            assert.equal((await scene.checked(book()))?.version, second)
          },
        ],
      ),
      ...(
        [
          [8, 7],
          [2, 1],
          [most, most - 1],
          [2 ** 32, 2 ** 32 - 1],
        ] as const
      ).map(
        ([first, second]): Rule => [
          `a ${how} of version ${second} does not replace version ${first}`,
          async (scene) => {
            assert.equal(await over(scene, first, second), false)
            assert.equal(await scene.served(book()), how === 'set' ? undefined : 'loaded')
            assert.equal(await scene.told(), how === 'set' ? 'key key' : 'key')
          },
        ],
      ),
      [
        `a ${how} replaces any version that is void`,
        async (scene) => {
          await scene.set(book(), { version: 8, tags: ['a'] })
          await scene.stamp('books', ['a'])
          const stored = { payload: payload('next'), version: 7 }
          if (how === 'set') await scene.set(book(), stored)
          else await scene.fill(book(), await scene.lease(book()), stored)
          assert.equal(await scene.served(book()), 'next')
        },
      ],
    ]
  }),
  [
    'a version that is marked stale still stands against a lower one',
    async (scene) => {
      await scene.set(book(), { version: 8, staleMs: longMs })
      await scene.markStale(book())
      const held = await scene.lease(book())
      await scene.wait(book())
      assert.deepEqual(await scene.fill(book(), held, { version: 7 }), { kind: 'refused', why: 'epoch' })
      assert.equal(await scene.told(), 'key stale filled')
      assert.equal((await scene.checked(book()))?.version, 8)
    },
  ],
]
