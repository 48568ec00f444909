import type { EntryAddress } from '../core/far-store.js'

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
  }
}

function shardNames(tag: string): ShardNames {
  const prefix = `${version}:{${tag}}:`
  return {
    tag,
    meta: `${prefix}#meta`,
    stamps: `${prefix}#stamps`,
    log: `${prefix}#log`,
    bell: `${prefix}#bell`,
    entry: (at) => `${prefix}${at.cache}:${at.key}`,
    lease: (at) => `${prefix}#lease:${at.cache}:${at.key}`,
  }
}
