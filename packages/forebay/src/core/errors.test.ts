import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorTable, ForebayError, isAway, isMisuse } from './errors.js'

const codes = Object.keys(errorTable) as ErrorCode[]
const guide = readFileSync(fileURLToPath(new URL('../../../../docs/guide/errors.md', import.meta.url)), 'utf8')

/** The part of the guide that tells of one code: what the table says, in its words. */
const chapter = (code: ErrorCode): string => {
  const { what, why, todo } = errorTable[code]
  return `### ${code}\n\n${what}\n\n- **Why:** ${why}\n- **What to do:** ${todo}\n`
}

describe('the table of errors', () => {
  it.each(codes)('says in whole sentences what %s is, why it happens and what to do', (code) => {
    const { what, why, todo } = errorTable[code]
    for (const text of [what, why, todo]) expect(text).toMatch(/^[A-Za-z].*[.)]$/s)
  })

  it.each(codes)('is the same in the guide: %s', (code) => {
    expect(guide).toContain(chapter(code))
  })

  it('has no code less or more than the guide, and the same order', () => {
    expect([...guide.matchAll(/^### (\w+)$/gm)].map(([, code]) => code)).toEqual(codes)
  })
})

describe('an error', () => {
  it('carries its code, and begins its message with it', () => {
    const cause = new Error('socket hang up')
    const error = new ForebayError('E_REDIS_AWAY', 'no link', { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'ForebayError', code: 'E_REDIS_AWAY', message: 'E_REDIS_AWAY: no link', cause })
  })

  it('of Redis means that callers are served without it', () => {
    expect(codes.filter((code) => isAway(new ForebayError(code, '')))).toEqual(codes.filter((code) => code.startsWith('E_REDIS_')))
    expect(isAway(new Error('E_REDIS_AWAY'))).toBe(false)
  })

  it('of misuse is never answered with an old value', () => {
    const misuse = codes.filter((code) => isMisuse(new ForebayError(code, '')))
    expect(misuse).toEqual([
      'E_OPTION',
      'E_KEY',
      'E_TAG',
      'E_PATTERN',
      'E_VALUE_UNSUPPORTED',
      'E_VALUE_TOO_LARGE',
      'E_VALUE_SCHEMA',
      'E_LOAD_RECURSIVE',
      'E_NOT_MODIFIED',
    ])
    expect(isMisuse(new TypeError('E_OPTION'))).toBe(false)
  })
})
