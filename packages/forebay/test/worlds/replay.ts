import { type Cut, type Fault, faults, planWorld, type Topology, topologies, type WorldPlan } from './plan.js'

/** What `npm run world` is given, as words. */
export interface WorldWords {
  readonly seed: string
  readonly topology?: string | undefined
  /** Kinds of faults, or `none`. */
  readonly faults?: string | undefined
  /** Strikes of these faults, by their names. */
  readonly strikes?: string | undefined
  /** The clients' calls, as `3,17-20`. */
  readonly calls?: string | undefined
}

/** One line that runs exactly this world again. */
export function replayLine({ seed, topology, faults: kinds, cut }: WorldPlan): string {
  const words = [`npm run world -- --seed ${seed} --topology ${topology}`]
  const drawn = planWorld(seed, topology)
  if (drawn.faults.size !== kinds.size || cut !== undefined) words.push(`--faults ${listed([...kinds])}`)
  if (cut?.strikes !== undefined) words.push(`--strikes ${listed([...cut.strikes])}`)
  if (cut?.calls !== undefined) words.push(`--calls ${listed(ranges([...cut.calls]))}`)
  return words.join(' ')
}

/** The plan that these words ask for. */
export function planOf(words: WorldWords): WorldPlan {
  const seed = Number(words.seed)
  if (!Number.isInteger(seed)) throw new RangeError(`A seed is a whole number, not ${words.seed}.`)
  const plan = planWorld(seed, oneOf<Topology>(topologies, words.topology))
  const kinds = unlisted(words.faults)?.map((word) => oneOf<Fault>(faults, word))
  return { ...plan, ...(kinds && { faults: new Set(kinds.filter((kind) => kind !== undefined)) }), cut: cutOf(words) }
}

function cutOf(words: WorldWords): Cut | undefined {
  const strikes = unlisted(words.strikes)
  const calls = unlisted(words.calls)?.flatMap(numbers)
  if (strikes === undefined && calls === undefined) return undefined
  return { strikes: strikes && new Set(strikes), calls: calls && new Set(calls) }
}

function oneOf<T extends string>(known: readonly T[], word: string | undefined): T | undefined {
  const found = known.find((candidate) => candidate === word)
  if (word !== undefined && found === undefined) throw new RangeError(`There is no ${word}; there are ${known.join(', ')}.`)
  return found
}

function listed(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.join(',')
}

function unlisted(words: string | undefined): readonly string[] | undefined {
  if (words === undefined) return undefined
  return words === 'none' ? [] : words.split(',')
}

/** 3, 4, 5, 9 as `3-5`, `9`. */
function ranges(sorted: readonly number[]): string[] {
  const found: { from: number; to: number }[] = []
  for (const number of sorted) {
    const last = found.at(-1)
    if (last?.to === number - 1) last.to = number
    else found.push({ from: number, to: number })
  }
  return found.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
}

function numbers(range: string): number[] {
  const [from = Number.NaN, to = from] = range.split('-').map(Number)
  if (!Number.isInteger(from) || !Number.isInteger(to)) throw new RangeError(`${range} is neither a number nor a range of numbers.`)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
