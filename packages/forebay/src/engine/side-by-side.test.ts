import { expect, it } from 'vitest'
import { sideBySide } from './side-by-side.js'

it('begins no more than there is to do, however many may go at once', async () => {
  const done: number[] = []
  await sideBySide([1, 2, 3], Number.MAX_SAFE_INTEGER, async (one) => void done.push(one))
  expect(done).toEqual([1, 2, 3])
})
