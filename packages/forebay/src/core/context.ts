/** A value that follows a call into whatever it awaits. The real one is `AsyncLocalStorage`. */
export interface CallContext<T> {
  /** Runs work with this value in reach. */
  run<R>(value: T, work: () => R): R
  /** The value of the innermost `run` that the caller runs in. */
  current(): T | undefined
}
export type OpenContext = <T>() => CallContext<T>
