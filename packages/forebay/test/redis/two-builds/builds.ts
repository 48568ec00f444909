import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transformWithEsbuild } from 'vite'
import { runTool } from '../../../../../scripts/command.mjs'
import type { Acts, Answer, Setting } from './messages.js'

/** Two builds of the library, made from the sources of today, and the program that runs either. */
export interface Builds {
  /** With the layout that the sources say. */
  readonly today: string
  /** The same but for the layout's version, which is `fb2`. */
  readonly future: string
  /** Starts a process with one of them; resolves when its cache is proven. */
  start(setting: Setting): Promise<Running>
  remove(): void
}

const library = fileURLToPath(new URL('../../../', import.meta.url))

export async function makeBuilds(): Promise<Builds> {
  // Inside the package, where a build finds what the package depends on.
  const folder = mkdtempSync(join(library, 'dist.builds-'))
  const [today, future, program] = [join(folder, 'today'), join(folder, 'future'), join(folder, 'child.mjs')]
  const { code, output } = await runTool('tsc', ['-p', join(library, 'tsconfig.build.json'), '--outDir', today])
  if (code !== 0) throw new Error(`the library does not build:\n${output}`)
  cpSync(today, future, { recursive: true })
  changeLayout(future)
  const child = fileURLToPath(new URL('./child.ts', import.meta.url))
  writeFileSync(program, (await transformWithEsbuild(readFileSync(child, 'utf8'), child, { target: 'node20' })).code)
  return {
    today: pathToFileURL(join(today, 'index.js')).href,
    future: pathToFileURL(join(future, 'index.js')).href,
    start: (setting) => start(program, setting),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The layout's version stands in exactly one place, so that a build with another one differs in nothing else. */
function changeLayout(folder: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
  const places = files.flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/\bfb1\b/g)].map(() => file))
  if (places.join() !== join('redis', 'layout.js')) throw new Error(`the layout's version stands in ${places.join(', ')}`)
  const file = join(folder, ...places)
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\bfb1\b/, 'fb2'))
}

/** A running child: its acts, asked from here. */
export type Running = Acts

async function start(program: string, setting: Setting): Promise<Running> {
  const child = fork(program, [JSON.stringify(setting)], { execArgv: [] })
  const ended = once(child, 'exit')
  const waiting = new Map<number, (answer: Answer) => void>()
  const answered = (id: number) => new Promise<Answer>((resolve) => waiting.set(id, resolve))
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  void ended.then(([code, signal]) => {
    for (const [id, resolve] of waiting) resolve({ id, error: `the process has ended (${signal ?? code})` })
  })
  const ask = asker(child, answered)
  const { error } = await answered(0)
  if (error !== undefined) throw new Error(error)
  return {
    read: (book) => ask('read', book),
    peek: (id) => ask('peek', id),
    fence: (book) => ask('fence', book),
    beginLoad: (book) => ask('beginLoad', book),
    endLoad: () => ask('endLoad'),
    storm: (acts) => ask('storm', acts),
    async close() {
      await ask('close')
      child.disconnect()
      await ended
    },
  }
}

function asker(child: ChildProcess, answered: (id: number) => Promise<Answer>) {
  let asked = 0
  return async <T>(act: keyof Acts, argument?: unknown): Promise<T> => {
    asked += 1
    const answer = answered(asked)
    child.send({ id: asked, act, argument })
    const { value, error } = await answer
    if (error !== undefined) throw new Error(error)
    return value as T
  }
}
