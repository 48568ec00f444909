import type { Argument } from './client.js'
import { isUnknownScript } from './failure.js'
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

/** Runs a script by its digest; its text is sent only to a server that does not know it. Any other error is the caller's. */
export async function runScript<N extends ScriptName>(
  link: Link,
  name: N,
  keys: ScriptKeys<N>,
  args: ScriptArguments<N>,
  patience: Patience = 'act',
): Promise<unknown> {
  const script = scripts[name]
  const given = inOrder(script.keys, keys)
  const rest = [given.length, ...given, ...inOrder(script.args, args)]
  try {
    return await link.call(patience, 'EVALSHA', [script.sha, ...rest])
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return link.call(patience, 'EVAL', [script.text, ...rest])
  }
}

/** The values of these names; one that begins with dots stands for a list. */
function inOrder(names: readonly string[], values: { readonly [name: string]: Argument | readonly string[] }): Argument[] {
  return names.flatMap((name) => (values[name.replace('...', '')] as Argument | Argument[] | undefined) ?? '')
}
