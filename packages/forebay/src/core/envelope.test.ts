import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Envelope,
  encodeTags,
  endFreshness,
  extendFreshness,
  headerLength,
  maxTagsLength,
  openEnvelope,
  sealEnvelope,
} from './envelope.js'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))

const envelope: Envelope = {
  codec: 2,
  createdMs: 1_700_000_000_123,
  freshUntilMs: 1_700_000_060_123,
  staleUntilMs: 1_700_000_660_123,
  errorUntilMs: 1_700_086_460_123,
  inc: 'aB3_-xyZ',
  epoch: 70_000,
  costMs: 4_000_000_000,
  extendMs: 640 * 2 ** 4,
  version: 1_700_000_000_000,
  tags: ['author:7', 'größe'],
  payload: Uint8Array.of(0, 1, 255),
}

/** Format 1, byte for byte. Entries written by an older version lie in somebody's Redis: this must decode for ever. */
const golden = bytes(`
  01 02 1d00
  018bcfe5687b
  018bcfe652db
  018bcfef7a9b
  018bd50caedb
  6142335f2d78795a
  000000011170
  ee6b2800
  0013
  018bcfe56800
  0008 617574686f723a37
  0007 6772c3b6c39f65
  0001ff`)

describe('an envelope', () => {
  it('is written as its golden bytes', () => {
    expect(Buffer.from(sealEnvelope(envelope)).toString('hex')).toBe(Buffer.from(golden).toString('hex'))
  })

  it('is read from its golden bytes', () => {
    expect(openEnvelope(golden)).toEqual(envelope)
  })

  it('is read from a Buffer that is a part of a larger one', () => {
    const opened = openEnvelope(Buffer.concat([Buffer.from('before'), golden, Buffer.from('')]).subarray(6))
    expect(opened && { ...opened, payload: Uint8Array.from(opened.payload) }).toEqual(envelope)
  })

  it('may be empty of tags and payload', () => {
    const bare = { ...envelope, tags: [], payload: new Uint8Array() }
    expect(sealEnvelope(bare)).toHaveLength(headerLength)
    expect(openEnvelope(sealEnvelope(bare))).toEqual(bare)
  })

  it.each([0, 1, 0xffff_ffff, 0x1_0000_0000, 2 ** 48 - 1])('keeps the time and the version %d', (number) => {
    expect(openEnvelope(sealEnvelope({ ...envelope, createdMs: number, version: number }))).toMatchObject({
      createdMs: number,
      version: number,
    })
  })

  it.each(['\ufeffmarked', 'line\nfeed', '__proto__', '', '😀'.repeat(64), '\0'])('keeps the tag %j', (tag) => {
    expect(openEnvelope(sealEnvelope({ ...envelope, tags: [tag, 'b'] }))?.tags).toEqual([tag, 'b'])
  })

  it('has room for as many and as long tags as are allowed', () => {
    const tags = Array.from({ length: 64 }, (_, i) => `${i}`.padStart(2, '0') + '\u20ac'.repeat(254))
    expect(encodeTags(tags).length).toBeLessThanOrEqual(maxTagsLength)
    expect(openEnvelope(sealEnvelope({ ...envelope, tags }))).toEqual({ ...envelope, tags })
  })

  it('is not seen in foreign or truncated bytes', () => {
    expect(openEnvelope(new Uint8Array())).toBeUndefined()
    expect(openEnvelope(Buffer.from('{"name":"somebody else wrote this here, and it is long enough"}'))).toBeUndefined()
    const tagsEnd = golden.length - envelope.payload.length
    for (let length = 0; length < tagsEnd; length++) expect(openEnvelope(golden.subarray(0, length))).toBeUndefined()
  })

  it('is not seen where a tag runs over the end of the tags', () => {
    for (const at of [54, 64]) {
      const corrupt = golden.slice()
      corrupt[at + 1] = 200
      expect(openEnvelope(corrupt)).toBeUndefined()
    }
  })

  it('is not seen in another format', () => {
    expect(openEnvelope(Uint8Array.of(2, ...golden.subarray(1)))).toBeUndefined()
  })
})

describe('ending the freshness of an envelope', () => {
  it('moves the stale windows with it, and changes nothing else, and not the bytes that it was given', () => {
    const before = golden.slice()
    const ended = endFreshness(before, envelope.createdMs + 5)
    expect(ended && openEnvelope(ended)).toEqual({
      ...envelope,
      freshUntilMs: envelope.createdMs + 5,
      staleUntilMs: envelope.createdMs + 5 + (envelope.staleUntilMs - envelope.freshUntilMs),
      errorUntilMs: envelope.createdMs + 5 + (envelope.errorUntilMs - envelope.freshUntilMs),
    })
    expect(before).toEqual(golden)
  })

  it('never makes it longer', () => {
    expect(endFreshness(golden, envelope.freshUntilMs + 1)).toEqual(golden)
  })

  it('leaves foreign bytes alone', () => {
    expect(endFreshness(Buffer.from('foreign'), 1)).toBeUndefined()
  })
})

describe('any envelope', () => {
  const time = fc.nat(2 ** 47)
  const word = fc.string({ unit: fc.constantFrom(...'ABCabc019-_'), minLength: 8, maxLength: 8 })
  const anyEnvelope = fc
    .record({
      codec: fc.nat(255),
      createdMs: time,
      freshForMs: fc.nat(2 ** 40),
      staleForMs: fc.nat(2 ** 40),
      errorForMs: fc.nat(2 ** 40),
      inc: word,
      epoch: fc.nat(2 ** 48 - 1),
      costMs: fc.nat(2 ** 32 - 1),
      extendMs: fc.nat(2 ** 40),
      version: fc.nat(2 ** 48 - 1),
      tags: fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 5 }),
      payload: fc.uint8Array({ maxLength: 20 }),
    })
    .map(({ freshForMs, staleForMs, errorForMs, ...rest }): Envelope => {
      const freshUntilMs = rest.createdMs + freshForMs
      return { ...rest, freshUntilMs, staleUntilMs: freshUntilMs + staleForMs, errorUntilMs: freshUntilMs + errorForMs }
    })
  const opened = (given: Uint8Array | undefined) => {
    const found = given && openEnvelope(given)
    if (found === undefined) throw new RangeError('not an envelope')
    return found
  }

  it('comes back as it was, but for the span of its extension, which may be a two-thousandth shorter', () => {
    fc.assert(
      fc.property(anyEnvelope, (given) => {
        const { extendMs, payload, ...rest } = opened(sealEnvelope(given))
        const { extendMs: wanted, payload: sent, ...others } = given
        expect(rest).toEqual(others)
        expect(Buffer.compare(payload, sent)).toBe(0)
        expect(extendMs).toBeLessThanOrEqual(wanted)
        expect(extendMs).toBeGreaterThanOrEqual(wanted * (1 - 1 / 1_024))
      }),
    )
  })

  it('is not made of random bytes by chance, and none of them throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, ours) => {
        const given = ours ? Uint8Array.of(1, ...bytes) : bytes
        const found = openEnvelope(given)
        if (found !== undefined) expect(given[0]).toBe(1)
      }),
    )
  })

  it('lives no longer when its freshness ends, no shorter when it is extended, and its windows keep their lengths', () => {
    fc.assert(
      fc.property(anyEnvelope, fc.nat(2 ** 41), fc.nat(2 ** 40), fc.nat(2 ** 40), (given, ageMs, freshMs, maxAgeMs) => {
        const before = opened(sealEnvelope(given))
        const nowMs = before.createdMs + ageMs
        const ended = opened(endFreshness(sealEnvelope(given), nowMs))
        expect(ended.freshUntilMs).toBe(Math.min(before.freshUntilMs, nowMs))
        const extended = extendFreshness(sealEnvelope(given), nowMs, { freshMs, maxAgeMs })
        expect(extended === undefined).toBe(before.freshUntilMs <= nowMs)
        const after = extended && opened(extended.bytes)
        const byMs = extended?.byMs ?? 0
        expect(byMs).toBeGreaterThanOrEqual(0)
        if (byMs > 0 && maxAgeMs > 0) expect(before.freshUntilMs + byMs).toBeLessThanOrEqual(before.createdMs + maxAgeMs)
        for (const { freshUntilMs, staleUntilMs, errorUntilMs } of [ended, after ?? before]) {
          expect(staleUntilMs - freshUntilMs).toBe(before.staleUntilMs - before.freshUntilMs)
          expect(errorUntilMs - freshUntilMs).toBe(before.errorUntilMs - before.freshUntilMs)
        }
        expect(after?.freshUntilMs ?? before.freshUntilMs).toBe(before.freshUntilMs + byMs)
      }),
    )
  })
})
