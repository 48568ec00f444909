/**
 * About how many bytes of heap a value takes in V8 on a 64-bit machine: its encoded length may be a third of that. Looks at no more than about
 * a hundred of its objects: of a long list at some spread over it, to which the others are taken to be alike.
 */
export function heapBytes(value: unknown): number {
  return new Estimate().of(value, mostParts)
}

const word = 8
const mostParts = 128
/** Of the parts of one list or object. */
const mostSamples = 16

class Estimate {
  readonly #seen = new Set<object>()

  /** Without the word that points to it. `parts`: how many may be looked at. */
  of(value: unknown, parts: number): number {
    if (typeof value === 'string') return stringBytes(value)
    if (typeof value === 'number') return isSmall(value) ? 0 : 2 * word
    if (typeof value === 'bigint') return 3 * word + Math.ceil(value.toString(16).length / 2)
    if (typeof value !== 'object' || value === null || parts < 1) return 0
    if (this.#seen.has(value)) return 0
    this.#seen.add(value)
    if (Array.isArray(value)) return this.#array(value, parts)
    if (ArrayBuffer.isView(value)) return 200 + value.byteLength
    if (value instanceof ArrayBuffer) return 100 + value.byteLength
    if (value instanceof Date) return 12 * word
    if (value instanceof Map) {
      const own = 20 * word + 4 * word * value.size
      return own + this.#entries([...value.keys()], parts / 2) + this.#entries([...value.values()], parts / 2)
    }
    if (value instanceof Set) return 20 * word + 3 * word * value.size + this.#entries([...value], parts)
    return this.#object(value as Record<string, unknown>, parts)
  }

  #array(value: readonly unknown[], parts: number): number {
    // Frozen, a list of fractions keeps each in a box of its own.
    const isPacked = !Object.isFrozen(value) && value.every((one) => typeof one === 'number') && !value.every(isSmall)
    const own = 6 * word + value.length * word
    return isPacked ? own : own + this.#entries(value, parts)
  }

  #object(value: Record<string, unknown>, parts: number): number {
    const names = Object.keys(value)
    const isTable = names.length > 128
    const own = 3 * word + names.length * (isTable ? 6 * word : word)
    const samples = spread(names)
    // As keys of a table, names are its own; else objects of one shape share them.
    const named = isTable ? this.#list(samples, names.length, parts) : 0
    return (
      own +
      named +
      this.#list(
        samples.map((name) => value[name]),
        names.length,
        parts,
      )
    )
  }

  #entries(values: readonly unknown[], parts: number): number {
    return this.#list(spread(values), values.length, parts)
  }

  /** What `count` parts take of which these are samples. */
  #list(samples: readonly unknown[], count: number, parts: number): number {
    if (samples.length === 0) return 0
    const objects = samples.reduce<number>((sum, sample) => sum + (typeof sample === 'object' ? 1 : 0), 0)
    const each = parts / Math.max(1, objects)
    let bytes = 0
    for (const sample of samples) bytes += this.of(sample, each)
    return (bytes * count) / samples.length
  }
}

/** All of a short list; of a long one some from its whole length. */
function spread<V>(values: readonly V[]): readonly V[] {
  if (values.length <= mostSamples) return values
  const step = values.length / mostSamples
  return Array.from({ length: mostSamples }, (_, i) => values[Math.floor(i * step)] as V)
}

/** Kept in the word itself, without a box. */
function isSmall(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31 && !Object.is(value, -0)
}

/** Two bytes for each character if any needs them. Texts of one character are shared by all. */
function stringBytes(text: string): number {
  if (text.length <= 1) return 0
  const bytes = beyondLatin1.test(text) ? 2 * text.length : text.length
  return 2 * word + word * Math.ceil(bytes / word)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range that V8 keeps in one byte
const beyondLatin1 = /[^\u0000-\u00ff]/
