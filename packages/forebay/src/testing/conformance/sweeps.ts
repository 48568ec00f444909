import assert from 'node:assert/strict'
import { book, type Rule, type Scene } from './scene.js'

/** Sweeps from the other client; answers how many were deleted, and how often it paused. */
async function sweep(scene: Scene, parts: readonly string[], cache = 'books') {
  let pauses = 0
  const pause = async () => {
    pauses += 1
  }
  const deleted = await scene.other.sweep({ cache, parts, newInc: scene.name('i'), pause })
  return { deleted, pauses }
}

/** What a group has voided is freed in the background, though nobody asks for it again. */
export const sweepRules: readonly Rule[] = [
  [
    'a sweep frees what a pattern has voided, in every version and shard, and nothing else',
    async (scene) => {
      const gone = [book('a1'), book('a2'), { ...book('a1'), version: '2' }, { ...book('a1'), shard: 1 }]
      const kept = [book('b'), book('a1', 'films'), book('a1', 'books-old'), book('a1', 'book'), book(':a1')]
      for (const at of [...gone, ...kept]) await scene.load(at)
      for (const shard of [0, 1]) await scene.stampPattern('books', ['a', ''], shard)
      await scene.load(book('a3'))
      assert.equal((await sweep(scene, ['a', ''])).deleted, gone.length)
      for (const at of gone) assert.equal(await scene.raw(at), undefined)
      for (const at of [...kept, book('a3')]) assert.ok(await scene.raw(at))
      assert.equal((await sweep(scene, ['a', ''])).deleted, 0)
    },
  ],
  [
    'a sweep without a pattern goes through the whole cache, and leaves what is valid',
    async (scene) => {
      for (const key of ['', 'a', 'b:c', '~n1']) await scene.load(book(key))
      await scene.load(book('a', 'films'))
      await scene.stamp('*', [])
      await scene.load(book('a'))
      assert.equal((await sweep(scene, [])).deleted, 3)
      assert.ok(await scene.raw(book('a')))
      assert.ok(await scene.raw(book('a', 'films')))
    },
  ],
  [
    'a sweep looks at no more than what fits',
    async (scene) => {
      for (const key of ['ab', 'b', 'ba']) await scene.load(book(key))
      await scene.stamp('books', [])
      assert.equal((await sweep(scene, ['', 'b'])).deleted, 2)
      assert.ok(await scene.raw(book('ba')))
      assert.equal((await sweep(scene, ['ba'])).deleted, 1)
    },
  ],
  ...['*', '?', '[a]', '[^a]', '\\', 'a\\*', '{a}', '😀', '\n', '\0', '^', '-', ']'].map(
    (name): Rule => [
      `a sweep takes ${JSON.stringify(name)} for what it is`,
      async (scene) => {
        const fitting = [`${name}1`, `x${name}y`, `1${name}`]
        for (const key of [...fitting, 'a1', 'xay', '1a', 'xy']) await scene.load(book(key))
        await scene.stamp('books', [])
        for (const parts of [
          [name, '1'],
          ['x', name, 'y'],
          ['1', name],
        ])
          assert.equal((await sweep(scene, parts)).deleted, 1)
        for (const key of fitting) assert.equal(await scene.raw(book(key)), undefined)
        for (const key of ['a1', 'xay', '1a', 'xy']) assert.ok(await scene.raw(book(key)))
      },
    ],
  ),
  [
    'a sweep goes step by step, and pauses between',
    async (scene) => {
      const count = 900
      const keys = Array.from({ length: count }, (_, i) => book(`${i}`))
      await Promise.all(keys.map((at) => scene.set(at)))
      await scene.stamp('books', [])
      const { deleted, pauses } = await sweep(scene, [])
      assert.equal(deleted, count)
      assert.ok(pauses >= 3, `${pauses} pauses`)
    },
  ],
  [
    'a sweep ends in silence where nothing may be written, or the store is closed',
    async (scene) => {
      await scene.load(book())
      await scene.stamp('books', [])
      await scene.world.condition('read-only')
      assert.equal((await sweep(scene, [])).deleted, 0)
      await scene.world.condition('well')
      await scene.other.close()
      assert.equal((await sweep(scene, [])).deleted, 0)
    },
  ],
]
