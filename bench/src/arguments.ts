/** The arguments of a program: `--name value`, or `--name` alone. */
export function parseArguments(args: readonly string[], known: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const name = args[i]?.replace(/^--/, '') ?? ''
    if (!known.includes(name)) throw new Error(`${args[i]} is no argument; there are ${known.map((one) => `--${one}`).join(', ')}`)
    const next = args[i + 1]
    const hasValue = next !== undefined && !next.startsWith('--')
    given.set(name, hasValue ? next : '')
    if (hasValue) i++
  }
  return given
}
