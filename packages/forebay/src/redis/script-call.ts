import type { Argument } from './client.js'
import type { Link, Patience } from './link.js'
import { scripts } from './scripts.gen.js'

type Scripts = typeof scripts
export type ScriptName = keyof Scripts

/** A value for each name of the binding block, so that no position can slip. */
export type ScriptKeys<N extends ScriptName> = {
  readonly [K in Scripts[N]['keys'][number] as K extends `...${infer Rest}` ? Rest : K]: K extends `...${string}`
    ? readonly string[]
    : string
}
export type ScriptArguments<N extends ScriptName> = { readonly [K in Scripts[N]['args'][number]]: Argument }

/** Runs a script by its digest. An error is the caller's. */
export function runScript<N extends ScriptName>(
  link: Link,
  name: N,
  keys: ScriptKeys<N>,
  args: ScriptArguments<N>,
  patience: Patience = 'act',
): Promise<unknown> {
  const script = scripts[name]
  const given: Argument[] = [0]
  append(given, script.keys, keys)
  given[0] = given.length - 1
  append(given, script.args, args)
  return link.script(patience, { name, ...script }, given)
}

/** Appends the values of these names; one that begins with dots stands for a list. */
function append(given: Argument[], names: readonly string[], values: { readonly [name: string]: Argument | readonly string[] }): void {
  for (const name of names) {
    if (name.startsWith('...')) given.push(...(values[name.slice(3)] as readonly string[]))
    else given.push((values[name] as Argument | undefined) ?? '')
  }
}
