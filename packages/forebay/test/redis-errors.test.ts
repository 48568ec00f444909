import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { failureOf, type Reaction, reactionTo } from '../src/redis/failure.js'

const guide = readFileSync(new URL('../../../docs/guide/redis-errors.md', import.meta.url), 'utf8')
const rows = [...guide.matchAll(/^\| `([A-Z].*?)` \| \*\*(\w+)\*\* \|/gm)].map(
  ([, reply = '', reaction = '']) => [reply, reaction] as const,
)

it('the guide lists the replies', () => {
  expect(rows.length).toBeGreaterThan(18)
})

it.each(rows)('the guide says what a link does about %s', (reply, reaction) => {
  const error = Object.assign(new Error(reply), { name: 'ReplyError' })
  expect(reactionTo(failureOf(error))).toBe(reaction === 'nothing' ? ('none' satisfies Reaction) : reaction)
})
