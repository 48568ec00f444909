import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The peers, pinned. They are installed when first measured, into a folder that is not part of the repository. */
const dependencies = {
  bentocache: '1.6.1',
  cacheable: '2.5.0',
  'cache-manager': '7.2.9',
  '@keyv/redis': '5.1.6',
  keyv: '5.6.0',
  ioredis: '5.11.1',
}

const folder = fileURLToPath(new URL('../node_modules/.cache/peers', import.meta.url))

/** Installs the peers unless they are there; `undefined` where npm cannot, which is told and no failure of ours. */
export function installPeers(): string | undefined {
  const wanted = JSON.stringify({ private: true, type: 'module', dependencies })
  const stamp = join(folder, `${Buffer.from(wanted).toString('base64url').slice(-24)}.installed`)
  if (existsSync(stamp)) return folder
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), wanted)
  // A module's own folder decides where its imports come from.
  writeFileSync(join(folder, 'load.mjs'), 'export const load = (name) => import(name)\n')
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, encoding: 'utf8' })
  if (status === 0) {
    writeFileSync(stamp, '')
    return folder
  }
  console.error(`the peers cannot be installed, so their rows are left out:\n${stderr.trim()}`)
  return undefined
}

/** Imports a module of the peers' folder. */
export async function loadPeer<T>(peers: string, name: string): Promise<T> {
  const { load } = (await import(pathToFileURL(join(peers, 'load.mjs')).href)) as { load: (name: string) => Promise<unknown> }
  return (await load(name)) as T
}
