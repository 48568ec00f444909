// A fresh clone installs itself on its first command, and a clone that has moved on installs what is new.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './command.mjs'
import { ROOT } from './root.mjs'
import { readJson, workspaces } from './workspaces.mjs'

/** @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} Locked */

/** Makes node_modules match package-lock.json, saying so in one line when there is something to do. */
export async function ensureInstalled() {
  const missing = whatIsMissing()
  if (missing === undefined) return
  console.log(`installing packages (${missing})`)
  // `npm ci` begins by deleting node_modules, so it is for a clone that has none. It refuses a lock file that was written where the
  // registry lacks some platform's optional binaries; `npm install` takes the same versions from the same file and only adds.
  if (!existsSync(join(ROOT, 'node_modules')) && (await npm('ci')).code === 0) return
  const { code, output } = await npm('install')
  if (code !== 0) throw new Error(`npm could not install the packages:\n${output}`)
}

/** @param {'ci' | 'install'} verb */
function npm(verb) {
  return run('npm', [verb, '--no-audit', '--no-fund'])
}

/**
 * The first thing that the lock file names and node_modules lacks. Contents are compared, not times: a checkout touches files.
 * @returns {string | undefined}
 */
function whatIsMissing() {
  const installedList = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(installedList)) return 'none are there yet'
  const stranger = workspaces().find(({ name }) => !existsSync(join(ROOT, 'node_modules', name)))
  if (stranger !== undefined) return `${stranger.dir} is new`
  /** @type {Record<string, Locked>} */
  const wanted = readJson(join(ROOT, 'package-lock.json')).packages
  /** @type {Record<string, Locked>} */
  const installed = readJson(installedList).packages
  for (const [path, entry] of Object.entries(wanted)) {
    const skipped = !path.includes('node_modules/') || entry.optional || entry.devOptional || entry.link
    if (!skipped && installed[path]?.version !== entry.version) return `${path} ${entry.version}`
  }
  return undefined
}
