import { isAway } from '../core/errors.js'
import type { SweepRequest } from '../core/far-store.js'

/** Entries that one step of a sweep looks at. */
const entriesAtOnce = 200

/** How a sweep reaches a twin: directly, or over a link. */
export interface Sweepable {
  names(): Promise<readonly string[]>
  /** Answers how many of these were deleted. */
  sweep(names: readonly string[]): Promise<number>
}

/** Sweeps so many entries at a time, with a pause between the steps; ends where the twin cannot be reached. */
export async function sweepTwin(twin: Sweepable, pause: SweepRequest['pause']): Promise<number> {
  let deleted = 0
  try {
    const names = await twin.names()
    for (let at = 0; at < names.length; at += entriesAtOnce) {
      if (at > 0) await pause()
      deleted += await twin.sweep(names.slice(at, at + entriesAtOnce))
    }
  } catch (error) {
    if (!isAway(error)) throw error
  }
  return deleted
}
