import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { type Journal, journalHead, journalMark } from '../core/journal.js'

/**
 * Outboxes as files of one directory, one for each process.
 *
 * There is no lock and nobody asks who still lives: process ids repeat, and in containers all are 1. Whoever starts takes over the files of all
 * the others. Where one of them is alive after all, both send the same invalidations, which harms nobody; from then on it keeps what it
 * adds in a new file. A file changes its owner by being renamed, which exactly one can do. After each line the owner looks whether the
 * file that it has written to is still its own, so that no line is added to what somebody else has already read.
 *
 * What is written is with the operating system, not on the disk: it survives the process however that ends, not a power failure.
 */
export interface OutboxDirectory {
  readonly directory: string
  readonly service: string
  /** Names this process; nobody else has it. */
  readonly id: string
}

/** Opens the outbox of this process; throws `E_OPTION` where files cannot be kept there. */
export function openOutboxDirectory(place: OutboxDirectory): Journal {
  const { directory, service } = place
  asOption(directory, () => {
    makeDirectory(directory)
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    for (const name of left(place)) refuseForeign(join(directory, name))
  })
  return new OutboxFile(place, join(directory, `${service}.${place.id}${ending}`))
}

const ending = '.outbox'
/** An outbox that is written anew, until it takes the place of the old one. */
const nextEnding = `${ending}.next`
/** Nobody writes for so long: whoever did has died over it. */
const abandonedMs = 60_000

class OutboxFile implements Journal {
  readonly #place: OutboxDirectory
  readonly #own: string
  #open: { readonly descriptor: number; readonly inode: number } | undefined

  constructor(place: OutboxDirectory, own: string) {
    this.#place = place
    this.#own = own
  }

  takeOver(keep: (texts: readonly string[]) => void): void {
    const { directory, service, id } = this.#place
    const taken: string[] = []
    const others: string[] = []
    for (const [i, name] of left(this.#place).entries()) {
      const [file, own] = [join(directory, name), join(directory, `${service}.${id}-${i}${ending}`)]
      const became = renamed(file, own)
      if (became === 'ours') taken.push(own)
      if (became === 'not ours') others.push(file) // another user's: sent once more by each who starts
    }
    keep([...taken, ...others].map(textOf))
    for (const file of taken) rmSync(file, { force: true })
    removeUnfinished(this.#place)
  }

  append(lines: string): void {
    const { descriptor, inode } = this.#opened()
    writeFileSync(descriptor, lines)
    if (statSync(this.#own, { throwIfNoEntry: false })?.ino === inode) return
    this.close()
    this.append(lines)
  }

  replace(lines: string): void {
    this.close()
    if (lines === '') return rmSync(this.#own, { force: true })
    const next = this.#own.slice(0, -ending.length) + nextEnding
    const text = journalHead(this.#place.service) + lines
    try {
      writeFileSync(next, text, { mode })
      if (renamed(next, this.#own) === 'ours') return
      writeFileSync(next, text, { mode }) // suspended in between, and taken for dead: it was removed
      renameSync(next, this.#own)
    } catch (error) {
      rmSync(next, { force: true })
      throw error
    }
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor)
    this.#open = undefined
  }

  #opened(): { readonly descriptor: number; readonly inode: number } {
    if (this.#open !== undefined) return this.#open
    const descriptor = openSync(this.#own, 'a', mode)
    const { ino, size } = fstatSync(descriptor)
    this.#open = { descriptor, inode: ino }
    if (size === 0) writeFileSync(descriptor, journalHead(this.#place.service))
    return this.#open
  }
}

/** Keys may name customers. */
const mode = 0o600

/** The outboxes of this service that lie there. */
function left({ directory, service }: OutboxDirectory, tail = ending): readonly string[] {
  return readdirSync(directory).filter((name) => {
    const id = name.startsWith(`${service}.`) && name.endsWith(tail) ? name.slice(service.length + 1, -tail.length) : ''
    return /^[\w-]+$/.test(id)
  })
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    readdirSync(directory) // a file of that name is told as what it is
  }
}

/** Nothing of anybody else's is ever taken away. */
function refuseForeign(file: string): void {
  if (!isOutbox(textOf(file))) throw new Error(`${file} is no outbox of ours`)
}

/** What a power failure has left of a file of ours is nothing, or zeros. */
function isOutbox(text: string): boolean {
  const start = text.slice(0, journalMark.length)
  return journalMark.startsWith(start) || /^\0+$/.test(start)
}

/** Takes away what was never finished. Nothing is lost: it would have taken the place of an outbox that still lies there. */
function removeUnfinished(place: OutboxDirectory): void {
  for (const name of left(place, nextEnding)) {
    const file = join(place.directory, name)
    try {
      const isOld = Date.now() - statSync(file).mtimeMs > abandonedMs
      if (isOld && isOutbox(readFileSync(file, 'utf8'))) rmSync(file)
    } catch {
      // gone by now, or another user's, whose next start removes it
    }
  }
}

/** Gives a file this name; `gone`: somebody else was quicker. */
function renamed(file: string, name: string): 'ours' | 'not ours' | 'gone' {
  try {
    renameSync(file, name)
    return 'ours'
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'gone' : 'not ours'
  }
}

/** What cannot be read counts as damaged. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? '' : '\0'
  }
}

function asOption(directory: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new ForebayError('E_OPTION', `outbox.directory is ${show(directory)}; a directory in which files can be kept: ${words}`)
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
