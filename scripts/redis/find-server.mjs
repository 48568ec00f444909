// Where the redis-server of the tests comes from: an environment variable, the PATH, or Debian's package.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['redis-server', 'valkey-server']

// A policy-rc.d that answers 101 is Debian's way to install a service without starting it; one that is already there is left alone.
const INSTALL = `set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends redis-server`

/**
 * The path of a Redis or Valkey server, or undefined.
 * @returns {string | undefined}
 */
export function findServer() {
  const named = process.env.FOREBAY_REDIS_SERVER
  if (named) {
    if (isExecutable(named)) return named
    throw new Error(`FOREBAY_REDIS_SERVER names ${named}, which is not an executable file`)
  }
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  for (const name of NAMES) {
    const found = folders.map((folder) => join(folder, name)).find(isExecutable)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Finds a server, or installs Debian's where that needs no password; otherwise throws one line that says how to get one.
 * @returns {string}
 */
export function ensureServer() {
  const found = findServer()
  if (found !== undefined) return found
  const root = rootCommand()
  if (root !== undefined) {
    console.log('no redis-server found: installing the package redis-server (its service is not started)')
    const [program = 'sh', ...args] = [...root, 'sh', '-c', INSTALL]
    const done = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    const installed = findServer()
    if (installed !== undefined) return installed
    console.error(`${done.stdout ?? ''}${done.stderr ?? ''}`)
  }
  throw new Error('The tests need a Redis or Valkey server: put redis-server on the PATH, or name one in FOREBAY_REDIS_SERVER.')
}

/**
 * What to put before a command so that it runs as root without a password, or undefined where there is no way (or no apt).
 * @returns {string[] | undefined}
 */
function rootCommand() {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined
  if (process.getuid?.() === 0) return []
  const sudo = ['sudo', '-n', 'DEBIAN_FRONTEND=noninteractive']
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? sudo : undefined
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false // not there, or not ours to run: either way not a server
  }
}
