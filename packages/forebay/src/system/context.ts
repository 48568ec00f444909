import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallContext } from '../core/context.js'

/** Runs work outside every caller's async context: background work must not carry one request's identity. */
export function outsideCallers(): <T>(work: () => T) => T {
  return AsyncLocalStorage.snapshot()
}

/** A value in the caller's async context. Costs nothing before its first `run`. */
export function openContext<T>(): CallContext<T> {
  const storage = new AsyncLocalStorage<T>()
  return { run: (value, work) => storage.run(value, work), current: () => storage.getStore() }
}
