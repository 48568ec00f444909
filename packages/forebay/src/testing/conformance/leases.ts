import assert from 'node:assert/strict'
import { book, longMs, payload, type Rule, type Scene, shortMs, textOf, value } from './scene.js'

const staleSoon = { freshMs: shortMs, staleMs: longMs }

async function loadStale(scene: Scene): Promise<void> {
  await scene.load(book(), staleSoon)
  await scene.world.advance(shortMs + 1)
}

/** Who may load, who waits, and who is told when it is over. */
export const leaseRules: readonly Rule[] = [
  [
    'of many who ask at once, one gets the lease',
    async (scene) => {
      const asked = Array.from({ length: 30 }, (_, i) => {
        const request = { token: scene.name('t'), newInc: scene.name('i'), leaseMs: longMs, force: false, takeover: undefined }
        return (i % 2 === 0 ? scene.store : scene.other).acquire(book(), request)
      })
      const answers = await Promise.all(asked)
      assert.equal(answers.filter(({ kind }) => kind === 'lease').length, 1)
      assert.equal(answers.filter(({ kind }) => kind === 'wait').length, 29)
    },
  ],
  [
    'a lease says where the shard stands',
    async (scene) => {
      const { inc, seq } = await scene.sync()
      const held = await scene.lease(book())
      assert.deepEqual([held.inc, held.seq, held.bytes], [inc, seq, undefined])
      const position = await scene.invalidate(book())
      assert.equal((await scene.lease(book())).seq, position.seq)
    },
  ],
  [
    'who waits is told for whom and how long, and marks it once',
    async (scene) => {
      const held = await scene.lease(book())
      for (let times = 0; times < 3; times++) {
        const answer = await scene.wait(book())
        assert.equal(answer.holder, held.token)
        assert.ok(answer.remainingMs > 0 && answer.remainingMs <= longMs)
        assert.equal(answer.bytes, undefined)
      }
    },
  ],
  [
    'a fresh entry is answered, also while somebody holds the lease',
    async (scene) => {
      await scene.load(book())
      await scene.lease(book(), { force: true })
      const answer = await scene.acquire(book())
      assert.ok(answer.kind === 'entry')
      assert.deepEqual(answer.bytes && Uint8Array.from(answer.bytes), Uint8Array.from((await scene.store.get(book())) ?? []))
    },
  ],
  [
    'a stale entry comes along with the lease, and with the wait',
    async (scene) => {
      await loadStale(scene)
      const raw = await scene.store.get(book())
      const held = await scene.lease(book())
      assert.deepEqual(held.bytes && Uint8Array.from(held.bytes), raw && Uint8Array.from(raw))
      const waits = await scene.wait(book())
      assert.deepEqual(waits.bytes && Uint8Array.from(waits.bytes), raw && Uint8Array.from(raw))
    },
  ],
  [
    'a voided stale entry does not come along',
    async (scene) => {
      await loadStale(scene)
      await scene.stamp('books', [])
      assert.equal((await scene.lease(book())).bytes, undefined)
      assert.equal((await scene.wait(book())).bytes, undefined)
    },
  ],
  [
    'force takes the lease past a fresh entry, which comes along',
    async (scene) => {
      await scene.load(book())
      const held = await scene.lease(book(), { force: true })
      assert.ok(held.bytes)
      assert.equal((await scene.fill(book(), held, { payload: payload('again') })).kind, 'stored')
      assert.equal(await scene.served(book()), 'again')
    },
  ],
  [
    'force takes the lease from its holder, who may not fill, renew or release any more',
    async (scene) => {
      const first = await scene.lease(book())
      const second = await scene.lease(book(), { force: true })
      assert.deepEqual(await scene.fill(book(), first), { kind: 'refused', why: 'lease' })
      assert.equal(await scene.renew(book(), first.token, longMs), false)
      await scene.release(book(), first)
      assert.equal((await scene.wait(book())).holder, second.token)
      assert.equal((await scene.fill(book(), second)).kind, 'stored')
    },
  ],
  [
    'a takeover succeeds against the holder it names, and against nobody',
    async (scene) => {
      const first = await scene.lease(book())
      assert.equal((await scene.wait(book(), { takeover: 'somebody' })).holder, first.token)
      const second = await scene.lease(book(), { takeover: first.token })
      assert.equal((await scene.wait(book(), { takeover: first.token })).holder, second.token)
      assert.deepEqual(await scene.fill(book(), first), { kind: 'refused', why: 'lease' })
      await scene.release(book(), second)
      await scene.lease(book(), { takeover: second.token })
    },
  ],
  [
    'a takeover leaves a fresh entry alone',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.fill(book(), held)
      assert.equal((await scene.acquire(book(), { takeover: held.token })).kind, 'entry')
    },
  ],
  [
    'a lease ends by itself, and its holder may not fill even if nobody else came',
    async (scene) => {
      const first = await scene.lease(book(), { leaseMs: shortMs })
      await scene.world.advance(shortMs + 1)
      assert.deepEqual(await scene.fill(book(), first), { kind: 'refused', why: 'lease' })
      assert.equal(await scene.renew(book(), first.token, longMs), false)
      await scene.lease(book())
    },
  ],
  [
    'a renewed lease lasts as long as it was renewed for',
    async (scene) => {
      const held = await scene.lease(book())
      assert.equal(await scene.renew(book(), held.token, 3 * longMs), true)
      assert.ok((await scene.wait(book())).remainingMs > longMs)
      assert.equal(await scene.renew(book(), held.token, shortMs), true)
      await scene.world.advance(shortMs + 1)
      await scene.lease(book())
    },
  ],
  [
    'renewing a lease that is not there makes none',
    async (scene) => {
      assert.equal(await scene.renew(book(), 'nobody', longMs), false)
      await scene.lease(book())
    },
  ],
  [
    'a released lease is free; releasing what is not ours changes nothing',
    async (scene) => {
      const first = await scene.lease(book())
      await scene.release(book(), { ...first, token: 'somebody' })
      assert.equal((await scene.wait(book())).holder, first.token)
      await scene.release(book(), first)
      await scene.lease(book())
    },
  ],
  [
    'a filled lease is used up',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.fill(book(), held)
      assert.deepEqual(await scene.fill(book(), held), { kind: 'refused', why: 'lease' })
      await scene.lease(book(), { force: true })
    },
  ],
  [
    'a refused fill leaves what is stored alone',
    async (scene) => {
      const first = await scene.lease(book())
      await scene.invalidate(book())
      await scene.load(book(), { payload: payload('second') })
      await scene.fill(book(), first, { payload: payload('first') })
      assert.equal(await scene.served(book()), 'second')
    },
  ],
  [
    'a refusal by epoch also ends the lease',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.stamp('books', [])
      assert.deepEqual(await scene.fill(book(), held), { kind: 'refused', why: 'epoch' })
      await scene.lease(book())
    },
  ],
  [
    'leases of different keys, caches and shards are different',
    async (scene) => {
      for (const at of [book('a'), book('b'), book('a', 'films'), { ...book('a'), shard: 1 }]) await scene.lease(at)
    },
  ],
]

/** The end of a lease is told if somebody waits for it, once, and not otherwise. */
export const wakeRules: readonly Rule[] = [
  ...(['fill', 'release'] as const).flatMap((end): Rule[] => {
    const finish = (scene: Scene, held: { token: string; inc: string; seq: number; bytes: undefined }) =>
      end === 'fill' ? scene.fill(book(), held) : scene.release(book(), held)
    const hold = async (scene: Scene, request = {}) => ({ ...(await scene.lease(book(), request)), bytes: undefined })
    return [
      [
        `${end} tells nothing where nobody waits`,
        async (scene) => {
          await finish(scene, await hold(scene))
          assert.equal(await scene.told(), '')
        },
      ],
      [
        `${end} tells those who wait`,
        async (scene) => {
          const held = await hold(scene)
          await scene.wait(book())
          await scene.wait(book())
          await finish(scene, held)
          await scene.untilHeard(1)
          const [notice] = scene.heardByOther
          assert.ok(notice?.kind === 'filled')
          assert.deepEqual([notice.cache, notice.key, notice.seq], ['books', 'b42', 1])
          assert.equal(await scene.told(), 'filled')
        },
      ],
      [
        `${end} tells nothing where the lease is lost`,
        async (scene) => {
          const held = await hold(scene)
          await scene.wait(book())
          await hold(scene, { force: true })
          await finish(scene, held)
          assert.equal(await scene.told(), '')
        },
      ],
      [
        `${end} by who took over, or forced, tells those who waited for the one before`,
        async (scene) => {
          const first = await hold(scene)
          await scene.wait(book())
          const second = await hold(scene, { takeover: first.token })
          const third = await hold(scene, { force: true })
          await finish(scene, second)
          await finish(scene, third)
          assert.equal(await scene.told(), 'filled')
        },
      ],
      [
        `${end} by who took over from one for whom nobody waited tells nothing`,
        async (scene) => {
          const first = await hold(scene)
          await finish(scene, await hold(scene, { takeover: first.token }))
          assert.equal(await scene.told(), '')
        },
      ],
      [
        `${end} after a renewal still tells those who wait`,
        async (scene) => {
          const held = await hold(scene)
          await scene.wait(book())
          await scene.renew(book(), held.token, longMs)
          await finish(scene, held)
          assert.equal(await scene.told(), 'filled')
        },
      ],
      [
        `${end} of the next lease tells nothing to those who waited for this one`,
        async (scene) => {
          const held = await hold(scene)
          await scene.wait(book())
          await scene.invalidate(book())
          await finish(scene, held)
          await finish(scene, await hold(scene))
          assert.equal(await scene.told(), 'key')
        },
      ],
    ]
  }),
  [
    'a refusal by epoch tells those who wait',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      await scene.stamp('*', [])
      await scene.fill(book(), held)
      assert.equal(await scene.told(), 'clear filled')
    },
  ],
  [
    'a wait does not shorten or prolong the lease',
    async (scene) => {
      const held = await scene.lease(book(), { leaseMs: shortMs })
      await scene.acquire(book())
      await scene.world.advance(shortMs + 1)
      assert.equal(await scene.renew(book(), held.token, longMs), false)
    },
  ],
  [
    'key fences wake those who wait by their own notice alone',
    async (scene) => {
      for (const fence of ['invalidate', 'markStale', 'set'] as const) {
        await scene.lease(book(fence))
        await scene.wait(book(fence))
        await scene[fence](book(fence))
      }
      assert.equal(await scene.told(), 'key stale key')
    },
  ],
  [
    'the notice of a fill stands after its value is there',
    async (scene) => {
      const held = await scene.lease(book())
      await scene.wait(book())
      const nonce = scene.name('n')
      const { token, inc, seq } = held
      await scene.store.fill(book(), { token, inc, seq, nonce, value: value() })
      assert.equal((await scene.ask()).positions.get(0)?.head, nonce)
      const answer = await scene.other.acquire(book(), {
        token: scene.name('t'),
        newInc: scene.name('i'),
        leaseMs: longMs,
        force: false,
        takeover: token,
      })
      assert.ok(answer.kind === 'entry')
      assert.match(textOf(answer.bytes), /loaded$/)
    },
  ],
]
