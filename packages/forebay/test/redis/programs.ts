import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

export interface Programs<N extends string> {
  /** The file of a program, for `fork`. */
  readonly program: (name: N) => string
  readonly remove: () => void
}

/** Compiles programs for child processes, from the sources of today, into a folder of their own beside the packages they import. */
export async function compilePrograms<N extends string>(folder: string, names: readonly N[]): Promise<Programs<N>> {
  const outDir = mkdtempSync(fileURLToPath(new URL('../../dist.programs-', import.meta.url)))
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { resolve: { conditions: ['forebay-source', 'node', 'import', 'default'] }, noExternal: ['forebay'] },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: false,
      target: 'node20',
      rollupOptions: { input: Object.fromEntries(names.map((name) => [name, join(folder, `${name}.ts`)])), output: { format: 'es' } },
    },
  })
  return { program: (name) => join(outDir, `${name}.js`), remove: () => rmSync(outDir, { recursive: true, force: true }) }
}
