import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cacheOptions } from '../src/config/cache-plan.js'
import { forebayVariables } from '../src/config/environment.js'
import { serviceOptions } from '../src/config/forebay-plan.js'
import { fromEnvironment } from '../src/from-environment.js'
import { clusterOptions, serverOptions } from '../src/redis/options.js'
import { redisVariables } from '../src/redis/redis-environment.js'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/guide/configuration.md', root), 'utf8')
const example = readFileSync(new URL('.env.example', root), 'utf8')

/** What the first column of a section's table names. */
function namesUnder(heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [body = ''] = section.split('\n## ')
  const cells = [...body.matchAll(/^\| (`.*?`) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
}

const whole = (names: readonly string[]) => names.filter((name) => !name.includes('.')).sort()

test('the guide lists every option of createForebay', () => {
  expect(whole(namesUnder('Options of createForebay'))).toEqual([...serviceOptions].sort())
})

test('the guide lists every option of redis', () => {
  expect(whole(namesUnder('Options of redis'))).toEqual([...new Set([...serverOptions, ...clusterOptions])].sort())
})

test('the guide lists every option of a cache, and parts of options that there are', () => {
  const names = namesUnder('Options of a cache')
  expect(whole(names)).toEqual([...cacheOptions].sort())
  for (const part of names.filter((name) => name.includes('.'))) expect(cacheOptions).toContain(part.split('.')[0])
})

test('the guide lists every variable', () => {
  expect(namesUnder('Variables')).toEqual([...redisVariables, ...forebayVariables])
})

test('.env.example shows every variable, and what it shows can be used', () => {
  const shown = [...example.matchAll(/^#? ?((?:REDIS|FOREBAY)_[A-Z_]+)=(\S.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  expect(new Set(shown.map(([name]) => name))).toEqual(new Set([...redisVariables, ...forebayVariables]))
  const usable = shown.filter(([name]) => !name.startsWith('FOREBAY_SEAL_')) // a key that anybody can read would be none
  const byParts = usable.filter(([name]) => name !== 'REDIS_URL' && name !== 'REDIS_PASSWORD_FILE' && name !== 'FOREBAY_REDIS')
  const byUrl = usable.filter(([name]) => !/^REDIS_(HOST|PORT|DB|USERNAME|PASSWORD)$|^FOREBAY_REDIS$/.test(name))
  const bySentinels = [...byUrl, ['REDIS_URL', 'redis+sentinel://127.0.0.1/mymaster']]
  const fromFile = usable.filter(([name]) => !['REDIS_PASSWORD', 'REDIS_URL', 'FOREBAY_REDIS'].includes(name))
  const notOfSentinels = (some: typeof usable) => some.filter(([name]) => !name.startsWith('REDIS_SENTINEL_'))
  for (const some of [notOfSentinels(byParts), notOfSentinels(byUrl), bySentinels, notOfSentinels(fromFile)])
    expect(fromEnvironment(Object.fromEntries(some)).redis).toBeTypeOf('object')
  expect(() => fromEnvironment(Object.fromEntries(shown.filter(([name]) => name.startsWith('FOREBAY_SEAL_'))))).toThrow('E_OPTION')
})
