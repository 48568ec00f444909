import type { EntryAddress } from '../core/far-store.js'
import { fits } from '../core/pattern.js'

/** Version of keys, envelopes and notices; another version shares nothing with this one. */
const version = 'fb1'

/** The names of one shard's keys and of its channel: all in one hash tag, so in one Cluster slot. */
export interface ShardNames {
  /** What stands in the braces: it decides the slot. */
  readonly tag: string
  readonly meta: string
  readonly stamps: string
  readonly log: string
  readonly bell: string
  entry(at: EntryAddress): string
  lease(at: EntryAddress): string
}

/** Where everything of a service lives. Caches' names hold no colon and do not begin with `#`, so no two names meet. */
export interface Layout {
  /** Number of shards and format of the log, written once by the first process of the service. */
  readonly config: string
  readonly configTag: string
  shard(index: number): ShardNames
  /** How to find the entries of a cache whose keys fit these literals, or all. */
  search(cache: string, parts: readonly string[]): Search
}

/** A form that every name sought has, and few others, as Redis' `MATCH` takes it; and what a name found stands for, if it was sought. */
export interface Search {
  readonly form: string
  addressOf(name: string): EntryAddress | undefined
}

/** The names of one service; those of a shard are made once. */
export function createLayout(service: string): Layout {
  const made: ShardNames[] = []
  return {
    config: `${version}:{${service}}:#config`,
    configTag: service,
    shard(index) {
      const names = made[index] ?? shardNames(`${service}.${index}`)
      made[index] = names
      return names
    },
    search: (cache, parts) => searchFor(service, cache, parts),
  }
}

function searchFor(service: string, cache: string, parts: readonly string[]): Search {
  const before = `${version}:{${service}.`
  const keys = parts.length === 0 ? '*' : parts.map(asItIs).join('*')
  return {
    form: `${asItIs(before)}*}:${asItIs(cache)}*:${keys}`,
    addressOf(name) {
      const [, shard, named, of = '', key = ''] = name.startsWith(before) ? (afterService.exec(name.slice(before.length)) ?? []) : []
      if (named !== cache || (parts.length > 0 && !fits(parts, key))) return undefined
      return { shard: Number(shard), cache, version: of, key }
    },
  }
}

/** A name after its service: shard, cache, version, key. */
const afterService = /^(\d+)\}:([^:@]+)(?:@([^:]*))?:(.*)$/s

/** A text in which Redis' `MATCH` sees nothing but itself. */
function asItIs(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&')
}

/** A cache and its version: neither holds an `@` or a colon. */
function cacheOf({ cache, version: of }: EntryAddress): string {
  return of === '' ? cache : `${cache}@${of}`
}

function shardNames(tag: string): ShardNames {
  const prefix = `${version}:{${tag}}:`
  let last = { cache: '', version: '', prefix: '' }
  /** The same for all entries of a cache, which mostly come one after the other. */
  const entryPrefix = (at: EntryAddress): string => {
    if (last.cache !== at.cache || last.version !== at.version)
      last = { cache: at.cache, version: at.version, prefix: `${prefix}${cacheOf(at)}:` }
    return last.prefix
  }
  return {
    tag,
    meta: `${prefix}#meta`,
    stamps: `${prefix}#stamps`,
    log: `${prefix}#log`,
    bell: `${prefix}#bell`,
    entry: (at) => entryPrefix(at) + at.key,
    lease: (at) => `${prefix}#lease:${cacheOf(at)}:${at.key}`,
  }
}
