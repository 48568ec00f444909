import type { Tell } from '../core/events.js'
import type { CachePlan } from '../core/plan.js'
import { contradiction } from '../core/strategy.js'

/** Holds the strategies of the caches against what the Redis servers do when their memory is full, and tells each contradiction once. */
export class StrategyWarnings {
  readonly #tell: Tell
  readonly #policies = new Set<string>()
  readonly #plans: CachePlan[] = []
  readonly #told = new Set<string>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  cache(plan: CachePlan): void {
    if (plan.strategy === undefined) return
    this.#plans.push(plan)
    for (const policy of this.#policies) this.#compare(plan, policy)
  }

  policy(policy: string): void {
    this.#policies.add(policy)
    for (const plan of this.#plans) this.#compare(plan, policy)
  }

  #compare({ name, strategy }: CachePlan, policy: string): void {
    const why = strategy && contradiction(strategy, policy)
    const both = `${strategy} ${policy}`
    if (why === undefined || this.#told.has(both)) return
    this.#told.add(both)
    this.#tell({
      type: 'warning',
      text: `the strategy '${strategy}' of cache '${name}' contradicts Redis' maxmemory-policy ${policy}: ${why}`,
    })
  }
}
