import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

/** No step of a check takes this long unless it hangs. */
const LIMIT_MS = 1_020_000
const GRACE_MS = 5_000

/**
 * @typedef {object} RunOptions
 * @property {string | undefined} [cwd] the root of the repository when not given
 * @property {NodeJS.ProcessEnv | undefined} [env] the whole environment
 * @property {boolean | undefined} [show] pass the output on as it comes, instead of keeping it
 * @property {number | undefined} [limitMs] a program that runs longer is ended, and has failed
 */

/**
 * Runs a program to its end and resolves with its exit code and, unless shown, its output. It never rejects: a program that cannot
 * be started has failed like any other.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, args, { cwd = ROOT, env = process.env, show = false, limitMs = LIMIT_MS } = {}) {
  return new Promise((resolve) => {
    const stream = show ? 'inherit' : 'pipe'
    const child = spawn(program, args, { cwd, env: show ? env : withoutColour(env), stdio: ['ignore', stream, stream] })
    let output = ''
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    const timer = setTimeout(() => {
      output += `\nended after ${limitMs / 1000} s\n`
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
    }, limitMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ code: 1, output: `${output}${error.message}\n` })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? 1, output })
    })
  })
}

/**
 * What is kept is read later, perhaps in a file: no escape codes.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function withoutColour(env) {
  const { FORCE_COLOR: _, ...rest } = env
  return { ...rest, NO_COLOR: '1' }
}

/**
 * Runs one of the installed tools with the Node that runs us, which need not be the one on the PATH.
 * @param {string} tool its name in node_modules/.bin
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export function runTool(tool, args, options) {
  return run(process.execPath, [join(ROOT, 'node_modules', '.bin', tool), ...args], options)
}
