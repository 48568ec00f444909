import { AsyncLocalStorage } from 'node:async_hooks'

/** Runs work outside every caller's async context: background work must not carry one request's identity. */
export function outsideCallers(): <T>(work: () => T) => T {
  return AsyncLocalStorage.snapshot()
}
