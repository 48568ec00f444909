/** A record as services cache it. Its `id` tells which one it is, so that a wrong answer is noticed. */
export interface Sample {
  readonly id: number
}

/** A record whose JSON is 200 bytes long. */
export function small(id: number): Sample {
  const record = { id, title: 'A Midsummer Night’s Dream', author: 'William Shakespeare', price: 12.5, inStock: true, note: '' }
  return { ...record, note: fill(200 - Buffer.byteLength(JSON.stringify(record))) } as Sample
}

/** A list of 20 reviews whose JSON is 10,000 bytes long. */
export function large(id: number): Sample {
  const reviews = Array.from({ length: 20 }, (_, i) => ({ reader: `reader-${i}`, stars: i % 5, date: '1900-01-01', text: fill(410) }))
  const record = { id, reviews, note: '' }
  return { ...record, note: fill(10_000 - Buffer.byteLength(JSON.stringify(record))) } as Sample
}

const words = 'The course of true love never did run smooth; but, either it was different in blood, or else misgraffed. '

function fill(length: number): string {
  return words.repeat(Math.ceil(length / words.length)).slice(0, length)
}

/** The record as databases give it: with a date. */
export function dated(record: Sample): Sample {
  return { ...record, updatedAt: new Date(record.id) } as Sample
}

/** A page of 32,000 bytes whose text repeats itself no more than prose does: what compression is measured with. */
export function page(id: number): Sample {
  return { id, text: prose } as Sample
}

const vocabulary = [...new Set(words.toLowerCase().match(/[a-z]+/g))]
const prose = Array.from(
  { length: 32_000 },
  (_, i) => `${vocabulary[(i * i * 7 + (i % 89) * (i % 97)) % vocabulary.length]}${i % 6 === 0 ? (i * 7_919) % 10_007 : ''}`,
)
  .join(' ')
  .slice(0, 31_970)

export const sizes = { '200 B': small, '10 kB': large, '32 kB': page } as const
export type Size = keyof typeof sizes

/** Keys as services make them, about 20 characters long. */
export function keyOf(id: number): string {
  return `catalogue:book:${String(id).padStart(6, '0')}`
}
