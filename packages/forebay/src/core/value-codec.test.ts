import { describe, expect, it } from 'vitest'
import { type ValueCodec, ValueCodecs } from './value-codec.js'

class Money {}
const money = { name: 'money', class: Money, encode: () => 1, decode: () => new Money() }

describe('codecs', () => {
  it('are found by the class of an object, not by what it inherits, or by their own judgement', () => {
    const other = { name: 'other', match: (value: object) => 'id' in value, encode: () => 1, decode: () => ({}) }
    const codecs = new ValueCodecs([money, other])
    expect(codecs.of(new Money())).toBe(money)
    expect(codecs.of(new (class Coin extends Money {})())).toBeUndefined()
    expect(codecs.of(Object.assign(new (class Coin extends Money {})(), { id: 1 }))).toBe(other)
    expect([codecs.named('money'), codecs.named('nothing')]).toEqual([money, undefined])
  })

  it.each<[unknown, string]>([
    [{}, 'codecs is an object; a list of codecs'],
    [[null], 'codecs[0] is null; an object of'],
    [[{ ...money, name: 'a b' }], 'codecs[0].name is "a b"; 1-64 letters'],
    [[{ ...money, encode: 1 }], 'codecs[0].encode is 1; a function'],
    [[{ ...money, decode: undefined }], 'codecs[0].decode is undefined; a function'],
    [[{ ...money, class: undefined }], 'codecs[0] needs class or match, one of them'],
    [[{ ...money, match: () => true }], 'codecs[0] needs class or match, one of them'],
    [[{ ...money, class: 'Money' }], 'codecs[0].class is "Money"; a class'],
    [[{ ...money, class: undefined, match: /a/ }], 'codecs[0].match is an object; a function'],
    [[money, { ...money, class: Date }], 'codecs[1]: there are two codecs named "money"'],
    [[money, { ...money, name: 'cash' }], 'codecs[1]: there are two codecs for the class Money'],
  ])('that cannot be used are refused: %#', (codecs, message) => {
    expect(() => new ValueCodecs(codecs as ValueCodec[])).toThrow(`E_OPTION: ${message}`)
  })
})
