// Starts real Redis servers for tests, each on its own port and in its own temporary folder, and ends exactly those.
//
// A server must not outlive the process that started it, however that process dies. Three nets, from kind to blunt: `stop()`, a
// handler on exit and on signals, and a guard beside each server: a shell that blocks on a pipe from us and kills its one server
// when the pipe breaks, which happens even when we are killed with SIGKILL.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../until.mjs'
import { findServer } from './find-server.mjs'
import { command } from './resp.mjs'

// Below the range that the kernel hands out to clients, and low enough that a cluster bus fits at port + 10000.
const FIRST_PORT = 20_000
const PORTS = 12_000
const BUS_OFFSET = 10_000
const START_TRIES = 5
const GRACE_MS = 2_000

/**
 * @typedef {object} StartOptions
 * @property {number | undefined} [port] a free one on the loopback interface when not given
 * @property {readonly string[] | undefined} [args] more arguments, after ours
 * @property {string | undefined} [config] lines of a file of its own, for what a server must be able to rewrite
 * @property {string | undefined} [dir] its working folder; a temporary one, removed on stop, when not given
 */

/** @type {Set<RedisServer>} */
const running = new Set()

/** One server process at a time on one port; a restart keeps port, folder and arguments. */
export class RedisServer {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #guard
  /** @type {string} */
  #program
  /** @type {readonly string[]} */
  #args
  /** @type {string | undefined} */
  #config
  /** @type {boolean} */
  #ownsDir

  /**
   * @param {string} program
   * @param {number} port
   * @param {StartOptions} options
   */
  constructor(program, port, options) {
    this.#program = program
    this.#args = options.args ?? []
    this.#config = options.config
    this.#ownsDir = options.dir === undefined
    this.port = port
    this.url = `redis://127.0.0.1:${port}`
    this.dir = options.dir ?? mkdtempSync(join(tmpdir(), 'forebay-redis-'))
  }

  /** Process id of the running server; 0 while there is none. */
  get pid() {
    return this.#process?.pid ?? 0
  }

  /** Starts the process and resolves once it answers PING; rejects with its last lines when it ends instead. */
  async start() {
    mkdirSync(this.dir, { recursive: true })
    const log = openSync(join(this.dir, 'server.log'), 'a')
    const fixed = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.dir, '--save', '', '--appendonly', 'no']
    const child = spawn(this.#program, [...this.#configFile(), ...fixed, ...this.#args], { stdio: ['ignore', log, log] })
    closeSync(log)
    child.unref()
    /** @type {Error | undefined} */
    let startError
    child.on('error', (error) => {
      startError = error
    })
    child.on('exit', () => this.#forget(child))
    this.#process = child
    this.#guard = guard(child.pid, this.#ownsDir ? this.dir : undefined)
    watch(this)
    const ended = () => startError !== undefined || child.exitCode !== null || child.signalCode !== null
    await until(`a server on port ${this.port}`, async () => ended() || (await command(this.port, 'PING')) === 'PONG')
    if (ended()) throw new Error(`the server on port ${this.port} ended at once:\n${this.log()}`, { cause: startError })
  }

  /** The name of its file, which is written once: a restart finds what the server has made of it. */
  #configFile() {
    if (this.#config === undefined) return []
    const file = join(this.dir, 'server.conf')
    if (!existsSync(file)) writeFileSync(file, this.#config)
    return [file]
  }

  /** The last lines of the server's log. */
  log() {
    return readFileSync(join(this.dir, 'server.log'), 'utf8').split('\n').slice(-12).join('\n')
  }

  /**
   * Sends one command to the server, over a connection of its own.
   * @param {...(string | number)} words
   */
  command(...words) {
    return command(this.port, ...words)
  }

  /**
   * Ends the process with a signal (SIGKILL when not given: a crash) and resolves when it is gone; the folder stays.
   * @param {NodeJS.Signals} [signal]
   */
  async kill(signal = 'SIGKILL') {
    const child = this.#process
    if (child === undefined) return
    const gone = once(child, 'exit')
    const giveUp = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
    child.kill(signal)
    child.kill('SIGCONT') // a paused process would sit on any signal but SIGKILL
    child.ref()
    await gone
    clearTimeout(giveUp)
  }

  /** Ends the server and removes its folder if we made it. */
  async stop() {
    await this.kill('SIGTERM')
    this.#removeDir()
    running.delete(this)
  }

  /** Freezes the process: connections stay open, nothing answers. */
  pause() {
    this.#process?.kill('SIGSTOP')
  }

  /** Lets a paused process go on. */
  resume() {
    this.#process?.kill('SIGCONT')
  }

  /** Kills the process if it runs and starts it again on the same port, empty unless its arguments keep a dump. */
  async restart() {
    await this.kill()
    await this.start()
  }

  /** The end without waiting, for a process that is itself about to end. */
  endNow() {
    this.#process?.kill('SIGKILL')
    this.#removeDir()
  }

  /** @param {import('node:child_process').ChildProcess} child */
  #forget(child) {
    if (this.#process !== child) return
    this.#guard?.kill('SIGKILL')
    this.#guard = undefined
    this.#process = undefined
  }

  #removeDir() {
    if (this.#ownsDir) rmSync(this.dir, { recursive: true, force: true })
  }
}

/**
 * Starts a server and resolves once it answers.
 * @param {StartOptions} [options]
 * @returns {Promise<RedisServer>}
 */
export async function startRedis(options = {}) {
  const program = findServer()
  if (program === undefined) throw new Error('no redis-server here; ensureServer() gets one')
  for (let tried = 1; ; tried++) {
    const server = new RedisServer(program, options.port ?? (await freePort()), options)
    try {
      await server.start()
      return server
    } catch (error) {
      await server.stop()
      // Two suites may pick the same free port at the same moment; any other failure would only repeat itself.
      const portTaken = error instanceof Error && error.message.includes('in use')
      if (!portTaken || options.port !== undefined || tried === START_TRIES) throw error
    }
  }
}

/**
 * A loopback port that is free, and whose cluster bus port is free too.
 * @returns {Promise<number>}
 */
export async function freePort() {
  return until('a free port', async () => {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    return (await isFree(port)) && (await isFree(port + BUS_OFFSET)) ? port : 0
  })
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/**
 * The shell that ends one server when our end of its pipe is gone. It is killed before its server's id can be anybody else's.
 * @param {number | undefined} pid
 * @param {string | undefined} dir
 */
function guard(pid, dir) {
  if (pid === undefined || process.platform === 'win32') return undefined
  const script = 'read -r _; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2"'
  // Its own process group: the Ctrl-C that ends us must not end it first.
  const shell = spawn('/bin/sh', ['-c', script, 'guard', `${pid}`, dir ?? ''], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  const pipe = /** @type {import('node:net').Socket} */ (shell.stdin)
  pipe.on('error', () => {}) // the guard was killed together with its pipe: that is its normal end
  pipe.unref()
  return shell
}

let watching = false

/** @param {RedisServer} server */
function watch(server) {
  running.add(server)
  if (watching) return
  watching = true
  const endAll = () => {
    for (const each of running) each.endNow()
  }
  process.once('exit', endAll)
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      endAll()
      // With nobody else listening the signal should do what it would have done without us.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    })
  }
}
