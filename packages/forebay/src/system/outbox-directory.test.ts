import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createForebay } from '../create-forebay.js'
import { journalHead } from '../core/journal.js'
import { openOutboxDirectory } from './outbox-directory.js'

let folder: string
let directory: string
let processes = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forebay-outbox-'))
  directory = join(folder, 'outbox')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (service = 'shop') => openOutboxDirectory({ directory, service, id: `process${processes++}` })
const head = journalHead('shop')

function taken(journal: ReturnType<typeof open>): readonly string[] {
  let found: readonly string[] = []
  journal.takeOver((texts) => {
    found = texts
  })
  return found
}

describe('the outboxes in a directory', () => {
  it('are files that only their owner may read, and are there as soon as a line has been added', () => {
    const journal = open()
    expect(readdirSync(directory)).toEqual([])
    journal.append('one\n')
    journal.append('two\n')
    const [name = ''] = readdirSync(directory)
    expect(readFileSync(join(directory, name), 'utf8')).toBe(`${head}one\ntwo\n`)
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    journal.replace('three\n')
    journal.append('four\n')
    expect(readFileSync(join(directory, name), 'utf8')).toBe(`${head}three\nfour\n`)
    journal.replace('')
    expect(readdirSync(directory)).toEqual([])
    journal.close()
  })

  it('that cannot be taken away are read where they are, and keep nobody from the others', () => {
    const others = Array.from({ length: 11 }, () => open())
    for (const [i, other] of others.entries()) other.append(`${i}\n`)
    const longest = 255 - 'shop.-9.outbox'.length // with one digit more it is no name for a file
    const heir = openOutboxDirectory({ directory, service: 'shop', id: 'x'.repeat(longest) })
    const found = taken(heir)
    expect(new Set(found)).toEqual(new Set(others.map((_, i) => `${head}${i}\n`)))
    expect(readdirSync(directory)).toHaveLength(1)
    for (const other of others) other.close()
  })

  it('are taken over by whoever starts, and forgotten once he has kept them', () => {
    const dead = open()
    dead.append('one\n')
    expect(() =>
      open().takeOver(() => {
        throw new Error('the disk is full')
      }),
    ).toThrow('full')
    const heir = open()
    expect(taken(heir)).toEqual([`${head}one\n`])
    expect(taken(open())).toEqual([])
    expect(readdirSync(directory)).toEqual([])
    dead.close()
  })

  it('are taken over from the living too, who begin a new one: nothing is added to what has been read', () => {
    const one = open()
    one.append('one\n')
    const two = open()
    expect(taken(two)).toEqual([`${head}one\n`])
    one.append('two\n')
    expect(taken(open())).toEqual([`${head}two\n`])
    one.close()
  })

  it('that a crash has left unfinished are removed by whoever starts, but none that may still be written', () => {
    const anHourAgo = Date.now() / 1_000 - 3_600
    const leave = (name: string, text: string, isOld = true): void => {
      writeFileSync(join(directory, name), text)
      if (isOld) utimesSync(join(directory, name), anHourAgo, anHourAgo)
    }
    const heir = open()
    leave('shop.dead.outbox.next', `${head}one\n`)
    leave('shop.empty.outbox.next', '')
    const kept = ['shop.alive.outbox.next', 'shop.diary.outbox.next', 'shop.eu.dead.outbox.next', 'other.dead.outbox.next']
    leave('shop.alive.outbox.next', head, false)
    leave('shop.diary.outbox.next', 'Dear diary')
    leave('shop.eu.dead.outbox.next', head)
    leave('other.dead.outbox.next', head)
    expect(taken(heir)).toEqual([])
    expect(readdirSync(directory).sort()).toEqual(kept.sort())
  })

  it('of other services, and other files, are left alone', () => {
    const other = open('shop.eu')
    other.append('one\n')
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    expect(taken(open())).toEqual([])
    expect(readdirSync(directory).sort()).toEqual(['notes.txt', expect.stringMatching(/^shop\.eu\..*\.outbox$/)])
    other.close()
  })
})

describe('a directory that cannot be used is refused, by its name', () => {
  const create = (outbox: object) => () => createForebay({ service: 'shop', redis: 'redis://127.0.0.1:1', outbox })
  it.each([
    ['a file', () => writeFileSync(directory, ''), 'ENOTDIR'],
    ['in no directory', () => rmSync(folder, { recursive: true }), 'ENOENT'],
    [
      'that holds a file of somebody else under our name',
      () => {
        mkdirSync(directory)
        writeFileSync(join(directory, 'shop.abc.outbox'), 'Dear diary')
      },
      'shop.abc.outbox is no outbox of ours',
    ],
  ])('%s', (_, make, words) => {
    make()
    expect(create({ directory })).toThrow(`E_OPTION: outbox.directory is "${directory}"`)
    expect(create({ directory })).toThrow(words)
  })

  it.each([
    [{ directory: '' }, 'outbox.directory is ""'],
    [{ directory: 7 }, 'outbox.directory is 7'],
    [{ file: '/x' }, 'outbox.file is no option; there are directory, max'],
    [{ max: 0 }, 'outbox.max is 0; a whole number, at least 1'],
    [true, 'outbox is true; an object'],
  ])('%o', (outbox, words) => expect(create(outbox as object)).toThrow(words))

  it('without Redis nothing is looked at: what lies there is for a process that has one', async () => {
    const forebay = createForebay({ service: 'shop', redis: false, outbox: { directory } })
    await forebay.close()
    expect(existsSync(directory)).toBe(false)
  })
})
