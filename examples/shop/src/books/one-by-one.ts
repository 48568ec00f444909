/** Runs what it is given one after the other: what a write has read is still so when it writes. */
export function oneByOne(): <T>(write: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (write) => {
    const done = last.then(write)
    last = done.catch(() => undefined) // its own caller hears of a failure; the next one goes on
    return done
  }
}
