import assert from 'node:assert/strict'
import type { EntryAddress, Position } from '../../core/far-store.js'
import type { Tidings } from '../../core/notice.js'
import { book, longMs, payload, type Rule, type Scene } from './scene.js'

/** One way to tell that what was loaded before is no longer so, and what must come of it. */
interface Fence {
  readonly name: string
  put(scene: Scene, at: EntryAddress): Promise<Position>
  tidings(at: EntryAddress): Tidings
  /** Why a load that began before it may not be stored. */
  readonly refuses: 'lease' | 'epoch' | 'nothing'
  /** What is left of an entry that was stored before it. */
  readonly leaves: 'nothing' | 'stale' | 'another' | 'it'
}

const tagged = { tags: ['author:7', 'lang:en'], staleMs: longMs }

const fences: readonly Fence[] = [
  {
    name: 'invalidate',
    put: (scene, at) => scene.invalidate(at),
    tidings: ({ cache, key }) => ({ kind: 'key', cache, key }),
    refuses: 'lease',
    leaves: 'nothing',
  },
  {
    name: 'mark stale',
    put: (scene, at) => scene.markStale(at),
    tidings: ({ cache, key }) => ({ kind: 'stale', cache, key }),
    refuses: 'lease',
    leaves: 'stale',
  },
  {
    name: 'set',
    put: (scene, at) => scene.set(at, { payload: payload('set') }),
    tidings: ({ cache, key }) => ({ kind: 'key', cache, key }),
    refuses: 'lease',
    leaves: 'another',
  },
  group('a tag of the cache', 'books', ['author:7'], 'fences'),
  group('the second tag, of the whole service', '*', ['lang:en'], 'fences'),
  group('many tags, one of them twice', 'books', ['x', 'author:7', 'author:7', 'lang:en', 'y'], 'fences'),
  patternOf('the beginning and end of the key', 'books', ['b', '2'], 'fences'),
  patternOf('every key', 'books', ['', ''], 'fences'),
  patternOf('the key itself', 'books', ['b42'], 'fences'),
  patternOf('other keys', 'books', ['b43', ''], 'does not'),
  patternOf('every key of another cache', 'films', ['', ''], 'does not'),
  group('clear of the cache', 'books', [], 'fences'),
  group('clear of the whole service', '*', [], 'fences'),
  group('another tag', 'books', ['author:70', 'author'], 'does not'),
  group('the same tag of another cache', 'films', ['author:7'], 'does not'),
  group('clear of another cache', 'films', [], 'does not'),
  {
    name: 'invalidate of another key',
    put: (scene) => scene.invalidate(book('b43')),
    tidings: ({ cache }) => ({ kind: 'key', cache, key: 'b43' }),
    refuses: 'nothing',
    leaves: 'it',
  },
  {
    name: 'invalidate of the same key in another cache',
    put: (scene, at) => scene.invalidate({ ...at, cache: 'films' }),
    tidings: ({ key }) => ({ kind: 'key', cache: 'films', key }),
    refuses: 'nothing',
    leaves: 'it',
  },
]

function group(name: string, scope: string, tags: readonly string[], effect: 'fences' | 'does not'): Fence {
  return {
    name,
    put: (scene) => scene.stamp(scope, tags),
    tidings: () => (tags.length === 0 ? { kind: 'clear', scope } : { kind: 'tags', scope, tags }),
    refuses: effect === 'fences' ? 'epoch' : 'nothing',
    leaves: effect === 'fences' ? 'nothing' : 'it',
  }
}

function patternOf(name: string, scope: string, parts: readonly string[], effect: 'fences' | 'does not'): Fence {
  return {
    ...group(`pattern of ${name}`, scope, [], effect),
    put: (scene) => scene.stampPattern(scope, parts),
    tidings: () => ({ kind: 'pattern', scope, parts }),
  }
}

const left = { nothing: undefined, stale: 'loaded', another: 'set', it: 'loaded' } as const

/** Every fence in every place of a load: before it, in it, after it, between two. */
export const fenceRules: readonly Rule[] = fences.flatMap((fence): Rule[] => [
  [
    `${fence.name}, then a load: stored`,
    async (scene) => {
      await scene.load(book('elsewhere'))
      await fence.put(scene, book())
      if (fence.leaves === 'another') await scene.invalidate(book())
      await scene.load(book(), tagged)
      assert.equal(await scene.served(book()), 'loaded')
      assert.equal((await scene.acquire(book())).kind, 'entry')
    },
  ],
  [
    `${fence.name} during a load: ${fence.refuses === 'nothing' ? 'stored all the same' : `refused (${fence.refuses})`}`,
    async (scene) => {
      const held = await scene.lease(book())
      await fence.put(scene, book())
      const answer = await scene.fill(book(), held, tagged)
      if (fence.refuses === 'nothing') assert.equal(answer.kind, 'stored')
      else assert.deepEqual(answer, { kind: 'refused', why: fence.refuses })
      const expected = fence.refuses === 'nothing' ? 'loaded' : fence.leaves === 'another' ? 'set' : undefined
      assert.equal(await scene.served(book()), expected)
    },
  ],
  [
    `${fence.name} after a load leaves ${fence.leaves}`,
    async (scene) => {
      await scene.load(book(), tagged)
      await fence.put(scene, book())
      assert.equal(await scene.served(book()), left[fence.leaves])
      const next = await scene.acquire(book())
      assert.equal(next.kind, fence.leaves === 'nothing' || fence.leaves === 'stale' ? 'lease' : 'entry')
      assert.equal('bytes' in next && next.bytes !== undefined, fence.leaves !== 'nothing')
    },
  ],
  [
    `${fence.name} between two loads: the second is stored, whenever the first ends`,
    async (scene) => {
      const first = await scene.lease(book(), { newInc: scene.name('i') })
      await fence.put(scene, book())
      if (fence.leaves === 'another') await scene.invalidate(book())
      const second = await scene.lease(book(), { force: true })
      assert.deepEqual(await scene.fill(book(), first, { ...tagged, payload: payload('first') }), { kind: 'refused', why: 'lease' })
      assert.equal((await scene.fill(book(), second, { ...tagged, payload: payload('second') })).kind, 'stored')
      assert.deepEqual(await scene.fill(book(), first, { ...tagged, payload: payload('first') }), { kind: 'refused', why: 'lease' })
      assert.equal(await scene.served(book()), 'second')
    },
  ],
  [
    `${fence.name} is told, and answers its place in the chain`,
    async (scene) => {
      const before = await scene.sync()
      const position = await fence.put(scene, book())
      assert.equal(position.inc, before.inc)
      assert.equal(position.seq, before.seq + 1)
      const [notice, ...more] = await scene.replay({ afterSeq: before.seq })
      assert.equal(more.length, 0)
      assert.deepEqual(notice, {
        inc: before.inc,
        seq: position.seq,
        nonce: position.head,
        previous: before.head,
        ...fence.tidings(book()),
      })
      await scene.untilHeard(1)
      assert.deepEqual(scene.heard, [notice])
      assert.deepEqual(scene.heardByOther, [notice])
    },
  ],
])

export const fenceDetailRules: readonly Rule[] = [
  [
    'a late copy of the attempt that began a load does not give it back the lease that an invalidation took',
    async (scene) => {
      const token = scene.name('t')
      const held = await scene.lease(book(), { token })
      await scene.invalidate(book())
      await scene.lease(book(), { token })
      await scene.wait(book())
      const { seq } = await scene.sync()
      assert.deepEqual(await scene.fill(book(), held), { kind: 'refused', why: 'lease' })
      assert.equal((await scene.sync()).seq, seq + 1, 'who waits for the copy is woken')
      assert.equal((await scene.acquire(book())).kind, 'lease')
    },
  ],
  [
    'a set is newer than the stamps before it, and older than those after it',
    async (scene) => {
      await scene.stamp('books', ['author:7'])
      const position = await scene.set(book(), tagged)
      assert.equal((await scene.checked(book()))?.epoch, position.seq)
      await scene.stamp('books', ['author:7'])
      assert.equal(await scene.served(book()), undefined)
    },
  ],
  [
    'the tags that count are those that the load ended with',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.stamp('*', ['late'])
      assert.deepEqual(await scene.fill(book(), held, { tags: ['early', 'late'] }), { kind: 'refused', why: 'epoch' })
    },
  ],
  [
    'what is stamped again counts from its last stamp',
    async (scene) => {
      await scene.stamp('books', ['author:7'])
      await scene.load(book(), tagged)
      await scene.stamp('books', ['author:8'])
      assert.equal(await scene.served(book()), 'loaded')
      await scene.stamp('books', ['author:7'])
      assert.equal(await scene.served(book()), undefined)
    },
  ],
  [
    'a stamp on one shard says nothing about another',
    async (scene) => {
      const elsewhere = { ...book(), shard: 1 }
      await scene.load(elsewhere, tagged)
      await scene.stamp('*', ['author:7'])
      await scene.stamp('*', [])
      assert.equal(await scene.served(elsewhere), 'loaded')
      await scene.stamp('*', [], 1)
      assert.equal(await scene.served(elsewhere), undefined)
    },
  ],
  [
    'a voided entry is dropped by the act that finds it',
    async (scene) => {
      await scene.load(book('a'))
      await scene.load(book('b'))
      await scene.stamp('books', [])
      assert.ok(await scene.raw(book('a')), 'a plain read proves nothing')
      assert.equal(await scene.served(book('a')), undefined)
      assert.equal(await scene.raw(book('a')), undefined)
      assert.equal((await scene.acquire(book('b'))).kind, 'lease')
      assert.equal(await scene.raw(book('b')), undefined)
    },
  ],
  [
    'marking stale keeps the value and its windows, and ends its freshness for good',
    async (scene) => {
      await scene.load(book(), { ...tagged, errorMs: 2 * longMs, codec: 3, costMs: 77 })
      const before = await scene.raw(book())
      await scene.markStale(book())
      const after = await scene.raw(book())
      assert.ok(before && after)
      const { freshUntilMs, staleUntilMs, errorUntilMs } = before
      assert.deepEqual({ ...after, freshUntilMs, staleUntilMs, errorUntilMs }, before)
      assert.equal(after.staleUntilMs - after.freshUntilMs, staleUntilMs - freshUntilMs)
      assert.equal(after.errorUntilMs - after.freshUntilMs, errorUntilMs - freshUntilMs)
      const { nowMs } = await scene.ask()
      assert.ok(after.freshUntilMs >= before.createdMs && after.freshUntilMs <= nowMs)
      await scene.world.advance(2)
      await scene.markStale(book())
      assert.equal((await scene.raw(book()))?.freshUntilMs, after.freshUntilMs)
    },
  ],
  [
    'fences on what is not there are told as well',
    async (scene) => {
      await scene.markStale(book())
      await scene.invalidate(book())
      assert.equal(await scene.raw(book()), undefined)
      assert.equal(await scene.told(), 'stale key')
    },
  ],
]
