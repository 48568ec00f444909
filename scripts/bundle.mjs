// Puts a library's modules together: a process that imports it reads a few files instead of two hundred (docs/decisions/0024).
import { join } from 'node:path'
import { readJson } from './workspaces.mjs'

/**
 * Writes one file for each entry that the package exports, and what several of them need into chunks: a class is the same one by whichever
 * entry it comes. Nothing is shortened, so that a stack trace can be read.
 * @param {string} path of the package
 * @param {string} outDir
 */
export async function bundle(path, outDir) {
  const { build } = await import('vite') // not there yet when this file is first loaded
  await build({
    root: path,
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir,
      emptyOutDir: false,
      ssr: true,
      target: 'node20',
      minify: false,
      sourcemap: true,
      rollupOptions: {
        input: entriesOf(path),
        external: (name) => !name.startsWith('.') && !name.startsWith('/'),
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
      },
    },
  })
}

/**
 * The sources of the entries, by where they lie in `dist`.
 * @param {string} path
 * @returns {Record<string, string>}
 */
function entriesOf(path) {
  /** @type {(string | { 'forebay-source': string, default: string })[]} */
  const entries = Object.values(readJson(join(path, 'package.json')).exports)
  return Object.fromEntries(
    entries.flatMap((entry) =>
      typeof entry === 'string' ? [] : [[entry.default.replace(/^\.\/dist\/|\.js$/g, ''), join(path, entry['forebay-source'])]],
    ),
  )
}
