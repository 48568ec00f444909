/**
 * The port to a cache's memory in this process: a bounded map with an eviction policy. Whether an entry may still be served is not decided
 * there but by the engine, from what `standing` points to.
 */
export interface NearStore<S> {
  readonly entries: number
  readonly bytes: number
  /** The entry as it is, counted as an access. */
  get(key: string): NearEntry<S> | undefined
  /** Keeps an entry, in place of an older one of the same key; one that is too large is not kept. */
  put(entry: NearEntry<S>): void
  delete(key: string): void
  clear(): void
  /** Entries evicted for room since this was last asked. */
  takeEvicted(): number
}

export interface NearEntry<S> {
  readonly key: string
  readonly value: unknown
  /** What decides about it besides time; the store never looks into it. */
  readonly standing: S
  /** Own monotonic times. */
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
  readonly errorUntilMs: number
  readonly bytes: number
}

export interface NearBounds {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Makes a near store; `onRemoved` hears of every entry that leaves it, for whatever reason. */
export type OpenNearStore = <S>(bounds: NearBounds, onRemoved: (standing: S) => void) => NearStore<S>
