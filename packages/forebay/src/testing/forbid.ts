/** What a world may not touch: time and chance that would differ from run to run. */
const forbidden: readonly (readonly [owner: object, name: string])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [performance, 'now'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
]

/** Makes real time and real chance throw until the returned function is called. */
export function forbidRealTime(): () => void {
  const originals = forbidden.map(([owner, name]) => [owner, name, Object.getOwnPropertyDescriptor(owner, name)] as const)
  for (const [owner, name] of forbidden) {
    const refuse = () => {
      throw new Error(`${name} was called inside a simulated world; use the clock and the random source that were injected`)
    }
    Object.defineProperty(owner, name, { value: refuse, configurable: true, writable: true })
  }
  return () => {
    for (const [owner, name, original] of originals) {
      if (original === undefined) Reflect.deleteProperty(owner, name)
      else Object.defineProperty(owner, name, original)
    }
  }
}
