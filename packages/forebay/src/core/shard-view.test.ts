import { describe, expect, it } from 'vitest'
import type { Envelope } from './envelope.js'
import { stampName, type SyncAnswer, wholeService } from './far-store.js'
import { noNotice, type Notice, repeatNonce, type Tidings } from './notice.js'
import { mostRecents, mostStamps, resendWindowMs } from './plan.js'
import { ShardView } from './shard-view.js'

const book: Tidings = { kind: 'key', cache: 'books', key: 'b42' }
const author: Tidings = { kind: 'tags', scope: 'books', tags: ['author:7'] }

/** A shard's history as the server would tell it: each notice follows the one before. */
class History {
  seq: number
  head: string
  readonly inc: string

  constructor(inc = 'inc-one_', seq = 0, head: string = noNotice) {
    this.inc = inc
    this.seq = seq
    this.head = head
  }

  next(tidings: Tidings, nonce = `n${this.seq + 1}`): Notice {
    const notice: Notice = { inc: this.inc, seq: ++this.seq, nonce, previous: this.head, ...tidings }
    this.head = nonce
    return notice
  }

  sync(rest: Partial<SyncAnswer> = {}): SyncAnswer {
    const { inc, seq, head } = this
    return {
      inc,
      seq,
      head,
      node: 'node',
      nowMs: 0,
      floor: 0,
      clears: new Map(),
      patterns: new Map(),
      stamps: [],
      moreStamps: false,
      nonces: [],
      ...rest,
    }
  }
}

function started(history = new History(), rest: Partial<SyncAnswer> = {}): ShardView {
  const view = new ShardView(0)
  view.adopt(history.sync(rest))
  return view
}

const entry = (epoch: number, tags: readonly string[] = [], inc = 'inc-one_') => ({ epoch, tags, inc }) as unknown as Envelope

const inCache = (cache: string) => ({ cache, version: '', key: 'b42' })

describe('the chain of notices', () => {
  it('is followed notice by notice', () => {
    const history = new History()
    const view = started(history)
    expect([history.next(book), history.next(author), history.next(book)].map((notice) => view.hear(notice, 0))).toEqual([
      'applied',
      'applied',
      'applied',
    ])
    expect(view.seq).toBe(3)
  })

  it('knows a notice that it has heard before', () => {
    const history = new History()
    const view = started(history)
    const notice = history.next(book)
    view.hear(notice, 0)
    expect(view.hear(notice, 0)).toBe('known')
    expect(view.seq).toBe(1)
  })

  it('has a gap where a notice is missing', () => {
    const history = new History()
    const view = started(history)
    history.next(book)
    expect(view.hear(history.next(book), 0)).toBe('gap')
    expect(view.seq).toBe(0)
  })

  it('has a gap where the notice before is another one, though the numbers fit', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next(book), 0)
    const other = new History('inc-one_', 1, 'of another primary')
    expect(view.hear(other.next(book), 0)).toBe('gap')
  })

  it('has a gap where the incarnation is another one', () => {
    const view = started()
    expect(view.hear(new History('inc-two_').next(book), 0)).toBe('gap')
  })

  it('has a gap everywhere before the first sync', () => {
    expect(new ShardView(0).hear(new History().next(book), 0)).toBe('gap')
  })
})

describe('a position', () => {
  const history = new History()
  const view = started(history)
  for (let i = 0; i < 3; i++) view.hear(history.next(book), 0)

  it.each([
    ['the head', { inc: 'inc-one_', seq: 3, head: 'n3' }, true],
    ['a notice heard before', { inc: 'inc-one_', seq: 2, head: 'n2' }, true],
    ['the beginning, whose nonce is not known any more', { inc: 'inc-one_', seq: 0, head: 'any' }, true],
    ['another notice in the place of the head', { inc: 'inc-one_', seq: 3, head: 'x' }, false],
    ['another notice in the place of one heard', { inc: 'inc-one_', seq: 2, head: 'x' }, false],
    ['what has not been heard yet', { inc: 'inc-one_', seq: 4, head: 'n4' }, false],
    ['another incarnation', { inc: 'inc-two_', seq: 1, head: 'n1' }, false],
  ])('is covered or not: %s', (_, position, covered) => {
    expect(view.covers(position)).toBe(covered)
  })

  it('of a write is heard only with its nonce, and never where it was not sent', () => {
    expect(view.heardWrite('inc-one_', 2, 'n2')).toBe('heard')
    expect(view.heardWrite('inc-one_', 2, 'mine')).toBe('no')
    expect(view.heardWrite('inc-one_', -1, 'n1')).toBe('no')
  })

  it('of a write further back than is known by name counts only once a proof has confirmed it', () => {
    const late = started()
    late.hear(new History().next(book), 0)
    expect(late.heardWrite('inc-one_', 0, 'before')).toBe('perhaps')
    late.confirmWrite(0, 'before')
    expect(late.heardWrite('inc-one_', 0, 'before')).toBe('heard')
  })

  it('that an honest answer can show is not before what was acknowledged', () => {
    const own = started()
    own.acknowledged({ inc: 'inc-one_', seq: 7, head: 'mine' }, book, 0)
    expect([own.seq, own.leastSeq]).toEqual([0, 7])
  })

  it('of another history does not count as acknowledged', () => {
    const own = started()
    own.acknowledged({ inc: 'inc-two_', seq: 7, head: 'mine' }, book, 0)
    expect([own.leastSeq, own.hasRecents]).toEqual([0, false])
  })
})

describe('an entry read by a plain read', () => {
  it('without tags stands, unless its cache or the service was cleared since', () => {
    const view = started(new History('inc-one_', 20), {
      clears: new Map([
        ['books', 5],
        [wholeService, 9],
        ['films', 15],
      ]),
      floor: 18,
    })
    expect([4, 5, 8, 9, 20].map((epoch) => view.judge(entry(epoch), inCache('books')))).toEqual([
      'invalid',
      'invalid',
      'invalid',
      'valid',
      'valid',
    ])
    expect([9, 14, 15].map((epoch) => view.judge(entry(epoch), inCache('films')))).toEqual(['invalid', 'invalid', 'valid'])
  })

  it('falls with a tag that was stamped after its load, in its cache or in the service', () => {
    const stamps = [
      [stampName(wholeService, 'sale'), 12],
      [stampName('books', 'author:7'), 10],
    ] as const
    const view = started(new History('inc-one_', 20), { stamps })
    expect([9, 10].map((epoch) => view.judge(entry(epoch, ['x', 'author:7']), inCache('books')))).toEqual(['invalid', 'valid'])
    expect([11, 12].map((epoch) => view.judge(entry(epoch, ['sale']), inCache('books')))).toEqual(['invalid', 'valid'])
    expect(view.judge(entry(1, ['author:7']), inCache('films'))).toBe('valid')
  })

  it('falls with what is heard later too', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next(book), 0)
    view.hear(history.next(author), 0)
    expect(view.judge(entry(1, ['author:7']), inCache('books'))).toBe('invalid')
    expect(view.judge(entry(2, ['author:7']), inCache('books'))).toBe('valid')
    view.hear(history.next({ kind: 'clear', scope: 'books' }), 0)
    expect(view.judge(entry(2), inCache('books'))).toBe('invalid')
    expect(view.judge(entry(2), inCache('films'))).toBe('valid')
  })

  it('falls with an own write at its acknowledgement, before its notice is heard', () => {
    const view = started()
    view.acknowledged({ inc: 'inc-one_', seq: 3, head: 'mine' }, author, 0)
    expect(view.judge(entry(2, ['author:7']), inCache('books'))).toBe('invalid')
    view.acknowledged({ inc: 'inc-one_', seq: 4, head: 'more' }, { kind: 'clear', scope: wholeService }, 0)
    expect(view.judge(entry(3), inCache('books'))).toBe('invalid')
  })

  it('with tags falls where it is older than the floor', () => {
    const view = started(new History('inc-one_', 20), { floor: 10 })
    expect([9, 10].map((epoch) => view.judge(entry(epoch, ['t']), inCache('books')))).toEqual(['invalid', 'valid'])
  })

  it('is for the shard to judge where it is of another incarnation', () => {
    expect(started().judge(entry(0, [], 'inc-two_'), inCache('books'))).toBe('unknown')
    expect(new ShardView(0).judge(entry(0), inCache('books'))).toBe('unknown')
  })

  it('is for the shard to judge where its tags may have been stamped before the stamps that are known', () => {
    const stamps = [
      ['b', 12],
      ['a', 10],
    ] as const
    const view = started(new History('inc-one_', 20), { stamps, moreStamps: true })
    expect([9, 10].map((epoch) => view.judge(entry(epoch, ['t']), inCache('books')))).toEqual(['unknown', 'valid'])
    expect(view.judge(entry(0), inCache('books'))).toBe('valid')
  })

  it('is for the shard to judge where so many tags were stamped that old ones are forgotten', () => {
    const history = new History()
    const view = started(history)
    for (let i = 0; i <= mostStamps; i++) view.hear(history.next({ kind: 'tags', scope: 'books', tags: [`t${i}`] }), 0)
    expect(view.judge(entry(0, ['t0']), inCache('books'))).toBe('unknown')
    expect(view.judge(entry(1, ['t1']), inCache('books'))).toBe('invalid')
    expect(view.judge(entry(1, ['other']), inCache('books'))).toBe('valid')
  })
})

describe('a proof', () => {
  it('holds for its span, from when the question was sent, and for the node that answered', () => {
    const view = started()
    view.proven(1_000, 'node')
    expect(view.provenBy('node', 2_999, 2_000)).toBe(true)
    expect(view.provenBy('node', 3_000, 2_000)).toBe(false)
    expect(view.provenBy('other', 1_001, 2_000)).toBe(false)
    expect(view.provenBy(undefined, 1_001, 2_000)).toBe(false)
  })

  it('is none before the first', () => {
    expect(started().provenBy('node', 0, 2_000)).toBe(false)
    expect(started().provenBy(undefined, 0, 2_000)).toBe(false)
  })

  it('is not taken from a question sent before a doubt', () => {
    const view = started()
    view.proven(1_000, 'node')
    view.doubt(1_500)
    expect(view.provenBy('node', 1_500, 2_000)).toBe(false)
    view.proven(1_400, 'node')
    expect(view.provenBy('node', 1_500, 2_000)).toBe(false)
    view.proven(1_500, 'node')
    expect(view.provenBy('node', 1_600, 2_000)).toBe(true)
  })
})

describe('what a failover may have lost', () => {
  it('is an own write that was acknowledged, and that a later proof passes without showing', () => {
    const history = new History()
    const view = started(history)
    view.acknowledged({ inc: 'inc-one_', seq: 1, head: 'mine' }, book, 100)
    view.hear(history.next(author, 'of another'), 110)
    expect([...view.proven(100, 'node')]).toEqual([])
    expect([...view.proven(101, 'node')]).toEqual([['mine', book]])
    expect([...view.proven(102, 'node')]).toEqual([])
  })

  it('is not an own write that the chain has shown', () => {
    const history = new History()
    const view = started(history)
    view.acknowledged({ inc: 'inc-one_', seq: 1, head: 'mine' }, book, 100)
    view.hear(history.next(book, 'mine'), 110)
    expect([...view.proven(200, 'node')]).toEqual([])
    expect(view.hasRecents).toBe(true)
  })

  it('is not known of an own write that the chain has not reached yet', () => {
    const view = started()
    view.acknowledged({ inc: 'inc-one_', seq: 1, head: 'mine' }, book, 100)
    expect([...view.proven(200, 'node')]).toEqual([])
    expect(view.hasRecents).toBe(true)
  })

  it('is what was heard or acknowledged lately, and the log of a broken chain does not show', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next(book), 0)
    view.hear(history.next(author), 0)
    view.acknowledged({ inc: 'inc-one_', seq: 3, head: 'mine' }, { kind: 'clear', scope: 'books' }, 0)
    view.adopt(new History('inc-one_', 2, 'x').sync())
    expect([...view.takeLost(new Set(['n1']))]).toEqual([
      ['n2', expect.objectContaining(author)],
      ['mine', { kind: 'clear', scope: 'books' }],
    ])
    expect([...view.takeLost(new Set(['n1']))]).toEqual([])
  })

  it('is not found lost a second time once a log has shown it', () => {
    const view = started()
    view.acknowledged({ inc: 'inc-one_', seq: 3, head: 'mine' }, book, 0)
    view.adopt(new History('inc-one_', 9, 'x').sync())
    expect([...view.takeLost(new Set(['mine']))]).toEqual([])
    expect([...view.proven(1, 'node')]).toEqual([])
  })

  it('is forgotten when a proof asked long enough after has shown it, however late that is', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next(book), 0)
    view.proven(resendWindowMs - 1, 'node')
    expect(view.hasRecents).toBe(true)
    view.proven(resendWindowMs, 'node')
    expect(view.hasRecents).toBe(false)
  })

  it('is not the end of a lease: only waiters care', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next({ kind: 'filled', cache: 'books', key: 'b42' }), 0)
    expect(view.hasRecents).toBe(false)
  })

  it('is kept up to a bound, the oldest going first', () => {
    const history = new History()
    const view = started(history)
    for (let i = 0; i < mostRecents + 3; i++) view.hear(history.next(book), 0)
    const lost = [...view.takeLost(new Set()).keys()]
    expect([lost.length, lost[0], lost.at(-1)]).toEqual([mostRecents, 'n4', `n${mostRecents + 3}`])
  })
})

describe('an own write', () => {
  it('is no news when its notice is heard, once', () => {
    const view = started()
    view.sending('mine')
    expect([view.takeOwn('mine'), view.takeOwn('mine'), view.takeOwn('other')]).toEqual([true, false, false])
  })

  it('that was not answered is news like any other', () => {
    const view = started()
    view.sending('mine')
    view.unanswered('mine')
    expect(view.takeOwn('mine')).toBe(false)
  })

  it('is news again after a new start', () => {
    const view = started()
    view.sending('mine')
    view.adopt(new History('inc-two_').sync())
    expect(view.takeOwn('mine')).toBe(false)
  })
})

describe('a write that is sent again', () => {
  it('has its own place in the chain, so that no other history looks like the one in which it was heard', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next(book, 'mine'), 0)
    expect(view.covers({ inc: 'inc-one_', seq: 1, head: repeatNonce('mine', 'x') })).toBe(false)
    expect(view.hear(new History().next(book, repeatNonce('mine', 'x')), 0)).toBe('gap')
  })

  it('is known again by its first nonce, by whoever holds it', () => {
    const history = new History()
    const view = started(history)
    view.hear(history.next(book, 'mine'), 0)
    view.acknowledged({ inc: 'inc-one_', seq: 2, head: repeatNonce('mine', 'x') }, book, 0)
    expect([...view.takeLost(new Set([repeatNonce(repeatNonce('mine', 'y'), 'z')])).keys()]).toEqual([])
  })
})

describe('who stands somewhere in the history', () => {
  it('has everything from the seq on that was known, as far as the chain was heard', () => {
    const history = new History()
    const view = started(history)
    const places = [book, author, book].map((tidings) => {
      const notice = history.next(tidings)
      view.hear(notice, 0)
      return { inc: notice.inc, seq: notice.seq, head: notice.nonce }
    })
    expect(places.map((place) => view.vouchesFor(place, 2))).toEqual([false, true, true])
    const unheard = history.next(author)
    expect(view.vouchesFor({ inc: unheard.inc, seq: unheard.seq, head: unheard.nonce }, 2)).toBe(false)
  })

  it('does not, where it has come there by another history', () => {
    const history = new History()
    const view = started(history)
    const [first, second] = [history.next(book), history.next(author)]
    view.hear(first, 0)
    view.hear(second, 0)
    expect(view.vouchesFor({ inc: second.inc, seq: 2, head: 'other' }, 2)).toBe(false)
    expect(view.vouchesFor({ inc: first.inc, seq: 1, head: 'other' }, 1)).toBe(false)
    expect(view.vouchesFor({ inc: 'inc-two_', seq: 2, head: second.nonce }, 2)).toBe(false)
  })
})
