import { ForebayError } from '../core/errors.js'
import type { EntryAddress } from '../core/far-store.js'

/** As the scripts keep them: newest last, each with an `@` before it. */
const list = /^@[A-Za-z0-9_.-]{0,32}(?: @[A-Za-z0-9_.-]{0,32})*$/
const onlyTheEmpty = '@'

/**
 * The versions of each cache by shard, as far as they are known here. A fence must name the keys of every version; where the shard knows
 * others, its script says so and does nothing.
 */
export class KnownVersions {
  readonly #known = new Map<string, string>()

  /** The list as it was last told. */
  listFor({ shard, cache }: EntryAddress): string {
    return this.#known.get(`${shard}:${cache}`) ?? onlyTheEmpty
  }

  learn({ shard, cache }: EntryAddress, told: string): void {
    if (!list.test(told)) throw new ForebayError('E_REDIS_REPLY', `the versions of ${cache} are ${JSON.stringify(told.slice(0, 40))}`)
    this.#known.set(`${shard}:${cache}`, told)
  }

  /** The same key in the other versions. */
  othersOf(at: EntryAddress): EntryAddress[] {
    const versions = this.listFor(at)
      .split(' ')
      .map((version) => version.slice(1))
    return versions.filter((version) => version !== at.version).map((version) => ({ ...at, version }))
  }
}
