import assert from 'node:assert/strict'
import { mostPatterns } from '../../core/far-store.js'
import { fits } from '../../core/pattern.js'
import { book, type Rule } from './scene.js'

const keys = ['', 'a', 'aa', 'aba', 'abba', 'a*b', 'a.b', 'a%d', 'b', '[a]', '~n42', 'größe', '😀', 'a\0b', 'a\nb']
const patterns: readonly (readonly string[])[] = [
  ...[[''], ['a'], ['aba'], ['', ''], ['', '', ''], ['a', ''], ['', 'a'], ['a', 'a'], ['ab', 'ba'], ['a', 'b', 'a'], ['a', '', 'a']],
  ...[
    ['', '.', ''],
    ['', '%a', ''],
    ['', '[a]', ''],
    ['', 'b', ''],
    ['', 'b', 'b', ''],
    ['', 'a', 'a'],
    ['aa', 'a'],
    ['a*', ''],
    ['*', ''],
    ['a.', 'b'],
    ['.', ''],
    ['', '%d'],
    ['%a', ''],
  ],
  ...[
    ['^a', ''],
    ['', 'a$'],
    ['[', ']'],
    ['[a-z]', ''],
    ['gr', 'e'],
    ['', 'ö', ''],
    ['', '😀'],
    ['a\0', ''],
    ['', '\n', ''],
    ['~', ''],
  ],
]

/** What is stamped by a pattern over keys. */
export const patternRules: readonly Rule[] = [
  [
    'patterns fit as core/pattern.ts says, whatever their characters mean elsewhere',
    async (scene) => {
      for (const [i, parts] of patterns.entries()) {
        const cache = `cache${i}`
        for (const key of keys) await scene.load(book(key, cache))
        await scene.stampPattern(cache, parts)
        for (const key of keys) {
          const expected = fits(parts, key) ? undefined : 'loaded'
          assert.equal(await scene.served(book(key, cache)), expected, `${JSON.stringify(parts)} ${JSON.stringify(key)}`)
        }
      }
    },
  ],
  [
    'a pattern voids what is tagged and what is not, also of a load under way',
    async (scene) => {
      await scene.load(book('a1'))
      await scene.load(book('a2'), { tags: ['t'] })
      const held = await scene.lease(book('a3'))
      await scene.stampPattern('books', ['a', ''])
      assert.equal(await scene.served(book('a1')), undefined)
      assert.equal(await scene.raw(book('a1')), undefined)
      assert.equal((await scene.acquire(book('a2'))).kind, 'lease')
      assert.deepEqual(await scene.fill(book('a3'), held), { kind: 'refused', why: 'epoch' })
    },
  ],
  [
    'the same pattern again counts from its last stamp, and stands once',
    async (scene) => {
      const one = ['a', '"\\/\u2028\u0001', '']
      await scene.stampPattern('books', one)
      const other = await scene.stampPattern('books', ['a', ''])
      await scene.load(book('a"\\/\u2028\u0001'))
      const again = await scene.stampPattern('books', one)
      assert.equal(await scene.served(book('a"\\/\u2028\u0001')), undefined)
      const expected = [
        [other.seq, ['a', '']],
        [again.seq, one],
      ]
      assert.deepEqual((await scene.sync()).patterns, new Map([['books', expected]]))
    },
  ],
  [
    'a sync brings the patterns of every cache, oldest first',
    async (scene) => {
      await scene.stampPattern('films', ['f', ''])
      await scene.stampPattern('books', ['b'])
      await scene.stampPattern('films', ['', 'g'])
      await scene.stampPattern('elsewhere', ['e'], 1)
      const { patterns: brought, clears } = await scene.sync()
      assert.equal(clears.size, 0)
      assert.deepEqual(brought.get('books'), [[2, ['b']]])
      assert.deepEqual(brought.get('films'), [
        [1, ['f', '']],
        [3, ['', 'g']],
      ])
      assert.equal(brought.size, 2)
    },
  ],
  [
    'one pattern more than a cache keeps clears it, and it keeps patterns again',
    async (scene) => {
      await scene.load(book('other', 'films'))
      await scene.load(book('other'))
      await scene.stampPattern('films', ['kept'])
      for (let i = 0; i < mostPatterns; i++) await scene.stampPattern('books', [`${i}:`, ''])
      await scene.stampPattern('books', ['0:', ''])
      assert.equal(await scene.served(book('other')), 'loaded')
      assert.equal((await scene.sync()).patterns.get('books')?.length, mostPatterns)
      const { seq } = await scene.stampPattern('books', ['one more'])
      const after = await scene.sync()
      assert.deepEqual([after.patterns.get('books'), after.clears], [undefined, new Map([['books', seq]])])
      assert.equal(await scene.served(book('other')), undefined)
      assert.equal(await scene.served(book('other', 'films')), 'loaded')
      await scene.stampPattern('books', ['next'])
      assert.deepEqual((await scene.sync()).patterns.get('books'), [[seq + 1, ['next']]])
      assert.equal(await scene.told(), Array.from({ length: mostPatterns + 4 }, () => 'pattern').join(' '))
    },
  ],
  [
    'patterns are lost with the metadata, and everything else too',
    async (scene) => {
      await scene.load(book('a'))
      await scene.stampPattern('books', ['b', ''])
      await scene.world.evict('meta', 0)
      assert.equal((await scene.sync()).patterns.size, 0)
      assert.equal(await scene.served(book('a')), undefined)
    },
  ],
  [
    'patterns outlive lost stamps',
    async (scene) => {
      await scene.load(book('a'))
      await scene.stampPattern('books', ['a', ''])
      await scene.world.evict('stamps', 0)
      assert.equal(await scene.served(book('a')), undefined)
    },
  ],
]
