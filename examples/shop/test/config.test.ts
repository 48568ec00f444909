import { expect, test } from 'vitest'
import { ConfigError, placeOfRedis, readConfig } from '../src/config.js'

test('without settings the shop is at 127.0.0.1:3000, without Redis, its data beside it', () => {
  const { dataDir, ...rest } = readConfig({})
  expect(rest).toEqual({ port: 3000, host: '127.0.0.1', cache: {}, drainMs: 0, adminToken: undefined })
  expect(dataDir).toMatch(/shop[\\/]data$/)
})

test('every setting can be given', () => {
  expect(
    readConfig({
      PORT: '0',
      HOST: '::',
      REDIS_URL: 'rediss://:secret@cache:6380/1',
      DATA_DIR: '/srv/shop',
      DRAIN_SECONDS: '5',
      ADMIN_TOKEN: 'x'.repeat(16),
    }),
  ).toEqual({
    port: 0,
    host: '::',
    cache: { redis: { url: 'rediss://:secret@cache:6380/1' } },
    dataDir: '/srv/shop',
    drainMs: 5_000,
    adminToken: 'x'.repeat(16),
  })
})

test.each([{ PORT: '' }, { PORT: 'http' }, { PORT: '65536' }, { PORT: '-1' }, { HOST: ' ' }, { DATA_DIR: '' }, { ADMIN_TOKEN: 'short' }])(
  '%o is refused in one line that names the variable',
  (env) => {
    const [name = ''] = Object.keys(env)
    expect(() => readConfig(env)).toThrow(ConfigError)
    expect(() => readConfig(env)).toThrow(new RegExp(`^${name} .*\\.$`))
  },
)

test.each([
  { REDIS_URL: '' },
  { REDIS_URL: 'localhost:6379/x' },
  { REDIS_URL: 'http://:secret@cache' },
  { REDIS_PASSWORD: 'secret' },
  { FOREBAY_DEFAULT_TTL: 'long' },
])('%o is refused by the cache, which names the variable and shows no secret', (env) => {
  const [name = ''] = Object.keys(env)
  expect(() => readConfig(env)).toThrow(new RegExp(`^E_OPTION: ${name} (?!.*secret)`))
})

test.each([
  [{}, undefined],
  [{ REDIS_URL: 'redis://ann:se/cr@et@cache:7000/1' }, 'cache:7000'],
  [{ REDIS_URL: 'redis+cluster://:secret@one:1,two:2' }, 'one:1,two:2'],
  [{ REDIS_HOST: 'cache', REDIS_PASSWORD: 'secret' }, 'cache:6379'],
])('of %o the place of Redis is shown without its password', (env, place) => {
  expect(placeOfRedis(readConfig(env).cache)).toBe(place)
})
