import assert from 'node:assert/strict'
import { openEnvelope, sealEnvelope } from '../../core/envelope.js'
import type { EntryAddress } from '../../core/far-store.js'
import { book, longMs, payload, type Rule, shortMs, textOf } from './scene.js'

const everyByte = Uint8Array.from({ length: 1024 }, (_, i) => i % 256)

const strange = [
  ['a space', 'a b'],
  ['an empty string', ''],
  ['line ends', 'a\r\nb\n'],
  ['braces', '{shop.1}:{}'],
  ['quotes and backslashes', `"a"'\\`],
  ['colons', 'a:b::'],
  ['wildcards', '*[a-z]?'],
  ['a zero', 'a\0b'],
  ['umlauts', 'größe'],
  ['astral characters', '😀🏳️‍🌈'],
  ['a byte order mark', '\ufeffa'],
  ['a line separator', '\u2028'],
  ['JSON', '["a",{"b":null}]'],
  ['a number', '9007199254740993'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['500 characters', 'x'.repeat(500)],
  ['500 astral characters', '😀'.repeat(250)],
] as const

/** What is stored, byte for byte, and how long it lives. */
export const entryRules: readonly Rule[] = [
  [
    'an empty store holds nothing',
    async (scene) => {
      assert.equal(await scene.store.get(book()), undefined)
      assert.equal(await scene.served(book()), undefined)
    },
  ],
  [
    'many are read together: in their order, from all shards, a key named twice given twice',
    async (scene) => {
      const ats = Array.from({ length: 300 }, (_, i) => ({ ...book(`b${i}`), shard: i % 2 }))
      const stored = ats.filter((_, i) => i % 3 !== 0)
      await Promise.all(stored.map((at) => scene.load(at, { payload: payload(`value of ${at.key}`) })))
      const asked = [...ats, ...ats.slice(0, 5).reverse()]
      const found = await scene.store.getMany(asked)
      assert.equal(found.length, asked.length)
      for (const [i, at] of asked.entries()) assert.deepEqual(found[i], await scene.store.get(at))
      assert.equal(found.filter((bytes) => bytes === undefined).length, ats.length - stored.length + 2)
      assert.deepEqual(await scene.store.getMany([]), [])
    },
  ],
  ...([payload('text'), everyByte, new Uint8Array(), new Uint8Array(200_000).fill(7)] as const).map(
    (bytes): Rule => [
      `a fill writes the envelope byte for byte, around ${bytes.length} bytes`,
      async (scene) => {
        const held = await scene.lease(book())
        const tags = ['author:7', 'größe', '\ufeffbom']
        const spans = { freshMs: longMs, staleMs: 2 * longMs, errorMs: 3 * longMs }
        const answer = await scene.fill(book(), held, {
          payload: bytes,
          codec: 5,
          costMs: 4_000_000_000,
          extendMs: 5 * 2 ** 20,
          version: 2 ** 48 - 1,
          tags,
          ...spans,
        })
        assert.ok(answer.kind === 'stored')
        const createdMs = answer.nowMs
        const freshUntilMs = createdMs + longMs
        const golden = sealEnvelope({
          codec: 5,
          createdMs,
          freshUntilMs,
          staleUntilMs: freshUntilMs + 2 * longMs,
          errorUntilMs: freshUntilMs + 3 * longMs,
          inc: held.inc,
          epoch: held.seq,
          costMs: 4_000_000_000,
          extendMs: 5 * 2 ** 20,
          version: 2 ** 48 - 1,
          tags,
          payload: bytes,
        })
        const stored = await scene.other.get(book())
        const checked = await scene.other.check(book(), { newInc: scene.name('i') })
        assert.ok(Buffer.from(stored ?? []).equals(golden))
        assert.ok(Buffer.from(checked.bytes ?? []).equals(golden))
      },
    ],
  ),
  [
    'a set writes the envelope byte for byte, with the place of its own notice',
    async (scene) => {
      await scene.invalidate(book('before'))
      const position = await scene.set(book(), {
        payload: everyByte,
        codec: 1,
        costMs: 9,
        extendMs: 3,
        version: 7,
        tags: ['a'],
        staleMs: 5,
      })
      const stored = await scene.store.get(book())
      const envelope = stored && openEnvelope(stored)
      assert.ok(stored && envelope)
      const { createdMs } = envelope
      const freshUntilMs = createdMs + longMs
      const times = { createdMs, freshUntilMs, staleUntilMs: freshUntilMs + 5, errorUntilMs: freshUntilMs }
      const golden = sealEnvelope({
        ...times,
        codec: 1,
        costMs: 9,
        extendMs: 3,
        version: 7,
        tags: ['a'],
        payload: everyByte,
        inc: position.inc,
        epoch: position.seq,
      })
      assert.ok(Buffer.from(stored).equals(golden))
    },
  ],
  [
    'the times in an envelope are the store’s own',
    async (scene) => {
      const before = await scene.ask()
      await scene.set(book())
      const after = await scene.ask()
      const created = (await scene.raw(book()))?.createdMs ?? 0
      assert.ok(Number.isSafeInteger(created) && before.nowMs <= created && created <= after.nowMs)
    },
  ],
  [
    'every answer’s time is whole and never goes back',
    async (scene) => {
      const times = [
        (await scene.ask()).nowMs,
        (await scene.sync()).nowMs,
        (await scene.store.check(book(), { newInc: scene.name('i') })).nowMs,
        (await scene.acquire(book())).nowMs,
        (await scene.acquire(book())).nowMs,
        (await scene.ask()).nowMs,
      ]
      assert.ok(times.every((time, i) => Number.isSafeInteger(time) && time >= (times[i - 1] ?? 0)))
    },
  ],
  [
    'spans are rounded to whole milliseconds, a life to at least one',
    async (scene) => {
      const held = await scene.lease(book(), { leaseMs: longMs + 0.3 })
      assert.equal(await scene.renew(book(), held.token, longMs + 0.7), true)
      await scene.fill(book(), held, { freshMs: 0.2, staleMs: longMs + 0.6, errorMs: 2 * longMs + 0.4, costMs: 1.5 })
      const envelope = await scene.raw(book())
      assert.ok(envelope)
      const { createdMs, freshUntilMs, staleUntilMs, errorUntilMs, costMs } = envelope
      const spans = [freshUntilMs - createdMs, staleUntilMs - freshUntilMs, errorUntilMs - freshUntilMs, costMs]
      assert.deepEqual(spans, [1, longMs + 1, 2 * longMs, 2])
    },
  ],
  [
    'an entry lives as long as it is fresh, where nothing may be stale',
    async (scene) => {
      await scene.load(book(), { freshMs: shortMs })
      await scene.world.advance(shortMs + 1)
      assert.equal(await scene.raw(book()), undefined)
      assert.equal(await scene.served(book()), undefined)
      assert.equal((await scene.lease(book())).bytes, undefined)
    },
  ],
  ...(['staleMs', 'errorMs'] as const).map(
    (window): Rule => [
      `an entry lives on through ${window}`,
      async (scene) => {
        await scene.load(book('a'), { freshMs: shortMs, [window]: longMs })
        await scene.load(book('b'), { freshMs: shortMs, [window]: 1 })
        await scene.set(book('c'), { freshMs: shortMs, [window]: longMs })
        await scene.world.advance(shortMs + 3)
        assert.equal(await scene.served(book('a')), 'loaded')
        assert.equal(await scene.served(book('b')), undefined)
        assert.equal(await scene.served(book('c')), 'loaded')
      },
    ],
  ),
  [
    'marking stale does not prolong a life',
    async (scene) => {
      await scene.load(book(), { freshMs: shortMs, staleMs: 1 })
      await scene.markStale(book())
      await scene.world.advance(shortMs + 3)
      assert.equal(await scene.raw(book()), undefined)
    },
  ],
  [
    'a set and a fill replace an entry and its life',
    async (scene) => {
      await scene.load(book(), { freshMs: shortMs })
      await scene.set(book(), { payload: payload('set') })
      await scene.world.advance(shortMs + 1)
      assert.equal(await scene.served(book()), 'set')
      await scene.fill(book(), await scene.lease(book(), { force: true }), { payload: payload('filled') })
      assert.equal(await scene.served(book()), 'filled')
    },
  ],
  [
    'what was stored is not what the caller still holds',
    async (scene) => {
      const held = payload('loaded')
      await scene.set(book(), { payload: held })
      held.fill(0)
      assert.equal(await scene.served(book()), 'loaded')
    },
  ],
]

/** Names come from users: whatever they hold, they are data. */
export const strangeNameRules: readonly Rule[] = strange.flatMap(([what, name]): Rule[] => [
  [
    `a key may be ${what}`,
    async (scene) => {
      const at = book(name)
      await scene.load(book(`${name}!`), { payload: payload('neighbour') })
      const held = await scene.lease(at)
      assert.equal((await scene.wait(at)).holder, held.token)
      assert.equal((await scene.fill(at, held)).kind, 'stored')
      assert.equal(await scene.served(at), 'loaded')
      assert.match(textOf((await scene.store.get(at)) ?? new Uint8Array()), /loaded$/)
      await scene.markStale(at)
      await scene.invalidate(at)
      assert.equal(await scene.raw(at), undefined)
      assert.equal(await scene.served(book(`${name}!`)), 'neighbour')
      await scene.untilHeard(3)
      assert.ok(scene.heardByOther.every((notice) => 'key' in notice && notice.key === name && notice.cache === 'books'))
    },
  ],
  [
    `a tag may be ${what}`,
    async (scene) => {
      const tags = ['first', name]
      await scene.load(book(), { tags })
      assert.deepEqual((await scene.checked(book()))?.tags, tags)
      await scene.stamp('books', [`${name}!`])
      assert.equal(await scene.served(book()), 'loaded')
      await scene.stamp('books', [name])
      assert.equal(await scene.served(book()), undefined)
      await scene.load(book(), { tags })
      await scene.stamp('*', [name])
      assert.equal(await scene.served(book()), undefined)
      const { stamps } = await scene.sync()
      assert.deepEqual(
        stamps.map(([stamped]) => stamped),
        [`*\n${name}`, `books\n${name}`, `books\n${name}!`],
      )
      await scene.untilHeard(3)
      assert.deepEqual(
        scene.heardByOther.map((notice) => 'tags' in notice && notice.tags),
        [[`${name}!`], [name], [name]],
      )
    },
  ],
])

export const strangePatternRules: readonly Rule[] = strange.map(
  ([what, name]): Rule => [
    `a pattern may hold ${what}`,
    async (scene) => {
      const all = [
        [name, '!'],
        ['', name],
        ['x', name, 'z'],
      ]
      const keys = [`${name}-!`, `-${name}`, `x-${name}-z`]
      for (const key of [...keys, 'xyz']) await scene.load(book(key), { payload: payload(key) })
      for (const parts of all) await scene.stampPattern('books', parts)
      for (const key of keys) assert.equal(await scene.served(book(key)), undefined, key)
      if (name !== '') assert.equal(await scene.served(book('xyz')), 'xyz')
      const { patterns } = await scene.sync()
      assert.deepEqual(
        patterns.get('books'),
        all.map((parts, i) => [i + 1, parts]),
      )
      await scene.untilHeard(3)
      assert.deepEqual(
        scene.heardByOther.map((notice) => notice.kind === 'pattern' && notice.parts),
        all,
      )
    },
  ],
)

export const addressRules: readonly Rule[] = [
  ...(['__proto__', 'constructor', 'c', 'seq', 'inc', 'head', 'floor'] as const).map(
    (cache): Rule => [
      `a cache may be called ${cache}`,
      async (scene) => {
        const at: EntryAddress = book('b', cache)
        await scene.load(at, { tags: ['t'] })
        await scene.stamp('other', [])
        assert.equal(await scene.served(at), 'loaded')
        const position = await scene.stamp(cache, [])
        assert.equal(await scene.served(at), undefined)
        const { clears } = await scene.sync()
        assert.equal(clears.get(cache), position.seq)
        assert.equal(clears.size, 2)
      },
    ],
  ),
  [
    'no two addresses meet',
    async (scene) => {
      const addresses = [
        book('b', 'a'),
        book('a:b', 'a'),
        book(':b', 'a'),
        book('b', 'a-a'),
        book('b ', 'a'),
        book('B', 'a'),
        book('', 'a'),
      ]
      for (const at of addresses) await scene.load(at, { payload: payload(JSON.stringify(at)) })
      for (const at of addresses) assert.equal(await scene.served(at), JSON.stringify(at))
    },
  ],
]
