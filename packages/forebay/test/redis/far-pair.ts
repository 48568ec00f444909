import assert from 'node:assert/strict'
import type { Bytes } from '../../src/core/bytes.js'
import { endlessMs, openEnvelope } from '../../src/core/envelope.js'
import { ForebayError } from '../../src/core/errors.js'
import {
  type AcquireAnswer,
  type EntryAddress,
  type ExtendAnswer,
  type FarStore,
  type FillAnswer,
  mostPatterns,
  type StoredValue,
  type WriteRequest,
} from '../../src/core/far-store.js'
import { encodeNotice, type Notice } from '../../src/core/notice.js'
import type { ConformanceWorld } from '../../src/testing/conformance.js'
import type { SimRandom } from '../../src/testing/sim-random.js'

/**
 * Two far stores that are asked the same: random acts, the same on both, whose answers must be the same. Times are compared by relation
 * only (fresh or not, spans, whole lease lives), because the two have different clocks. For the same reason a life is either so long that
 * a run never reaches its end, or so short that the very next thing both do is to wait it out.
 */
export interface PairRun {
  readonly model: ConformanceWorld
  readonly subject: ConformanceWorld
  readonly random: SimRandom
  readonly acts: number
}

const longMs = 600_000
const shortMs = 5
const shards = [0, 1]
const caches = ['books', 'films']
const keys = ['a', 'b 2', '{c}:"ö"\n']
/** With the empty one, one more than a shard keeps of a cache. */
const versions = ['1', '2', '3', '4']
const tags = ['author:7', 'lang:en', 'größe', '\ufeff*']
const patterns = [['a'], ['', ' ', ''], ['{c}:', '\n'], ['b', ''], ['*', '']]
const scopes = [...caches, '*']
type Act = readonly [weight: number, name: string, run: (pair: Pair) => Promise<void>]

interface Lease {
  readonly at: EntryAddress
  readonly token: string
  readonly inc: string
  readonly seq: number
}

class Pair {
  readonly random: SimRandom
  readonly model: ConformanceWorld
  readonly subject: ConformanceWorld
  readonly modelHeard: string[] = []
  readonly subjectHeard: string[] = []
  /** Tokens that hold a lease, or once did. */
  readonly leases: Lease[] = []
  #names = 0

  constructor({ model, subject, random }: PairRun) {
    this.model = model
    this.subject = subject
    this.random = random
    model.store.onNotice((shard, notice) => this.modelHeard.push(line(shard, notice)))
    subject.store.onNotice((shard, notice) => this.subjectHeard.push(line(shard, notice)))
  }

  /** Does the same to both, from either client, and holds the answers (or refusals) against each other. */
  async both<T>(act: (store: FarStore, world: ConformanceWorld) => Promise<T>, seen: (answer: T) => unknown): Promise<T | undefined> {
    const second = this.random.chance(0.5)
    const run = async (world: ConformanceWorld) => {
      try {
        const answer = await act(second ? world.store2 : world.store, world)
        return { answer, seen: seen(answer) }
      } catch (error) {
        return { answer: undefined, seen: `refused: ${codeOf(error)}` }
      }
    }
    const model = await run(this.model)
    const subject = await run(this.subject)
    assert.deepEqual(subject.seen, model.seen)
    return model.answer
  }

  async advance(ms: number): Promise<void> {
    await this.model.advance(ms)
    await this.subject.advance(ms)
  }

  name(letter: string): string {
    this.#names += 1
    return `${letter}${String(this.#names).padStart(7, '0')}`
  }

  at(): EntryAddress {
    const version = this.random.chance(0.88) ? '' : this.random.pick(versions)
    return { shard: this.random.pick(shards), cache: this.random.pick(caches), version, key: this.random.pick(keys) }
  }

  value(lives: 'on' | 'shortly' | 'stale at once'): StoredValue {
    const window = () => (this.random.chance(0.5) ? longMs : 0)
    const windows = lives === 'on' ? { staleMs: window(), errorMs: window() } : { staleMs: 0, errorMs: 0 }
    return {
      payload: Uint8Array.from({ length: this.random.below(40) }, () => this.random.below(256)),
      codec: this.random.below(256),
      tags: tags.filter(() => this.random.chance(0.3)),
      freshMs: lives === 'on' ? this.random.pick([longMs, longMs, longMs, endlessMs]) : shortMs,
      ...windows,
      ...(lives === 'stale at once' ? { [this.random.pick(['staleMs', 'errorMs'])]: longMs } : {}),
      keepMs: lives === 'on' ? this.random.pick([0, longMs]) : 0,
      // Spans that are coded exactly, and far from where a moment more or less would show.
      extendMs: this.random.pick([0, 2 ** 19, 2 ** 21]),
      costMs: this.random.below(1_000),
      version: this.random.chance(0.5) ? 0 : 1 + this.random.below(4),
    }
  }

  /** Lives shorter than long are waited out before anything else happens. */
  async pass(lives: 'on' | 'shortly' | 'stale at once'): Promise<void> {
    if (lives !== 'on') await this.advance(shortMs + 1)
  }

  lives(): 'on' | 'shortly' | 'stale at once' {
    return this.random.chance(0.7) ? 'on' : this.random.pick(['shortly', 'stale at once'] as const)
  }

  async acquire(request: {
    force: boolean
    takeover: string | undefined
    at: EntryAddress
    leaseMs: number
    soonMs?: number
  }): Promise<void> {
    const { at, ...rest } = request
    const token = this.name('t')
    const newInc = this.name('i')
    const answer = await this.both((store) => store.acquire(at, { token, newInc, ...rest }), seenAcquire)
    if (answer?.kind === 'lease') this.leases.push({ at, token, inc: answer.inc, seq: answer.seq })
  }

  async check(at: EntryAddress): Promise<void> {
    const newInc = this.name('i')
    await this.both(
      (store) => store.check(at, { newInc }),
      ({ bytes, nowMs }) => seenBytes(bytes, nowMs),
    )
  }

  /** Stores under the last lease. */
  async fill(value: StoredValue): Promise<void> {
    const { at, token, inc, seq } = this.leases.at(-1) ?? this.lease()
    const request = { token, inc, seq, nonce: this.name('n'), value }
    await this.both((store) => store.fill(at, request), seenFill)
  }

  /** A lease that somebody took, most often one of the last. */
  lease(): Lease {
    const recent = this.leases.slice(this.random.chance(0.8) ? -4 : 0)
    return recent.length > 0 ? this.random.pick(recent) : { at: this.at(), token: 'nobody', inc: 'no-inc--', seq: 0 }
  }

  async write(request: WriteRequest, at = this.at()): Promise<void> {
    await this.both((store) => store.write(at, request), whole)
  }

  async stampPattern(scope: string, parts: readonly string[], shard = this.random.pick(shards)): Promise<void> {
    const request = { nonce: this.name('n'), newInc: this.name('i'), scope, tags: [], parts }
    await this.both((store) => store.stamp(shard, request), whole)
  }

  async stamp(scope: string, stamped: readonly string[], shard = this.random.pick(shards)): Promise<void> {
    const request = { nonce: this.name('n'), newInc: this.name('i'), scope, tags: stamped }
    await this.both((store) => store.stamp(shard, request), whole)
  }
}

const acts: readonly Act[] = [
  [8, 'get', async (pair) => void (await pair.both(get(pair.at()), (bytes) => seenBytes(bytes)))],
  [
    2,
    'getMany',
    async (pair) => {
      const ats = Array.from({ length: pair.random.below(4) }, () => pair.at())
      await pair.both(getMany(ats), (found) => found.map((one) => (one instanceof ForebayError ? one.code : seenBytes(one))))
    },
  ],
  [13, 'check', (pair) => pair.check(pair.at())],
  [16, 'acquire', (pair) => pair.acquire({ at: pair.at(), force: false, takeover: undefined, leaseMs: longMs })],
  [4, 'force', (pair) => pair.acquire({ at: pair.at(), force: true, takeover: undefined, leaseMs: longMs })],
  [
    8,
    'take over',
    async (pair) => {
      const { at, token } = pair.lease()
      await pair.acquire({ at, force: false, takeover: token, leaseMs: longMs })
    },
  ],
  [
    1,
    'acquire for a moment',
    async (pair) => {
      await pair.acquire({ at: pair.at(), force: pair.random.chance(0.5), takeover: undefined, leaseMs: shortMs })
      await pair.advance(shortMs + 1)
    },
  ],
  [
    18,
    'fill',
    async (pair) => {
      const { at, token, inc, seq } = pair.lease()
      const lives = pair.lives()
      const request = { token, inc, seq, nonce: pair.name('n'), value: pair.value(lives) }
      await pair.both((store) => store.fill(at, request), seenFill)
      await pair.pass(lives)
    },
  ],
  [
    4,
    'release',
    async (pair) => {
      const { at, token } = pair.lease()
      const nonce = pair.name('n')
      await pair.both((store) => store.release(at, { token, nonce }), whole)
    },
  ],
  [
    4,
    'renew',
    async (pair) => {
      const { at, token } = pair.lease()
      const leaseMs = pair.random.pick([longMs, 3 * longMs])
      await pair.both((store) => store.renew(at, { token, nonce: 'unused', leaseMs }), whole)
    },
  ],
  [
    4,
    'acquire before the end of freshness',
    (pair) =>
      pair.acquire({ at: pair.at(), force: false, takeover: undefined, leaseMs: longMs, soonMs: pair.random.pick([longMs, 20 * longMs]) }),
  ],
  [
    8,
    'extend, for the most part what was just set',
    async (pair) => {
      const at = pair.at()
      const nonce = pair.name('n')
      if (pair.random.chance(0.7))
        await pair.write({ kind: 'set', nonce, newInc: pair.name('i'), value: pair.value('on'), lease: undefined }, at)
      if (pair.random.chance(0.1)) await pair.write({ kind: 'stale', nonce: pair.name('n'), newInc: pair.name('i') }, at)
      const request = { freshMs: pair.random.pick([0, 1, 5 * longMs]), maxAgeMs: pair.random.pick([0, 0, 3 * longMs]) }
      await pair.both((store) => store.extend(at, request), seenTimes)
    },
  ],
  [6, 'invalidate', (pair) => pair.write({ kind: 'invalidate', nonce: pair.name('n'), newInc: pair.name('i') })],
  [4, 'mark stale', (pair) => pair.write({ kind: 'stale', nonce: pair.name('n'), newInc: pair.name('i') })],
  [
    4,
    'set',
    async (pair) => {
      const lives = pair.lives()
      await pair.write({ kind: 'set', nonce: pair.name('n'), newInc: pair.name('i'), value: pair.value(lives), lease: undefined })
      await pair.pass(lives)
    },
  ],
  [
    3,
    'set versions, and load one, of the same key',
    async (pair) => {
      const at = pair.at()
      const versioned = () => ({ ...pair.value('on'), version: 1 + pair.random.below(4) })
      const set = () => pair.write({ kind: 'set', nonce: pair.name('n'), newInc: pair.name('i'), value: versioned(), lease: undefined }, at)
      await set()
      await set()
      await pair.acquire({ at, force: true, takeover: undefined, leaseMs: longMs })
      await pair.fill(versioned())
    },
  ],
  [
    0.8,
    'load one key in all versions of its cache',
    async (pair) => {
      const at = pair.at()
      for (const version of ['', ...versions]) {
        await pair.acquire({ at: { ...at, version }, force: true, takeover: undefined, leaseMs: longMs })
        await pair.fill(pair.value('on'))
      }
      for (const version of ['', ...versions]) await pair.check({ ...at, version })
    },
  ],
  [
    4,
    'set under a lease',
    async (pair) => {
      const lives = pair.lives()
      const { at, ...lease } = pair.lease()
      await pair.write({ kind: 'set', nonce: pair.name('n'), newInc: pair.name('i'), value: pair.value(lives), lease }, at)
      await pair.pass(lives)
    },
  ],
  [6, 'stamp tags', (pair) => pair.stamp(pair.random.pick(scopes), [pair.random.pick(tags), pair.random.pick(tags)])],
  [2, 'clear', (pair) => pair.stamp(pair.random.pick(scopes), [])],
  [4, 'stamp a pattern', (pair) => pair.stampPattern(pair.random.pick(caches), pair.random.pick(patterns))],
  [0.5, 'stamp more patterns than a cache keeps', floodPatterns],
  [
    2,
    'sweep',
    async (pair) => {
      const request = { cache: pair.random.pick(caches), parts: pair.random.pick([[], ...patterns]), newInc: pair.name('i') }
      await pair.both((store) => store.sweep({ ...request, pause: async () => {} }), whole)
    },
  ],
  [0.4, 'stamp more tags than a shard keeps', flood],
  [
    5,
    'sync',
    async (pair) => {
      const shard = pair.random.pick(shards)
      const request = { newInc: pair.name('i'), stamps: pair.random.pick([0, 1, 3, 100]), withLog: pair.random.chance(0.5) }
      await pair.both(
        (store) => store.sync(shard, request),
        ({ nowMs: _, node: __, nonces, ...answer }) => ({ ...answer, nonces: [...nonces].sort() }),
      )
    },
  ],
  [
    7,
    'ask',
    async (pair) => {
      await pair.both(
        async (store) => Promise.all(store.groups().map((group) => store.ask(group))),
        (answers) => answers.flatMap(({ positions }) => [...positions]).sort(([a], [b]) => a - b),
      )
    },
  ],
  [
    4,
    'replay',
    async (pair) => {
      const shard = pair.random.pick(shards)
      const request = { afterSeq: pair.random.below(60), limit: pair.random.pick([1, 10, 10_000]) }
      await pair.both((store) => store.replay(shard, request), whole)
    },
  ],
  [
    4,
    'evict',
    async (pair) => {
      const kind = pair.random.pick(['meta', 'stamps', 'stamps', 'log', 'entry', 'lease'] as const)
      const at = pair.at()
      await pair.both((_, world) => world.evict(kind, at.shard, at), whole)
    },
  ],
  [
    0.7,
    'lose the metadata under a load that somebody waits for',
    async (pair) => {
      const at = pair.at()
      await pair.acquire({ at, force: true, takeover: undefined, leaseMs: longMs })
      await pair.acquire({ at, force: false, takeover: undefined, leaseMs: longMs })
      await pair.both((_, world) => world.evict('meta', at.shard), whole)
      const token = pair.leases.at(-1)?.token ?? ''
      const nonce = pair.name('n')
      await pair.both((store) => store.release(at, { token, nonce }), whole)
    },
  ],
  [
    1,
    'be full for a while',
    async (pair) => {
      await pair.both((_, world) => world.condition('full'), whole)
      for (let i = 0; i < 6; i++) await step(pair, withoutFlood)
      await pair.both((_, world) => world.condition('well'), whole)
    },
  ],
]

const withoutFlood = acts.filter(([, name]) => !/more tags|more patterns|while/.test(name))

async function flood(pair: Pair): Promise<void> {
  const shard = pair.random.pick(shards)
  for (let batch = 0; batch < 3; batch++) {
    const prefix = pair.name('flood')
    await pair.stamp(
      pair.random.pick(scopes),
      Array.from({ length: 3_000 }, (_, i) => `${prefix}${i}`),
      shard,
    )
  }
}

async function floodPatterns(pair: Pair): Promise<void> {
  const shard = pair.random.pick(shards)
  const cache = pair.random.pick(caches)
  const prefix = pair.name('flood')
  for (let i = 0; i <= mostPatterns; i++) await pair.stampPattern(cache, [`${prefix}${i}`, ''], shard)
}

/** Runs so many acts on both, and at the end compares everything that was pushed; rejects at the first difference, with what led to it. */
export async function comparePair(run: PairRun): Promise<void> {
  const pair = new Pair(run)
  const done: string[] = []
  try {
    for (let i = 0; i < run.acts; i++) done.push(await step(pair, acts))
    await sameNews(pair)
  } catch (error) {
    throw new Error(`after ${done.length} acts, the last of which: ${done.slice(-8).join(', ')}`, { cause: error })
  }
}

async function step(pair: Pair, choice: readonly Act[]): Promise<string> {
  let left = pair.random.unit() * choice.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, name, run] of choice) {
    left -= weight
    if (left >= 0) continue
    await run(pair)
    return name
  }
  return 'nothing'
}

/** Pushes come before the answers to what is asked after them, so a few questions are enough to have them all. */
async function sameNews(pair: Pair): Promise<void> {
  for (let asked = 0; asked < 200 && pair.subjectHeard.length < pair.modelHeard.length; asked++) {
    await Promise.all(pair.subject.store.groups().map((group) => pair.subject.store.ask(group)))
  }
  assert.deepEqual(pair.subjectHeard, pair.modelHeard)
}

function get(at: EntryAddress) {
  return (store: FarStore) => store.get(at)
}

function getMany(ats: readonly EntryAddress[]) {
  return (store: FarStore) => store.getMany(ats)
}

function whole<T>(answer: T): T {
  return answer
}

function line(shard: number, notice: Notice): string {
  return `${shard} ${encodeNotice(notice)}`
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  throw error
}

function seenAcquire(answer: AcquireAnswer) {
  const bytes = seenBytes(answer.bytes, answer.nowMs)
  if (answer.kind === 'entry') return { kind: answer.kind, bytes }
  if (answer.kind === 'lease') return { kind: answer.kind, inc: answer.inc, seq: answer.seq, bytes }
  return { kind: answer.kind, holder: answer.holder, lives: Math.ceil(answer.remainingMs / longMs), bytes }
}

function seenFill(answer: FillAnswer) {
  return answer.kind === 'stored' ? answer.kind : answer
}

function seenTimes(answer: ExtendAnswer | undefined) {
  if (answer === undefined) return answer
  const { nowMs, createdMs, freshUntilMs, staleUntilMs, errorUntilMs } = answer
  return {
    fresh: freshUntilMs > nowMs,
    freshSpan: freshUntilMs === endlessMs ? 'endless' : Math.floor((freshUntilMs - createdMs) / longMs),
    staleSpan: staleUntilMs - freshUntilMs,
    errorSpan: errorUntilMs - freshUntilMs,
  }
}

function seenBytes(bytes: Bytes | undefined, nowMs?: number) {
  const envelope = bytes && openEnvelope(bytes)
  if (envelope === undefined) return bytes && 'no envelope'
  const { createdMs, freshUntilMs, staleUntilMs, errorUntilMs, payload, ...rest } = envelope
  return {
    ...rest,
    payload: Buffer.from(payload).toString('hex'),
    fresh: nowMs === undefined ? 'not asked' : freshUntilMs > nowMs,
    freshSpan: freshUntilMs === endlessMs ? 'endless' : Math.floor((freshUntilMs - createdMs) / longMs),
    staleSpan: staleUntilMs - freshUntilMs,
    errorSpan: errorUntilMs - freshUntilMs,
  }
}
