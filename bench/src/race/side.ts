/** The ways to tell a cache that the origin has changed. */
export const verbs = ['keys', 'tags', 'patterns', 'clear', 'set', 'update'] as const
export type Verb = (typeof verbs)[number]

/** One write. Keys are `group:name.`; a `clear` reaches the whole group, the others no other key. */
export interface Act {
  readonly verb: Verb
  readonly key: string
  /** Several processes write this key, so that a `set` tells its value's version. */
  readonly contested: boolean
}

export interface Acted {
  readonly acknowledged: boolean
  readonly token: string | undefined
}

export interface Counts {
  readonly refused: number
  readonly replayed: number
  readonly dropped: number
  readonly resent: number
  readonly queued: number
  /** Values that were loaded and not kept, since Redis did not answer. */
  readonly unanswered: number
  /** What shards were dropped for, besides the start. */
  readonly drops: { readonly incarnation: number; readonly gap: number }
}

/** A cache as the race drives it, in one worker process. Values are the origin's version numbers. */
export interface Side {
  /** The cached value, or a loaded one. `token`: of a write that this read must see. */
  read(key: string, load: () => Promise<number>, token?: string): Promise<number>
  /** What Redis holds, without this process's memory; `undefined` if nothing, or nothing valid. */
  shared(key: string): Promise<number | undefined>
  /** Changes the origin by `change`, which tells the new version, and the cache with it. */
  write(act: Act, change: () => Promise<number>): Promise<Acted>
  /** Fences many keys at once, the origin unchanged. */
  invalidateMany(keys: readonly string[]): Promise<void>
  /** What this process's memory serves now. */
  peek(key: string): number | undefined
  /** Invalidations that still wait to be sent. */
  unsent(): number
  counts(): Counts
  close(): Promise<void>
}

interface RedisClusterPlace {
  readonly cluster: readonly string[]
  readonly deadline?: number | undefined
}

export interface SidePlan {
  readonly side: string
  readonly redis: { readonly url: string; readonly deadline?: number | undefined } | RedisClusterPlace
  readonly peers: string | undefined
  readonly maxStalenessMs: number
  /** A second cache without memory beside the first, for `shared`. */
  readonly probe: boolean
  readonly shards: number | undefined
}

export type OpenSide = (plan: SidePlan) => Promise<Side>

/** Where a cache has no such notion. */
export function unsupported(): never {
  throw new Error('this cache cannot do that')
}

/** The group of a key: the cache that it lives in. */
export function groupOf(key: string): string {
  return key.slice(0, key.indexOf(':'))
}
