import assert from 'node:assert/strict'
import { noNotice } from '../../core/notice.js'
import { book, longMs, payload, type Rule, type Scene } from './scene.js'

/** Most tag stamps of a shard, and the least that its log holds. */
const stampLimit = 8192
const logLimit = 4096
const tagged = { tags: ['author:7'] }

/** Some of everything that is told, by both clients: five notices. */
async function live(scene: Scene): Promise<void> {
  const held = await scene.lease(book())
  await scene.wait(book())
  await scene.fill(book(), held)
  await scene.invalidate(book())
  await scene.other.stamp(0, { nonce: scene.name('n'), newInc: scene.name('i'), scope: '*', tags: ['a', 'b'] })
  await scene.markStale(book())
  await scene.other.stamp(0, { nonce: scene.name('n'), newInc: scene.name('i'), scope: 'books', tags: [] })
}

/** Where a shard stands, and how that is asked, replayed and pushed. */
export const historyRules: readonly Rule[] = [
  [
    'the chain is whole: counted from one, each notice names the one before',
    async (scene) => {
      await live(scene)
      const notices = await scene.replay()
      assert.deepEqual(
        notices.map(({ kind, seq }) => `${kind} ${seq}`),
        ['filled 1', 'key 2', 'tags 3', 'stale 4', 'clear 5'],
      )
      assert.deepEqual(
        notices.map(({ previous }) => previous),
        [noNotice, ...notices.slice(0, -1).map(({ nonce }) => nonce)],
      )
      assert.equal(new Set(notices.map(({ inc }) => inc)).size, 1)
      await scene.untilHeard(5)
      assert.deepEqual(scene.heard, notices)
      assert.deepEqual(scene.heardByOther, notices)
    },
  ],
  [
    'of two who make a shard at once, one names its incarnation',
    async (scene) => {
      const [one, two] = await Promise.all([scene.sync(), scene.other.sync(0, { newInc: scene.name('i'), stamps: 0, withLog: false })])
      assert.deepEqual([one.inc, one.seq, one.head, one.floor], [two.inc, 0, noNotice, 0])
      assert.equal((await scene.sync()).inc, one.inc)
    },
  ],
  [
    'the incarnation is the one that the first act brought',
    async (scene) => {
      await scene.store.check(book(), { newInc: 'aB3_-xyZ' })
      assert.equal((await scene.sync()).inc, 'aB3_-xyZ')
    },
  ],
  [
    'a question makes nothing: a shard without metadata is missing',
    async (scene) => {
      assert.equal((await scene.ask()).positions.size, 0)
      const { inc } = await scene.sync()
      assert.deepEqual((await scene.ask()).positions, new Map([[0, { inc, seq: 0, head: noNotice }]]))
    },
  ],
  [
    'a question answers where every shard stands, on the node that serves it',
    async (scene) => {
      const position = await scene.invalidate(book())
      const elsewhere = await scene.invalidate({ ...book(), shard: 1 })
      for (const [shard, expected] of [position, elsewhere].entries()) {
        const answer = await scene.ask(shard, scene.other)
        assert.deepEqual(answer.positions.get(shard), expected)
        assert.equal(answer.node, scene.other.nodeOf(shard))
      }
    },
  ],
  [
    'every shard is in one group, and both clients see the same nodes',
    async (scene) => {
      const shards = scene.store.groups().flatMap((group) => group.shards)
      assert.deepEqual(
        [...shards].sort((a, b) => a - b),
        Array.from({ length: scene.store.shards }, (_, shard) => shard),
      )
      for (const shard of shards) {
        assert.equal(scene.store.nodeOf(shard), scene.other.nodeOf(shard))
        assert.equal((await scene.sync({}, shard)).node, scene.store.nodeOf(shard))
      }
    },
  ],
  [
    'a replay begins after what is known and ends where it is told to',
    async (scene) => {
      await live(scene)
      const seqs = async (request: { afterSeq?: number; limit?: number }) => (await scene.replay(request)).map(({ seq }) => seq)
      assert.deepEqual(await seqs({ afterSeq: 2 }), [3, 4, 5])
      assert.deepEqual(await seqs({ afterSeq: 1, limit: 2 }), [2, 3])
      assert.deepEqual(await seqs({ afterSeq: 5 }), [])
      assert.deepEqual(await seqs({ afterSeq: 500 }), [])
      assert.deepEqual(await scene.replay({}, 1), [])
    },
  ],
  [
    'a sync brings the position, the clears, the floor and the nonces in the log',
    async (scene) => {
      await live(scene)
      await scene.stamp('*', [])
      const answer = await scene.sync({ withLog: true })
      assert.deepEqual([answer.seq, answer.floor], [6, 0])
      assert.deepEqual(
        answer.clears,
        new Map([
          ['books', 5],
          ['*', 6],
        ]),
      )
      const logged = (await scene.replay()).map(({ nonce }) => nonce)
      assert.deepEqual([...answer.nonces].sort(), logged.sort())
      assert.ok(answer.nonces.includes(answer.head))
      assert.deepEqual((await scene.sync()).nonces, [])
    },
  ],
  [
    'a sync brings the newest stamps first, and says whether there are more',
    async (scene) => {
      for (const tag of ['a', 'b', 'c', 'a']) await scene.stamp('books', [tag])
      const brought = async (stamps: number) => {
        const answer = await scene.sync({ stamps })
        return [answer.stamps.map(([name, seq]) => `${name.replace('\n', '/')} ${seq}`).join(', '), answer.moreStamps]
      }
      assert.deepEqual(await brought(100), ['books/a 4, books/c 3, books/b 2', false])
      assert.deepEqual(await brought(3), ['books/a 4, books/c 3, books/b 2', false])
      assert.deepEqual(await brought(2), ['books/a 4, books/c 3', true])
      assert.deepEqual(await brought(0), ['', true])
      assert.deepEqual((await scene.sync({ stamps: 0 }, 1)).moreStamps, false)
    },
  ],
  [
    'the log keeps the newest notices, and drops old ones',
    async (scene) => {
      const count = 4_700
      for (let told = 0; told < count; told += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => scene.invalidate(book(`${told + i}`))))
      }
      const notices = await scene.replay()
      assert.ok(notices.length >= logLimit && notices.length < count, `the log holds ${notices.length}`)
      assert.equal(notices.at(-1)?.seq, count)
      assert.ok(notices.every(({ previous }, i) => i === 0 || previous === notices[i - 1]?.nonce))
      assert.deepEqual(await scene.replay({ limit: 10 }), notices.slice(0, 10))
      assert.equal((await scene.sync({ withLog: true })).nonces.length, notices.length)
    },
  ],
  [
    'past so many stamps the oldest raise the floor',
    async (scene) => {
      await scene.load(book('untagged'))
      await scene.load(book('old'), tagged)
      const held = await scene.lease(book('late'))
      const batch = 1024
      const stampMany = (prefix: string, count = batch) =>
        scene.stamp(
          'books',
          Array.from({ length: count }, (_, i) => `${prefix}${i}`),
        )
      const first = await stampMany('0:')
      await scene.load(book('new'), tagged)
      for (let i = 1; i < stampLimit / batch; i++) await stampMany(`${i}:`)
      assert.equal((await scene.sync()).floor, 0)
      assert.equal(await scene.served(book('old')), 'loaded')
      await stampMany('more:', 5)
      assert.equal((await scene.sync()).floor, first.seq)
      assert.equal(await scene.served(book('old')), undefined)
      assert.equal(await scene.served(book('untagged')), 'loaded')
      assert.equal(await scene.served(book('new')), 'loaded')
      assert.deepEqual(await scene.fill(book('late'), held, tagged), { kind: 'refused', why: 'epoch' })
      const last = await stampMany('many:', 2 * batch)
      assert.ok((await scene.sync()).floor > first.seq)
      const { stamps, moreStamps } = await scene.sync({ stamps: stampLimit })
      assert.deepEqual([stamps.length, moreStamps], [stampLimit, false])
      assert.ok(stamps.slice(0, 2 * batch).every(([, seq]) => seq === last.seq))
    },
  ],
  [
    'a closed store rejects, and its neighbour lives on',
    async (scene) => {
      await scene.store.close()
      await assert.rejects(scene.store.get(book()), /^ForebayError: E_REDIS_/)
      for (const found of await scene.store.getMany([book(), book('b43')])) assert.match(String(found), /^ForebayError: E_REDIS_/)
      await assert.rejects(scene.invalidate(book()), /^ForebayError: E_REDIS_/)
      assert.equal(scene.store.nodeOf(0), undefined)
      assert.equal(await scene.served(book()), undefined)
    },
  ],
]

/** Each key of a shard can be lost alone; what is lost costs a reload, and never lets an old value through. */
export const lossRules: readonly Rule[] = [
  [
    'lost metadata begins a new incarnation, and voids every entry',
    async (scene) => {
      await live(scene)
      await scene.load(book())
      const before = await scene.sync()
      await scene.world.evict('meta', 0)
      assert.equal((await scene.ask()).positions.size, 0)
      assert.ok(await scene.raw(book()))
      assert.equal(await scene.served(book()), undefined)
      const after = await scene.sync({ withLog: true })
      assert.notEqual(after.inc, before.inc)
      assert.deepEqual([after.seq, after.head, after.floor, after.clears.size], [0, noNotice, 0, 0])
      assert.deepEqual([after.stamps.length, after.nonces.length], [0, 0])
      assert.deepEqual(await scene.replay(), [])
      const position = await scene.invalidate(book())
      assert.equal(position.seq, 1)
      assert.deepEqual(
        (await scene.replay()).map(({ inc, previous }) => [inc, previous]),
        [[after.inc, noNotice]],
      )
    },
  ],
  ...(['invalidate', 'markStale', 'set'] as const).map(
    (fence): Rule => [
      `lost metadata is made anew by ${fence}`,
      async (scene) => {
        const before = await scene.invalidate(book())
        await scene.world.evict('meta', 0)
        const after = await scene[fence](book())
        assert.notEqual(after.inc, before.inc)
        assert.equal(after.seq, 1)
        assert.equal((await scene.sync({ withLog: true })).nonces.length, 1)
      },
    ],
  ),
  [
    'lost metadata refuses a load under way, and is not made by it',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      await scene.world.evict('meta', 0)
      assert.deepEqual(await scene.fill(book(), held), { kind: 'refused', why: 'epoch' })
      assert.equal((await scene.ask()).positions.size, 0)
      await scene.untilHeard(0)
      assert.deepEqual(scene.heard, [])
      await scene.lease(book())
    },
  ],
  [
    'a load under way is refused in the next incarnation',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      await scene.world.evict('meta', 0)
      await scene.sync()
      assert.deepEqual(await scene.fill(book(), held), { kind: 'refused', why: 'epoch' })
      assert.equal(await scene.told(), 'filled')
    },
  ],
  [
    'a lease is given up without metadata, in silence',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      await scene.world.evict('meta', 0)
      await scene.release(book(), held)
      assert.equal((await scene.ask()).positions.size, 0)
      await scene.lease(book())
      assert.equal(await scene.told(), '')
    },
  ],
  [
    'a lease is renewed without metadata',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.world.evict('meta', 0)
      assert.equal(await scene.renew(book(), held.token, longMs), true)
      assert.equal((await scene.ask()).positions.size, 0)
    },
  ],
  [
    'lost stamps void what is tagged and was loaded before',
    async (scene) => {
      await scene.load(book('untagged'))
      await scene.load(book('tagged'), tagged)
      const { seq } = await scene.stamp('books', ['other'])
      await scene.world.evict('stamps', 0)
      assert.equal(await scene.served(book('untagged')), 'loaded')
      assert.equal(await scene.served(book('tagged')), undefined)
      const answer = await scene.sync()
      assert.deepEqual([answer.floor, answer.seq, answer.stamps.length, answer.moreStamps], [seq, seq, 0, false])
      await scene.load(book('tagged'), tagged)
      assert.equal(await scene.served(book('tagged')), 'loaded')
      await scene.stamp('books', tagged.tags)
      assert.equal(await scene.served(book('tagged')), undefined)
    },
  ],
  [
    'lost stamps refuse a tagged load under way: one of them may have been its own',
    async (scene) => {
      const held = await scene.lease(book('tagged'))
      const untagged = await scene.lease(book('untagged'))
      await scene.stamp('books', tagged.tags)
      await scene.world.evict('stamps', 0)
      assert.deepEqual(await scene.fill(book('tagged'), held, tagged), { kind: 'refused', why: 'epoch' })
      assert.equal((await scene.fill(book('untagged'), untagged)).kind, 'stored')
      assert.equal((await scene.sync()).floor, 1)
    },
  ],
  [
    'the notice of a release does not move the floor of stamps that were lost before it',
    async (scene) => {
      await scene.stamp('books', tagged.tags)
      await scene.load(book(), tagged)
      const held = await scene.lease(book('leased'))
      await scene.wait(book('leased'))
      await scene.world.evict('stamps', 0)
      await scene.release(book('leased'), held)
      assert.equal(await scene.told(), 'tags filled')
      assert.equal((await scene.sync()).floor, 1)
      assert.equal(await scene.served(book()), 'loaded')
    },
  ],
  [
    'lost stamps leave a load alone that began after the last notice',
    async (scene) => {
      await scene.stamp('books', tagged.tags)
      const held = await scene.lease(book())
      await scene.world.evict('stamps', 0)
      assert.equal((await scene.fill(book(), held, tagged)).kind, 'stored')
      assert.equal(await scene.served(book()), 'loaded')
    },
  ],
  [
    'stamps lost just before a stamp: the floor is the seq before it',
    async (scene) => {
      await scene.invalidate(book('x'))
      await scene.load(book(), { tags: ['kept'] })
      await scene.world.evict('stamps', 0)
      await scene.stamp('books', tagged.tags)
      const { floor, stamps } = await scene.sync()
      assert.deepEqual([floor, stamps], [1, [['books\nauthor:7', 2]]])
      assert.equal(await scene.served(book()), 'loaded')
    },
  ],
  [
    'a lost log leaves the chain as it was',
    async (scene) => {
      const position = await scene.invalidate(book())
      await scene.load(book())
      await scene.world.evict('log', 0)
      assert.deepEqual(await scene.replay(), [])
      assert.deepEqual((await scene.ask()).positions.get(0), position)
      assert.equal(await scene.served(book()), 'loaded')
      assert.deepEqual((await scene.sync({ withLog: true })).nonces, [])
      await scene.invalidate(book())
      assert.deepEqual(
        (await scene.replay()).map(({ seq, previous }) => [seq, previous]),
        [[2, position.head]],
      )
    },
  ],
  [
    'a lost entry is a miss',
    async (scene) => {
      await scene.load(book())
      await scene.world.evict('entry', 0, book())
      assert.equal(await scene.raw(book()), undefined)
      assert.equal((await scene.lease(book())).bytes, undefined)
    },
  ],
  [
    'a lost lease is free for the next, and refuses its holder',
    async (scene) => {
      const first = await scene.lease(book())
      await scene.wait(book())
      await scene.world.evict('lease', 0, book())
      assert.deepEqual(await scene.fill(book(), first), { kind: 'refused', why: 'lease' })
      const second = await scene.lease(book())
      assert.deepEqual(await scene.fill(book(), first), { kind: 'refused', why: 'lease' })
      assert.equal((await scene.fill(book(), second, { payload: payload('second') })).kind, 'stored')
      assert.equal(await scene.told(), '')
      assert.equal(await scene.served(book()), 'second')
    },
  ],
]
