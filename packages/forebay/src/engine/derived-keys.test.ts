import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalKey } from '../core/key.js'
import type { Cache, Key } from './public.js'
import { scopedCache } from './scoped.js'
import { wrapped } from './wrap.js'

const form = (key: unknown): string => canonicalKey(key, (text) => text)

/** Few and short, so that those that could be mistaken for each other often meet: texts like numbers, like structures, like marks. */
const text = fc.string({ unit: fc.constantFrom('1', '~', 'n', '[', ']', '"', ',', ':', 'a'), maxLength: 3 })
const part = fc.oneof(text, fc.integer({ min: -1, max: 2 }), fc.boolean(), fc.constant(null))
const structure = fc.oneof(fc.array(part, { maxLength: 2 }), fc.dictionary(fc.constantFrom('a', 'b', '1'), part, { maxKeys: 2 }))
const key = fc.oneof(text, fc.integer({ min: -1, max: 2 }), structure)
const scope = fc.oneof(
  text.filter((given) => given !== ''),
  fc.integer({ min: -1, max: 2 }),
  fc.boolean(),
  fc.array(
    text.filter((given) => given !== ''),
    { minLength: 1, maxLength: 2 },
  ),
)

/** What makes two of them the same, said in another way than by the canonical form. */
function identity(value: unknown): unknown {
  if (Array.isArray(value)) return ['list', ...value.map(identity)]
  if (value === null || typeof value !== 'object') return [typeof value, Object.is(value, -0) ? 0 : value]
  const names = Object.keys(value).sort()
  return ['fields', ...names.map((name) => [name, identity((value as Record<string, unknown>)[name])])]
}
const same = (a: unknown, b: unknown): boolean => JSON.stringify(identity(a)) === JSON.stringify(identity(b))

/** A cache that only tells under which key it was asked. */
function asked(): { readonly cache: Cache<unknown>; readonly keys: Key[] } {
  const keys: Key[] = []
  const peek = (given: Key): undefined => {
    keys.push(given)
  }
  return { cache: { peek } as unknown as Cache<unknown>, keys }
}

function scopedForm(within: Parameters<typeof scopedCache>[1], given: Key): string {
  const { cache, keys } = asked()
  scopedCache(cache, within).peek(given)
  return form(keys[0])
}

describe('a key within a scope', () => {
  it('is the same only for the same scope and the same key', () => {
    fc.assert(
      fc.property(scope, key, scope, key, (oneScope, oneKey, otherScope, otherKey) => {
        const alike = same(oneScope, otherScope) && same(oneKey, otherKey)
        expect(scopedForm(oneScope, oneKey) === scopedForm(otherScope, otherKey)).toBe(alike)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is no string, number or fields that stand outside of all scopes', () => {
    const outside = fc.oneof(text, fc.integer({ min: -1, max: 2 }), fc.dictionary(text, part, { maxKeys: 2 }))
    fc.assert(
      fc.property(scope, key, outside, (within, given, other) => {
        expect(scopedForm(within, given)).not.toBe(form(other))
      }),
    )
  })
})

describe('the key of a call', () => {
  const { key: keyOf } = wrapped<readonly unknown[], unknown>(asked().cache, () => undefined, undefined)
  const list = fc.array(fc.oneof(part, structure), { maxLength: 3 })

  it('is the same only for the same arguments', () => {
    fc.assert(
      fc.property(list, list, (some, others) => {
        expect(form(keyOf(...some)) === form(keyOf(...others))).toBe(same(some, others))
      }),
      { numRuns: 2_000 },
    )
  })

  it('does not change when arguments that were left out are named as undefined', () => {
    fc.assert(
      fc.property(list, fc.nat(3), (given, missing) => {
        expect(form(keyOf(...given, ...Array.from({ length: missing }, () => undefined)))).toBe(form(keyOf(...given)))
      }),
    )
  })
})
