/**
 * The port to a cache's memory in this process: a bounded map with an eviction policy. Entries live in slots, and slots in pages of columns,
 * so that an entry costs no object of its own. Whether an entry may still be served is not decided there but by the engine, from the columns.
 */
export interface NearStore<T> {
  readonly entries: number
  readonly bytes: number
  /** The slot of the entry under this key, `noSlot` if there is none. A slot is that entry's until the next `put`, `delete` or `clear`. */
  find(key: string): number
  /** The columns in which this slot's entry is found at `slot & pageMask`. */
  page(slot: number): NearPage<T>
  /** Counts a use of the entry in this slot. */
  touch(slot: number): void
  /** How often the entry in this slot was used since it came; 0 where the policy does not count that. */
  uses(slot: number): number
  /** Whether an entry of this size has room at all. */
  fits(key: string, bytes: number): boolean
  /** Keeps an entry, in place of an older one of the same key; one that is too large is not kept. `nowMs`: or a little before. */
  put(entry: NearEntry<T>, nowMs: number): void
  /** Ends the freshness of the entry in this slot then, if it would end sooner; what is counted from its end moves with it. */
  prolong(slot: number, freshUntilMs: number): void
  delete(key: string): void
  /** Forgets everything at once, and tells nobody of the entries. */
  clear(): void
  /** Entries evicted for room since this was last asked. */
  takeEvicted(): number
}

/** What is to be kept. All times are own monotonic ones. */
export interface NearEntry<T> {
  readonly key: string
  readonly value: unknown
  /** The index of the shard that the key belongs to. */
  readonly shard: number
  /** The arrival at which its flight was registered. */
  readonly bornAt: number
  readonly trustedUntilMs: number
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
  readonly errorUntilMs: number
  /** What it takes, without its key and the store's own cost. */
  readonly bytes: number
  /** `undefined` = none: a page whose entries have no tags has no column for them. */
  readonly tags: T | undefined
}

/**
 * A page of slots, column by column. What is rarely asked for is kept relative to another time and in 32 bits, rounded down: exact for
 * windows of up to four hours and for whole multiples of a second, else too short by less than 1 part in 8 million.
 */
export interface NearPage<T> {
  readonly values: readonly unknown[]
  readonly tags: readonly (T | undefined)[] | undefined
  readonly shards: Readonly<Uint16Array>
  /** May be set to a later arrival, once nothing up to that one concerns the entry. */
  readonly bornAt: Float64Array
  readonly createdMs: Readonly<Float64Array>
  readonly freshUntilMs: Readonly<Float64Array>
  /** After `createdMs`. */
  readonly trustedForMs: Readonly<Float32Array>
  /** After `freshUntilMs`. */
  readonly staleForMs: Readonly<Float32Array>
  /** After `freshUntilMs`. */
  readonly errorForMs: Readonly<Float32Array>
  /** Uses since the entry came or was last given a chance, for policies that only count them. */
  readonly uses: Uint8Array
}

/** Uses that are counted: under S3-FIFO an entry that was used often survives as many rounds of the main queue. */
const mostUses = 3

/** Counts a use of an entry. */
export function countUse(uses: Uint8Array, i: number): void {
  const counted = uses[i] as number
  if (counted < mostUses) uses[i] = counted + 1
}

export const noSlot = -1
export const slotsPerPage = 512
export const pageMask = slotsPerPage - 1

export interface NearBounds {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly policy: EvictionPolicy
}

/** Which entry goes when there is no room: `s3fifo` resists scans, `lru` is the least recently used, `lfu` the least often used. */
export type EvictionPolicy = 's3fifo' | 'lru' | 'lfu'

/** Makes a near store; `onRemoved` hears of every entry that leaves it in any way but `clear`. */
export type OpenNearStore = <T>(bounds: NearBounds, onRemoved: (key: string, tags: T | undefined) => void) => NearStore<T>
