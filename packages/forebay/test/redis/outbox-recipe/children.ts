import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { compilePrograms, type Programs } from '../programs.js'
import type { Plan, Said } from './messages.js'

export type Role = 'writer' | 'relay' | 'publisher'
const roles: readonly Role[] = ['writer', 'relay', 'publisher']

/** One process, what it says, and its end. */
export class Child {
  readonly process: ChildProcess
  /** Resolves with the signal that ended it, or its exit code, when everything that it said has been heard. */
  readonly ended: Promise<string | number>
  readonly #ready: Promise<void>

  constructor(program: string, plan: Plan, hear: (said: Said) => void) {
    this.process = fork(program, [JSON.stringify(plan)], { execArgv: [] })
    this.process.on('message', hear)
    this.process.on('error', () => {}) // a message to one who has just died
    const exit = new Promise<string | number>((resolve) => {
      this.process.once('exit', (code, signal) => resolve(signal ?? code ?? 'nothing'))
    })
    const silence = new Promise<void>((resolve) => void this.process.once('disconnect', resolve))
    this.ended = silence.then(() => exit)
    this.#ready = this.says('ready')
    this.#ready.catch(() => {}) // asked for by `ready`
  }

  /** Resolves when it has started; rejects if it ended instead. */
  get ready(): Promise<void> {
    return this.#ready
  }

  /** Resolves when it says this; rejects if it ends before. */
  says(is: Said['is']): Promise<void> {
    return new Promise((resolve, reject) => {
      const hear = (said: Said): void => {
        if (said.is !== is) return
        this.process.off('message', hear)
        resolve()
      }
      this.process.on('message', hear)
      void this.ended.then((how) => reject(new Error(`the process ended (${how}) before it said '${is}'`)))
    })
  }

  /** Tells it what to do; one who is dead does not mind. */
  tell(message: object | string): void {
    if (this.process.connected) this.process.send(message, () => {})
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }
}

/** Compiles the programs, once for all tests. */
export function compile(): Promise<Programs<Role>> {
  return compilePrograms(fileURLToPath(new URL('./', import.meta.url)), roles)
}
