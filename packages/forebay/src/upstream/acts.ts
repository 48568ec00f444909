import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { checkTags } from '../core/key.js'
import type { Cache, Forebay, Key, WriteResult } from '../engine/public.js'

/** One invalidation, ready to be sent, as often as it takes. */
export type Act = () => Promise<WriteResult>

/** Turns what `map` gave into acts; throws `E_CHANGE` for anything that is no list of invalidations of caches that are there. */
export class Acts {
  readonly #forebay: Forebay
  readonly #caches = new Map<string, Cache<unknown>>()

  constructor(forebay: Forebay) {
    this.#forebay = forebay
  }

  of(mapped: unknown): readonly Act[] {
    if (!Array.isArray(mapped)) throw nonsense(`map() gave ${show(mapped)} in place of a list`)
    return mapped.flatMap((one: unknown) => this.#act(one))
  }

  #act(one: unknown): Act | readonly Act[] {
    if (one === null || typeof one !== 'object') throw nonsense(`map() gave ${show(one)} as an invalidation`)
    const given: { readonly [name: string]: unknown } = { ...one }
    const names = Object.keys(given).filter((name) => given[name] !== undefined)
    switch (names.sort().join()) {
      case 'cache,key':
        return keyAct(this.#cache(given.cache), given.key as Key)
      case 'cache,tags':
        return tagsAct(this.#cache(given.cache), given.tags)
      case 'tags':
        return tagsAct(this.#forebay, given.tags)
      case 'cache,clear':
        if (given.clear === true) return clearAct(this.#cache(given.cache))
    }
    throw nonsense(`map() gave { ${names.join(', ')} }; there are { cache, key }, { cache, tags }, { tags } and { cache, clear: true }`)
  }

  /** A cache by its name. Asking for one that nobody has made would make it, and a misspelt name would go unnoticed. */
  #cache(name: unknown): Cache<unknown> {
    const known = this.#caches.get(name as string)
    if (known !== undefined) return known
    if (typeof name !== 'string' || !Object.hasOwn(this.#forebay.stats().caches, name)) {
      throw nonsense(`map() named the cache ${show(name)}, which this Forebay does not have; create it before changes are followed`)
    }
    const cache = this.#forebay.cache(name)
    this.#caches.set(name, cache)
    return cache
  }
}

function keyAct(cache: Cache<unknown>, key: Key): Act {
  return () => cache.invalidate(key)
}

function clearAct(cache: Cache<unknown>): Act {
  return () => cache.clear()
}

/** No tags, nothing to do. */
function tagsAct(of: Pick<Forebay, 'invalidateTags'>, tags: unknown): readonly Act[] {
  if (!Array.isArray(tags)) throw nonsense(`map() gave ${show(tags)} in place of a list of tags`)
  const checked = checkTags(tags)
  return checked.length === 0 ? [] : [() => of.invalidateTags(checked)]
}

function nonsense(detail: string): ForebayError {
  return new ForebayError('E_CHANGE', detail)
}
