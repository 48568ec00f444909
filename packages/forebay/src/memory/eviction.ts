/** Decides which entry goes. The store tells it of every entry that comes, is used, or goes. */
export interface Eviction {
  add(slot: number, key: string): void
  touch(slot: number): void
  remove(slot: number): void
  /** How often the entry was used since it came; 0 where the policy does not count that. */
  uses(slot: number): number
  /** An entry, still in its place, is about to be so much larger. */
  grow(slot: number, bytes: number): void
  /** The slot whose entry is to go for room; it is still in its place. `noSlot` if there is none. */
  choose(pressure: Pressure, nowMs: number): number
  /** Hears that the entry goes for room, before `remove`. */
  evicted(slot: number): void
}

/** Which bound has been reached. */
export type Pressure = 'entries' | 'bytes'

export interface Room {
  readonly maxEntries: number
  readonly maxBytes: number
}
