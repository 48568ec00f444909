import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

/** @typedef {{ name: string, dir: string, path: string }} Workspace dir is relative to the root, path absolute */

/**
 * Every workspace that is there, in the order of package.json, which is the order they build in: libraries before their users.
 * @returns {Workspace[]}
 */
export function workspaces() {
  /** @type {string[]} */
  const patterns = readJson(join(ROOT, 'package.json')).workspaces
  return patterns
    .flatMap((pattern) => (pattern.endsWith('/*') ? children(pattern.slice(0, -2)) : [pattern]))
    .map((dir) => ({ dir, path: join(ROOT, dir) }))
    .filter(({ path }) => existsSync(join(path, 'package.json')))
    .map(({ dir, path }) => ({ name: readJson(join(path, 'package.json')).name, dir, path }))
}

/** @param {string} folder */
function children(folder) {
  if (!existsSync(join(ROOT, folder))) return []
  const names = readdirSync(join(ROOT, folder)).sort()
  return names.map((name) => `${folder}/${name}`)
}

/** @param {string} path */
export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
