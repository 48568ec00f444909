// Builds every workspace that has a tsconfig.build.json and whose sources are newer than its dist.
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from './bundle.mjs'
import { runTool } from './command.mjs'
import { ensureInstalled } from './install.mjs'
import { ROOT } from './root.mjs'
import { workspaces } from './workspaces.mjs'

/** @typedef {import('./workspaces.mjs').Workspace} Workspace */

/**
 * Brings the builds up to date: the libraries, then those of their users that are named (all when none is).
 * @param {readonly string[]} [dirs] workspaces by folder, as in `examples/shop`
 * @returns {Promise<string[]>} the folders that were built
 */
export async function build(dirs) {
  const buildable = workspaces().filter(({ path }) => existsSync(join(path, 'tsconfig.build.json')))
  const wanted = buildable.filter((one) => isLibrary(one) || dirs === undefined || dirs.includes(one.dir))
  const built = []
  let libraryBuiltMs = 0
  for (const one of wanted) {
    const neededMs = Math.max(newestMs(join(one.path, 'src')), newestConfigMs(one), libraryBuiltMs)
    if (builtMs(one) <= neededMs) {
      await buildOne(one)
      built.push(one.dir)
    }
    if (isLibrary(one)) libraryBuiltMs = Math.max(libraryBuiltMs, builtMs(one))
  }
  return built
}

/** @param {Workspace} workspace */
function isLibrary({ dir }) {
  return dir.startsWith('packages/')
}

/**
 * Emits beside the old dist and swaps: whoever runs the old one meanwhile sees it whole, and no file of a deleted source stays.
 * @param {Workspace} workspace
 */
async function buildOne(workspace) {
  const { path } = workspace
  const startedMs = Date.now()
  const next = join(path, `dist.${process.pid}`)
  try {
    await emit(workspace, next)
  } catch (error) {
    rmSync(next, { recursive: true, force: true })
    throw error
  }
  // The folder's own time says which sources it was made from: those of the moment the build began.
  utimesSync(next, startedMs / 1000, startedMs / 1000)
  rmSync(join(path, 'dist'), { recursive: true, force: true })
  renameSync(next, join(path, 'dist'))
}

/**
 * @param {Workspace} workspace
 * @param {string} outDir
 */
async function emit(workspace, outDir) {
  const { dir, path } = workspace
  const only = isLibrary(workspace) ? ['--emitDeclarationOnly'] : []
  const { code, output } = await runTool('tsc', ['-p', join(path, 'tsconfig.build.json'), '--outDir', outDir, ...only])
  if (code !== 0) throw new Error(`${dir} does not build:\n${output}`)
  if (isLibrary(workspace)) await bundle(path, outDir)
}

/** @param {Workspace} workspace */
function builtMs({ path }) {
  const dist = join(path, 'dist')
  return existsSync(dist) ? statSync(dist).mtimeMs : 0
}

/** @param {Workspace} workspace */
function newestConfigMs({ path }) {
  const files = [join(path, 'package.json'), join(path, 'tsconfig.build.json'), join(ROOT, 'tsconfig.base.json')]
  return Math.max(...files.map((file) => statSync(file).mtimeMs))
}

/**
 * The newest time in a folder; a folder counts too, because a deleted file changes only it.
 * @param {string} folder
 * @returns {number}
 */
function newestMs(folder) {
  const inside = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs
  })
  return Math.max(statSync(folder).mtimeMs, ...inside)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await ensureInstalled()
  const built = await build()
  console.log(built.length === 0 ? 'everything is built already' : `built ${built.join(', ')}`)
}
