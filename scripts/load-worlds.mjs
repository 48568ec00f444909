// Loads the worlds from their TypeScript source, as the tests do.
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

export async function loadWorlds() {
  const entry = fileURLToPath(new URL('../packages/forebay/test/worlds/run.ts', import.meta.url))
  const { module } = await runnerImport(entry, {
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['forebay-source', 'node', 'import'] },
  })
  return module
}
