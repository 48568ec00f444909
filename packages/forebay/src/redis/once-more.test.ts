import { expect, it } from 'vitest'
import { ForebayError } from '../core/errors.js'
import { lateOnesOnceMore, onceMore } from './once-more.js'

const late = new ForebayError('E_REDIS_DEADLINE', 'no answer within 150 ms')
const away = new ForebayError('E_REDIS_AWAY', 'no')

/** Answers in their turn. */
function answers<T>(...list: readonly (T | Error)[]) {
  const asked: unknown[] = []
  const read = async (some?: unknown): Promise<T> => {
    const answer = list[asked.push(some) - 1]
    if (answer instanceof Error || answer === undefined) throw answer
    return answer
  }
  return { asked, read }
}

it('a read that was late is tried once more, and no oftener', async () => {
  const second = answers<string>(late, 'Dune')
  expect(await onceMore(second.read)).toBe('Dune')
  const never = answers<string>(late, away, 'Dune')
  await expect(onceMore(never.read)).rejects.toBe(late)
  expect(never.asked).toHaveLength(2)
})

it('a read that failed otherwise is not', async () => {
  const { read, asked } = answers<string>(away, 'Dune')
  await expect(onceMore(read)).rejects.toBe(away)
  expect(asked).toHaveLength(1)
})

it('of many, those that were late are tried together', async () => {
  const { read, asked } = answers<(string | ForebayError)[]>(['a', late, away, late], ['b', late])
  expect(await lateOnesOnceMore(['1', '2', '3', '4'], read)).toEqual(['a', 'b', away, late])
  expect(asked).toEqual([
    ['1', '2', '3', '4'],
    ['2', '4'],
  ])
  const well = answers<(string | ForebayError)[]>(['a'])
  await lateOnesOnceMore(['1'], well.read)
  expect(well.asked).toHaveLength(1)
})
