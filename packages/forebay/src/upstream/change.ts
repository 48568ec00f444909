import type { Key } from '../engine/public.js'

/** Something that was committed upstream: a row of an outbox, an event of a change stream, a message of a queue. */
export interface Change {
  /**
   * Names this change, and no other: a row of the outbox, a place in a log, never the key of what was changed. A change whose id has been
   * dealt with is not dealt with again. Without an id it always is, which is only more work.
   */
  readonly id?: string | number | bigint | undefined
}

/** What a change makes invalid: a key, the entries with a tag (in one cache or in all), or a whole cache. */
export type Invalidation =
  | { readonly cache: string; readonly key: Key }
  | { readonly cache?: string | undefined; readonly tags: readonly string[] }
  | { readonly cache: string; readonly clear: true }

/**
 * Hands over a change. Resolves when it may be confirmed upstream: its invalidations have been acknowledged by Redis, or it was parked.
 * Rejects when it must not be: following was stopped before, or it could not be parked.
 */
export type Deliver<C extends Change> = (change: C) => Promise<void>

/** What a source is given. */
export interface Feed<C extends Change> {
  readonly deliver: Deliver<C>
  /** Tells `onError` of trouble with the source itself. Never throws. */
  readonly failed: (error: unknown) => void
}

/** Where changes come from. The order in which they are delivered does not matter: invalidations commute. */
export interface ChangeSource<C extends Change> {
  /** Begins to deliver. The function it returns ends that, and resolves when nothing will be delivered or confirmed any more. */
  start(feed: Feed<C>): () => void | PromiseLike<void>
}
