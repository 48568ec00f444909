import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createForebay, type ForebayOptions } from '../src/create-forebay.js'
import { fromEnvironment } from '../src/from-environment.js'
import { parseRedisOption, type RedisOption } from '../src/redis/options.js'

const at = { REDIS_HOST: 'cache' }
const key = Buffer.alloc(32, 7).toString('base64')

/** What the Redis layer makes of it. */
const planOf = (env: Record<string, string>) => parseRedisOption(fromEnvironment(env).redis as RedisOption, { service: 'shop' })

describe('the environment', () => {
  it('with nothing set says nothing, so that what the code says stands', () => {
    expect(fromEnvironment({})).toEqual({})
    expect({ service: 'shop', redis: false, ...fromEnvironment({ PATH: '/bin', FOREBAY_SHARDS: undefined }) }).toEqual({
      service: 'shop',
      redis: false,
    })
  })

  it('names Redis by a URL, or by its parts', () => {
    expect(fromEnvironment({ REDIS_URL: 'redis://cache:7000/2' })).toEqual({ redis: { url: 'redis://cache:7000/2' } })
    const parts = {
      REDIS_HOST: 'cache',
      REDIS_PORT: '7000',
      REDIS_DB: '2',
      REDIS_USERNAME: 'ann',
      REDIS_PASSWORD: ' p:s ',
      REDIS_TLS: 'yes',
    }
    expect(fromEnvironment(parts).redis).toEqual({ host: 'cache', port: 7000, db: 2, username: 'ann', password: ' p:s ', tls: true })
    expect(planOf(at)).toMatchObject({ nodes: [{ host: 'cache', port: 6379 }], db: 0, tls: false, retryOnTimeout: false })
  })

  it('may keep the password in a file, which is read each time it is asked for', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'forebay-environment-')), 'password')
    const found = planOf({ REDIS_URL: 'redis://cache', REDIS_USERNAME: 'ann', REDIS_PASSWORD_FILE: file }).credentials
    expect(found).toMatchObject({ username: 'ann', password: undefined })
    await expect(found.ask?.()).rejects.toThrow('ENOENT')
    writeFileSync(file, ' p:s \n')
    await expect(Promise.resolve(found.ask?.())).resolves.toEqual({ password: ' p:s ' })
    writeFileSync(file, 'new')
    await expect(Promise.resolve(found.ask?.())).resolves.toEqual({ password: 'new' })
    rmSync(dirname(file), { recursive: true })
  })

  it('may keep the password apart from the URL, and a Cluster has only that', () => {
    const credentials = { username: 'ann', password: 'geheim' }
    const login = { REDIS_USERNAME: 'ann', REDIS_PASSWORD: 'geheim' }
    expect(planOf({ ...login, REDIS_URL: 'redis://cache', REDIS_DB: '3', REDIS_TLS: '1' })).toMatchObject({ credentials, db: 3, tls: true })
    expect(
      planOf({ ...login, REDIS_URL: 'redis+sentinel://one,two:7/main/2', REDIS_SENTINEL_PASSWORD: 'auch', REDIS_TLS: '1' }),
    ).toMatchObject({
      credentials,
      db: 2,
      tls: true,
      sentinel: {
        name: 'main',
        nodes: [
          { host: 'one', port: 26_379 },
          { host: 'two', port: 7 },
        ],
        credentials: { password: 'auch' },
        tls: true,
      },
    })
    expect(planOf({ ...login, REDIS_URL: 'redis+cluster://one:7000,two:7001' })).toMatchObject({
      mode: 'cluster',
      credentials,
      nodes: [
        { host: 'one', port: 7000 },
        { host: 'two', port: 7001 },
      ],
    })
  })

  it('sets the deadlines of Redis, and whether late reads are tried again', () => {
    const env = { ...at, REDIS_SOCKET_TIMEOUT: '250ms', REDIS_SOCKET_CONNECT_TIMEOUT: '2000', REDIS_RETRY_ON_TIMEOUT: 'true' }
    expect(planOf(env)).toMatchObject({ deadlines: { readMs: 250, connectMs: 2_000 }, retryOnTimeout: true })
  })

  it('takes a bound of connections that can be kept', () => {
    expect(fromEnvironment({ ...at, REDIS_MAX_CONNECTIONS: '3' })).toEqual({ redis: { host: 'cache', port: 6379 } })
  })

  it('does not take what Kubernetes says of a service called redis, or forebay, for a setting', () => {
    const links = { REDIS_PORT: 'tcp://10.0.0.1:6379', REDIS_SERVICE_HOST: '10.0.0.1', REDIS_PORT_6379_TCP: 'tcp://10.0.0.1:6379' }
    const own = {
      FOREBAY_SERVICE_HOST: '10.0.0.2',
      FOREBAY_PORT: 'tcp://10.0.0.2:80',
      FOREBAY_PORT_80_TCP_ADDR: '10.0.0.2',
      FOREBAY_SERVICE_PORT_HTTP: '80',
    }
    expect(fromEnvironment({ ...links, ...own })).toEqual({})
    expect(fromEnvironment({ ...links, REDIS_HOST: 'cache' }).redis).toEqual({ host: 'cache', port: 6379 })
  })

  it('has a variable for what operators change', () => {
    const env = {
      FOREBAY_SERVICE: 'shop',
      FOREBAY_PROFILE: 'production',
      FOREBAY_DISABLED: '0',
      FOREBAY_REDIS: 'false',
      FOREBAY_SHARDS: '8',
      FOREBAY_OUTBOX_DIRECTORY: '/var/lib/shop/outbox',
      FOREBAY_REDACT_KEYS: 'off',
      FOREBAY_DEFAULT_TTL: '5m',
      FOREBAY_STALE_WHILE_REVALIDATE: '60000',
      FOREBAY_STALE_IF_ERROR: '1d',
      FOREBAY_MAX_STALENESS: '500ms',
      FOREBAY_HARD_TIMEOUT: '10s',
      FOREBAY_ON_OUTAGE: 'serve',
      FOREBAY_MAX_VALUE_BYTES: '1MiB',
      FOREBAY_MEMORY_BYTES: '256 MiB',
      FOREBAY_MEMORY_ENTRIES: '50000',
      FOREBAY_MEMORY_POLICY: 'lru',
      FOREBAY_COMPRESSION: 'brotli',
      FOREBAY_COMPRESSION_THRESHOLD: '8KiB',
      FOREBAY_COMPRESSION_LEVEL: '4',
      FOREBAY_SEAL_KEYS: `may:${key}, june:${key}`,
      FOREBAY_SEAL_USE: 'june',
    }
    const options = fromEnvironment(env)
    expect(options).toEqual({
      service: 'shop',
      profile: 'production',
      disabled: false,
      redis: false,
      shards: 8,
      outbox: { directory: '/var/lib/shop/outbox' },
      redactKeys: false,
      defaults: {
        ttl: 300_000,
        staleWhileRevalidate: 60_000,
        staleIfError: 86_400_000,
        maxStaleness: 500,
        hardTimeout: 10_000,
        onOutage: 'serve',
        maxValueBytes: 2 ** 20,
        memory: { maxBytes: 2 ** 28, maxEntries: 50_000, policy: 'lru' },
        compression: { codec: 'brotli', threshold: 8_192, level: 4 },
        seal: { keys: { may: key, june: key }, use: 'june' },
      },
    })
    expect(() => createForebay(options as ForebayOptions).close()).not.toThrow()
  })

  it('is laid over what the code says, option by option', () => {
    const given = { service: 'shop', defaults: { ttl: '1h', jitter: 0.1, memory: { maxBytes: 1_000 }, compression: 'gzip' } } as const
    const env = { FOREBAY_DEFAULT_TTL: '5m', FOREBAY_MEMORY_ENTRIES: '9', FOREBAY_COMPRESSION_THRESHOLD: '1024' }
    expect(fromEnvironment(env, given)).toEqual({
      service: 'shop',
      defaults: { ttl: 300_000, jitter: 0.1, memory: { maxBytes: 1_000, maxEntries: 9 }, compression: { codec: 'gzip', threshold: 1_024 } },
    })
    expect(fromEnvironment({ FOREBAY_COMPRESSION: 'false' }, given).defaults).toMatchObject({ compression: false })
    expect(fromEnvironment({ FOREBAY_SEAL_KEYS: `may:${key}` }).defaults).toEqual({ seal: { keys: { may: key }, use: 'may' } })
  })
})

describe('a variable that cannot be used', () => {
  it.each<[Record<string, string>, string]>([
    [{ REDIS_URL: '' }, 'REDIS_URL is set but empty'],
    [{ ...at, REDIS_PASSWORD: ' ' }, 'REDIS_PASSWORD is set but empty'],
    [{ REDIS_URL: 'localhost' }, 'REDIS_URL is "localhost"; a URL such as redis://'],
    [{ REDIS_URL: 'redis://a', REDIS_HOST: 'b' }, 'REDIS_HOST is set, and REDIS_URL names the place already'],
    [{ REDIS_URL: 'redis://a', REDIS_PORT: '1' }, 'REDIS_PORT is set, and REDIS_URL names the place already'],
    [{ REDIS_URL: 'redis://:x@a', REDIS_PASSWORD: 'y' }, 'REDIS_PASSWORD is set, and REDIS_URL has a password already'],
    [{ REDIS_URL: 'redis://:x@a', REDIS_PASSWORD_FILE: '/f' }, 'REDIS_PASSWORD_FILE is set, and REDIS_URL has a password already'],
    [{ ...at, REDIS_PASSWORD: 'x', REDIS_PASSWORD_FILE: '/f' }, 'REDIS_PASSWORD_FILE is set, and REDIS_PASSWORD is a password already'],
    [{ REDIS_URL: 'redis://u:x@a', REDIS_USERNAME: 'y' }, 'REDIS_USERNAME is set, and REDIS_URL has a user already'],
    [{ REDIS_URL: 'redis://a/1', REDIS_DB: '1' }, 'REDIS_DB is set, and REDIS_URL has a database already'],
    [{ REDIS_URL: 'rediss://a', REDIS_TLS: 'false' }, 'REDIS_TLS is set, and REDIS_URL begins with rediss already'],
    [{ REDIS_URL: 'redis+cluster://a', REDIS_DB: '1' }, 'REDIS_DB names a database; a Cluster has only 0'],
    [{ REDIS_URL: 'redis+sentinel://a:1' }, 'REDIS_URL is "redis+sentinel://a:1"; a URL such as redis+sentinel://'],
    [{ REDIS_URL: 'redis://a?timeout=1' }, 'REDIS_URL is "redis://a?***"; a URL without a query'],
    [{ ...at, REDIS_SENTINEL_PASSWORD: 'x' }, 'REDIS_SENTINEL_PASSWORD is set, and REDIS_URL does not begin with redis+sentinel://'],
    [{ REDIS_PASSWORD: 'x' }, 'REDIS_PASSWORD is set, and neither REDIS_URL nor REDIS_HOST says where Redis is'],
    [{ ...at, REDIS_PORT: '70000' }, 'REDIS_PORT is "70000"; a whole number from 1 to 65535'],
    [{ ...at, REDIS_DB: '-1' }, 'REDIS_DB is "-1"'],
    [{ ...at, REDIS_TLS: 'maybe' }, 'REDIS_TLS is "maybe"; 1, true, yes, on or 0, false, no, off'],
    [{ ...at, REDIS_SOCKET_TIMEOUT: '5' }, 'REDIS_SOCKET_TIMEOUT is "5"; without a unit that would be milliseconds; say 5ms or 5s'],
    [{ ...at, REDIS_SOCKET_CONNECT_TIMEOUT: 'soon' }, 'REDIS_SOCKET_CONNECT_TIMEOUT is "soon"; a duration is'],
    [{ ...at, REDIS_RETRY_ON_TIMEOUT: '3' }, 'REDIS_RETRY_ON_TIMEOUT is "3"'],
    [{ ...at, REDIS_MAX_CONNECTIONS: '2' }, 'REDIS_MAX_CONNECTIONS is "2"; each process has 3 connections to each node'],
    [{ FOREBAY_TLT: '5m' }, 'FOREBAY_TLT is no variable of Forebay; there are FOREBAY_SERVICE'],
    [{ FOREBAY_PROFILE: 'prod' }, 'FOREBAY_PROFILE is "prod"; local or development or production'],
    [{ FOREBAY_REDIS: 'false', ...at }, 'FOREBAY_REDIS is "false", and REDIS_URL or REDIS_HOST is set'],
    [{ FOREBAY_REDIS: 'true' }, 'FOREBAY_REDIS is "true"; REDIS_URL or REDIS_HOST says where'],
    [{ FOREBAY_DEFAULT_TTL: '300' }, 'FOREBAY_DEFAULT_TTL is "300"; without a unit that would be milliseconds; say 300ms or 300s'],
    [{ FOREBAY_DEFAULT_TTL: '' }, 'FOREBAY_DEFAULT_TTL is set but empty'],
    [{ FOREBAY_SHARDS: '0' }, 'FOREBAY_SHARDS is "0"; a whole number from 1 to 1024'],
    [{ FOREBAY_MEMORY_BYTES: '64MB' }, 'FOREBAY_MEMORY_BYTES is "64MB"; bytes, or a number with its unit'],
    [{ FOREBAY_MEMORY_BYTES: '0' }, 'FOREBAY_MEMORY_BYTES is "0"; at least 1'],
    [{ FOREBAY_COMPRESSION: 'zip' }, 'FOREBAY_COMPRESSION is "zip"; false or gzip or brotli or zstd'],
    [{ FOREBAY_COMPRESSION_THRESHOLD: '1' }, 'FOREBAY_COMPRESSION_THRESHOLD is set, and nothing is compressed'],
    [
      { FOREBAY_COMPRESSION: 'gzip', FOREBAY_COMPRESSION_LEVEL: '11' },
      'FOREBAY_COMPRESSION_LEVEL: compression.level is 11; a whole number from 1 to 9',
    ],
    [{ FOREBAY_SEAL_USE: 'may' }, 'FOREBAY_SEAL_USE is set, and FOREBAY_SEAL_KEYS has no keys'],
    [{ FOREBAY_SEAL_KEYS: `a:${key},b:${key}` }, 'FOREBAY_SEAL_USE is missing'],
    [{ FOREBAY_SEAL_KEYS: `a:${key},a:${key}` }, 'FOREBAY_SEAL_KEYS names a key twice'],
    [{ FOREBAY_SEAL_KEYS: `a:${key}`, FOREBAY_SEAL_USE: 'b' }, 'FOREBAY_SEAL_KEYS: seal.use names no key'],
    [{ FOREBAY_SEAL_KEYS: key }, 'FOREBAY_SEAL_KEYS'],
  ])('%j is refused, and says why', (env, message) => {
    expect(() => fromEnvironment(env)).toThrow(/^E_OPTION: /)
    expect(() => fromEnvironment(env)).toThrow(message)
  })

  it('is not shown where it is, or holds, a secret', () => {
    for (const env of [
      { REDIS_URL: 'redis://ann:geheim@/x' },
      { REDIS_URL: 'http://:geheim@cache' },
      { REDIS_PASSWORD: 'geheim' },
      { REDIS_URL: 'redis://a?password=geheim' },
      { REDIS_URL: 'redis+sentinel://:geheim@a' },
      { REDIS_URL: 'redis://a', REDIS_SENTINEL_PASSWORD: 'geheim' },
      { REDIS_URL: 'redis://:geheim@a', REDIS_PASSWORD: 'geheim' },
      { FOREBAY_SEAL_KEYS: 'may:geheim' },
      { FOREBAY_SEAL_KEYS: 'geheim' },
      { FOREBAY_SEAL_KEYS: `may:${key},geheim` },
    ]) {
      expect(() => fromEnvironment(env)).toThrow(expect.objectContaining({ message: expect.not.stringMatching(`geheim|${key}`) }))
    }
  })
})

describe('a profile', () => {
  const options = { service: 'shop' } as const

  it('of production wants to be told that there is no Redis', async () => {
    expect(() => createForebay({ ...options, profile: 'production' })).toThrow(
      "E_OPTION: redis is missing, and profile 'production' must be told; a URL, options or a client of ioredis; say redis: false (FOREBAY_REDIS=false) to go without",
    )
    expect(() => createForebay({ ...options, profile: 'production', redis: '' })).toThrow('redis is ""')
    expect(() => createForebay({ ...options, profile: 'prod' as never })).toThrow("profile is \"prod\"; 'local' or 'development'")
    await createForebay({ ...options, profile: 'production', redis: false }).close()
  })

  it('of production makes each cache say its ttl, those for developers have one', async () => {
    await using production = createForebay({ ...options, profile: 'production', redis: false })
    expect(() => production.cache('books')).toThrow('ttl is missing')
    await using local = createForebay({ ...options, profile: 'local' })
    expect(() => local.cache('books')).not.toThrow()
  })

  it('of production makes keys unreadable in events, unless the options say otherwise', async () => {
    const keysOf = async (more: Partial<ForebayOptions>) => {
      await using forebay = createForebay({ ...options, redis: false, defaults: { ttl: '1m' }, ...more })
      const keys: string[] = []
      forebay.on('miss', (event) => keys.push(event.key))
      await forebay.cache('books').getOrSet('b42', () => 'Dune')
      return keys.join()
    }
    expect(await keysOf({})).toContain('b42')
    expect(await keysOf({ profile: 'development' })).toContain('b42')
    expect(await keysOf({ profile: 'production' })).toMatch(/^[0-9a-f]{12}$/)
    expect(await keysOf({ profile: 'production', redactKeys: false })).toContain('b42')
  })

  it.each([
    [{}, 1],
    [{ profile: 'development' }, 1],
    [{ profile: 'local' }, 0],
    [{ redis: false }, 0],
  ] as const)('%j: %i warnings that there is no Redis', async (more, warnings) => {
    await using forebay = createForebay({ ...options, ...more })
    const told: string[] = []
    forebay.on('warning', ({ text }) => told.push(text))
    await new Promise((turn) => setImmediate(turn))
    expect(told.filter((text) => text.startsWith('redis is not given'))).toHaveLength(warnings)
  })
})

describe('a service that is disabled', () => {
  afterEach(() => vi.unstubAllEnvs())

  async function loadsOfTwoReads(forebay: ReturnType<typeof createForebay>): Promise<number> {
    const books = forebay.cache<string>('books', { ttl: '1h' })
    books.control({ mode: 'on' })
    let loads = 0
    for (let i = 0; i < 2; i++) await books.getOrSet('b42', () => `load ${++loads}`)
    await forebay.close()
    return loads
  }

  it('by the option answers from the origin, whatever the controls of a cache say', async () => {
    expect(await loadsOfTwoReads(createForebay({ service: 'shop', redis: false }))).toBe(1)
    expect(await loadsOfTwoReads(createForebay({ service: 'shop', redis: false, disabled: true }))).toBe(2)
    expect(() => createForebay({ service: 'shop', disabled: 'yes' as never })).toThrow('disabled is "yes"; true or false')
  })

  it('by the variable needs nothing else, and no other variable is read unasked', async () => {
    vi.stubEnv('REDIS_URL', 'redis://nowhere.invalid')
    vi.stubEnv('FOREBAY_SHARDS', 'many')
    vi.stubEnv('FOREBAY_DISABLED', '1')
    expect(await loadsOfTwoReads(createForebay({ service: 'shop', disabled: false }))).toBe(2)
    vi.stubEnv('FOREBAY_DISABLED', 'perhaps')
    expect(() => createForebay({ service: 'shop' })).toThrow('FOREBAY_DISABLED is "perhaps"')
    vi.stubEnv('FOREBAY_DISABLED', 'no')
    expect(await loadsOfTwoReads(createForebay({ service: 'shop' }))).toBe(1)
  })
})
