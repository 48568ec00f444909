import { parseDuration, show } from '../core/duration.js'
import type { ForebayError } from '../core/errors.js'
import { type Strategy, strategies } from '../core/strategy.js'
import { oneOf, refusal, withoutUndefined } from './option-checks.js'

type Options = Record<string, unknown>

/** Lives that are prolonged end at this many times `ttl` at the latest, unless `sliding` says otherwise: what no invalidation reached ends too. */
const mostLives = 24

/**
 * The option `strategy` of a cache, and its options with what that stands for. An option that says otherwise is refused: one of the two is
 * not meant. `own`: the options of this cache alone.
 */
export function withStrategy(where: string, said: Options, own: Options): { strategy: Strategy | undefined; options: Options } {
  if (said.strategy === undefined) return { strategy: undefined, options: said }
  const strategy = oneOf(where, 'strategy', said.strategy, strategies)
  const { policy }: Options = withoutUndefined(typeof said.memory === 'object' && said.memory !== null ? said.memory : undefined)
  const refuse = (option: string, value: unknown, when: boolean): void => {
    if (when) throw contradicted(where, strategy, option, value)
  }
  const slides = said.sliding !== undefined && said.sliding !== false
  const bySort = strategy === 'lru' || strategy === 'lfu'
  refuse('sliding', said.sliding, bySort ? said.sliding === false : slides)
  refuse('memory.policy', policy, bySort && policy !== undefined && policy !== strategy)
  refuse('memory', said.memory, strategy === 'lfu' && said.memory === false)
  refuse('expireDaily', said.expireDaily, strategy !== 'ttl' && said.expireDaily !== undefined)
  if (bySort) return { strategy, options: { ...said, sliding: said.sliding ?? longest(where, said.ttl) } }
  if (strategy === 'ttl') return { strategy, options: said }
  refuse('ttl', own.ttl, own.ttl !== undefined)
  refuse('earlyRefresh', said.earlyRefresh, said.earlyRefresh !== undefined && said.earlyRefresh !== false)
  return { strategy, options: { ...said, ttl: undefined } }
}

/** Without a ttl there is nothing to prolong: that is refused later. */
function longest(where: string, ttl: unknown): unknown {
  return ttl === undefined ? undefined : { max: Math.min(mostLives * parseDuration(`${where}ttl`, ttl), longestMs) }
}
/** The longest duration that an option may have. */
const longestMs = 36_500 * 86_400_000

function contradicted(where: string, strategy: Strategy, option: string, value: unknown): ForebayError {
  return refusal(where, 'strategy', strategy, `not together with ${option} ${show(value)}: ${reasons[strategy]}`)
}

const reasons: { readonly [S in Strategy]: string } = {
  lru: 'memory evicts by lru, and a hit prolongs the life in Redis',
  lfu: 'memory counts uses and evicts by them, and a hit prolongs the life in Redis by them',
  ttl: 'nothing prolongs a life',
  persistent: 'values do not end by time; one value may (entry, expiresAt), and a copy in memory may (memory.ttl)',
}
