/** A cache as the race drives it, in one worker process. Values are the origin's version numbers. */
export interface Side {
  /** The cached value, or a loaded one. */
  read(key: string, load: () => Promise<number>): Promise<number>
  /** What Redis holds, without this process's memory; `undefined` if nothing, or nothing valid. */
  shared(key: string): Promise<number | undefined>
  /** Removes a value everywhere; resolves when that is acknowledged. */
  invalidate(key: string): Promise<void>
  /** Removes what has this key's tag. */
  invalidateTag(key: string): Promise<void>
  /** What this process's memory serves now. */
  peek(key: string): number | undefined
  /** Fills that came too late and were refused. */
  refused(): number
  close(): Promise<void>
}

export interface SidePlan {
  readonly side: string
  readonly redisUrl: string
  readonly peers: string | undefined
  readonly maxStalenessMs: number
}

export type OpenSide = (plan: SidePlan) => Promise<Side>

/** Where a cache has no such notion. */
export function unsupported(): never {
  throw new Error('this cache cannot do that')
}
