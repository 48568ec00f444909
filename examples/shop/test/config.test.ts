import { expect, test } from 'vitest'
import { ConfigError, readConfig } from '../src/config.js'

test('without settings the shop is at 127.0.0.1:3000, without Redis, its data beside it', () => {
  const { dataDir, ...rest } = readConfig({})
  expect(rest).toEqual({ port: 3000, host: '127.0.0.1', redisUrl: undefined })
  expect(dataDir).toMatch(/shop[\\/]data$/)
})

test('every setting can be given', () => {
  expect(readConfig({ PORT: '0', HOST: '::', REDIS_URL: 'rediss://:secret@cache:6380/1', DATA_DIR: '/srv/shop' })).toEqual({
    port: 0,
    host: '::',
    redisUrl: 'rediss://:secret@cache:6380/1',
    dataDir: '/srv/shop',
  })
})

test.each([
  { PORT: '' },
  { PORT: 'http' },
  { PORT: '65536' },
  { PORT: '-1' },
  { HOST: ' ' },
  { DATA_DIR: '' },
  { REDIS_URL: '' },
  { REDIS_URL: 'localhost:6379' },
  { REDIS_URL: 'http://localhost' },
])('%o is refused in one line that names the variable', (env) => {
  const [name = ''] = Object.keys(env)
  expect(() => readConfig(env)).toThrow(ConfigError)
  expect(() => readConfig(env)).toThrow(new RegExp(`^${name} .*\\.$`))
})

test('a URL that is refused is not repeated, for it may hold a password', () => {
  expect(() => readConfig({ REDIS_URL: 'http://:secret@cache' })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('secret') }),
  )
})
