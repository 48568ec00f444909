import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ROOT } from './root.mjs'

/**
 * Becomes another Node program as far as the terminal can tell: its input and output are ours, signals go to it, its exit code is ours.
 * @param {readonly string[]} args
 */
export function becomeNode(args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGINT', () => {
    // A terminal sends Ctrl-C to both of us; twice would look like an impatient user.
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  child.on('error', (error) => {
    console.error(error.message)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 1 : constants.signals[signal])))
}
