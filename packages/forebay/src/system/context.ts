import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallContext } from '../core/context.js'

/** Runs work outside every caller's async context: background work must not carry one request's identity. */
export function outsideCallers(): <T>(work: () => T) => T {
  return AsyncLocalStorage.snapshot()
}

/**
 * Whether a value in the caller's async context costs next to nothing: since Node 24 contexts are the engine's own. Before, the first one
 * in a process makes each promise in it dearer, and an awaited hit in memory about twice as dear.
 */
export function contextsAreCheap(): boolean {
  return Number.parseInt(process.versions.node, 10) >= 24
}

/** A value in the caller's async context. Costs nothing before its first `run`. */
export function openContext<T>(): CallContext<T> {
  const storage = new AsyncLocalStorage<T>()
  return { run: (value, work) => storage.run(value, work), current: () => storage.getStore() }
}
