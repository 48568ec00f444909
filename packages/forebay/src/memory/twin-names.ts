import type { EntryAddress } from '../core/far-store.js'

/** Lengths first, so that no two addresses share a name whatever characters they hold. */
export function nameOf({ shard, cache, version, key }: EntryAddress): string {
  return `${shard}:${cache.length}:${version.length}:${cache}${version}${key}`
}

export function addressOf(name: string): EntryAddress {
  const [head = '', shard = '', cacheLength = '', versionLength = ''] = /^(\d+):(\d+):(\d+):/.exec(name) ?? []
  const versionAt = head.length + Number(cacheLength)
  const keyAt = versionAt + Number(versionLength)
  return { shard: Number(shard), cache: name.slice(head.length, versionAt), version: name.slice(versionAt, keyAt), key: name.slice(keyAt) }
}

/** Whether a name is of this shard. */
export function isIn(shard: number): (name: string) => boolean {
  return (name) => name.startsWith(`${shard}:`)
}
