import { Cluster, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { parseRedisOption, type RedisOption } from './options.js'

const shop = { service: 'shop', shards: undefined }
const parse = (option: RedisOption) => parseRedisOption(option, shop)

describe('the redis option', () => {
  it('is a URL', () => {
    expect(parse('redis://ann:s%40crit@db.example:7000/3')).toMatchObject({
      service: 'shop',
      mode: 'single',
      nodes: [{ host: 'db.example', port: 7000 }],
      credentials: { username: 'ann', password: 's@crit' },
      db: 3,
      tls: false,
    })
    expect(parse('rediss://:p@ss/word@[::1]')).toMatchObject({
      nodes: [{ host: '::1', port: 6379 }],
      credentials: { username: undefined, password: 'p@ss/word' },
      tls: true,
    })
  })

  it('is a URL of a Cluster', () => {
    expect(parse('redis+cluster://:secret@a:7000,b:7001,c')).toMatchObject({
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
        { host: 'c', port: 6379 },
      ],
      credentials: { password: 'secret' },
      tls: false,
    })
  })

  it('is a URL of Sentinels', () => {
    expect(parse('redis+sentinel://ann:secret@s1,s2:5/main/3')).toMatchObject({
      mode: 'single',
      nodes: [],
      sentinel: {
        name: 'main',
        nodes: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 5 },
        ],
        credentials: { username: undefined, password: undefined },
        tls: false,
      },
      credentials: { username: 'ann', password: 'secret' },
      db: 3,
      tls: false,
    })
    expect(parse({ url: 'rediss+sentinel://[::1]:7/my%20name', sentinelPassword: 'p', tls: { servername: 'a' } })).toMatchObject({
      sentinel: { name: 'my name', nodes: [{ host: '::1', port: 7 }], credentials: { password: 'p' }, tls: true },
      tls: { servername: 'a' },
    })
  })

  it('is a URL of a Unix socket', () => {
    expect(parse('unix:///run/redis.sock')).toMatchObject({ path: '/run/redis.sock', nodes: [], sentinel: undefined, tls: false })
    expect(parse({ url: 'unix://ann:s%2Fcret@/run/redis.sock', db: 2 })).toMatchObject({
      path: '/run/redis.sock',
      credentials: { username: 'ann', password: 's/cret' },
      db: 2,
    })
  })

  it('is options for one server, which prevail over a URL in them', () => {
    expect(
      parse({ host: 'a', port: 1, db: 2, password: 'p', tls: { servername: 'a' }, deadline: '300ms', connectTimeout: '2s' }),
    ).toMatchObject({
      nodes: [{ host: 'a', port: 1 }],
      credentials: { username: undefined, password: 'p' },
      db: 2,
      tls: { servername: 'a' },
      deadlines: { connectMs: 2_000, readMs: 300, lookMs: 350, actMs: 600, silentMs: 550 },
    })
    expect(parse({ url: 'redis://ann:old@a/1', password: 'new' })).toMatchObject({
      credentials: { username: 'ann', password: 'new' },
      db: 1,
    })
    expect(parse({ path: '/run/redis.sock' })).toMatchObject({ path: '/run/redis.sock', nodes: [] })
  })

  it('is options for Sentinels or a Cluster', () => {
    expect(parse({ sentinels: [{ host: 's1' }, { host: 's2', port: 5 }], name: 'main', sentinelPassword: 'p' })).toMatchObject({
      mode: 'single',
      nodes: [],
      sentinel: {
        name: 'main',
        nodes: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 5 },
        ],
        credentials: { password: 'p' },
        tls: false,
      },
    })
    expect(parse({ cluster: ['rediss://u:p@a:7000', 'b:7001', { host: 'c' }] })).toMatchObject({
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
        { host: 'c', port: 6379 },
      ],
      credentials: { username: 'u', password: 'p' },
      tls: true,
    })
  })

  it('is a client of ioredis, which is left alone', () => {
    const client = new Redis({ host: 'a', port: 7, db: 4, username: 'u', password: 'p', tls: {}, lazyConnect: true })
    expect(parse(client)).toMatchObject({ nodes: [{ host: 'a', port: 7 }], db: 4, credentials: { username: 'u', password: 'p' }, tls: {} })
    expect(client.status).toBe('wait')
    const watched = new Redis({ sentinels: [{ host: 's', port: 1 }], name: 'main', lazyConnect: true })
    expect(parse(watched)).toMatchObject({ nodes: [], sentinel: { name: 'main', nodes: [{ host: 's', port: 1 }] } })
    const cluster = new Cluster([{ host: 'a', port: 1 }, 'redis://b:2', 7003], { lazyConnect: true, redisOptions: { password: 'p' } })
    expect(parse(cluster)).toMatchObject({
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'localhost', port: 7003 },
      ],
      credentials: { password: 'p' },
    })
    expect(cluster.status).toBe('wait')
  })

  it('refuses a client with a keyPrefix', () => {
    expect(() => parse(new Redis({ keyPrefix: 'app:', lazyConnect: true }))).toThrow(/E_OPTION: .*keyPrefix/)
    expect(() => parse(new Cluster(['redis://a'], { redisOptions: { keyPrefix: 'app:' }, lazyConnect: true }))).toThrow(/keyPrefix/)
  })

  it.each([
    ['an empty text', '', /redis.url is ""/],
    ['another protocol', 'http://a', /redis is "http:\/\/a"/],
    ['several hosts without +cluster', 'redis://a,b', /redis is/],
    ['a bad port', 'redis://a:99999', /redis\.port is 99999/],
    ['nothing', {}, /redis names no server/],
    ['an unknown name', { hots: 'a' }, /redis\.hots is no option/],
    ['a password that is no text', { host: 'a', password: 12345 }, /redis\.password is no text$/],
    ['a user that is no text', { cluster: ['a'], username: null }, /redis\.username is no text$/],
    [
      "the Sentinels' password as a number",
      { sentinels: [{ host: 'a' }], name: 'main', sentinelPassword: 1 },
      /redis\.sentinelPassword is no text$/,
    ],
    [
      'an unknown name in a node of a Cluster',
      { cluster: [{ host: 'a', prt: 1 }] },
      /redis\.cluster\.prt is no option; there are host, port/,
    ],
    ['an unknown name in a Sentinel', { sentinels: [{ host: 'a', prt: 1 }], name: 'main' }, /redis\.sentinels\.prt is no option/],
    [
      'a Sentinel as a text',
      { sentinels: ['redis://:pw@a:1'], name: 'main' },
      /redis\.sentinels is "redis:\/\/\*\*\*@a:1"; \{ host, port \} of each/,
    ],
    ['an empty Cluster', { cluster: [] }, /redis\.cluster is an array/],
    ['Sentinels in a URL without a name', 'redis+sentinel://a:1', /redis is "redis\+sentinel:\/\/a:1"; .*name-of-the-server/],
    ['Sentinels in a URL and others beside it', { url: 'redis+sentinel://a/main', name: 'b' }, /redis\.name is given, and redis\.url/],
    ['a socket in a URL and a host beside it', { url: 'unix:///a', host: 'b' }, /redis\.host is given, and redis\.url/],
    ['a socket without a path', 'unix://a', /redis is "unix:\/\/a"/],
    ['a query', 'redis://a/0?protocol=3', /without a query/],
    ['Sentinels in the place of a Cluster', { cluster: ['redis+sentinel://a/main'] }, /redis\.cluster is/],
    ['a Cluster with a database', 'redis+cluster://a/1', /redis\.cluster is/],
    ['Sentinels without a name', { sentinels: [{ host: 'a' }] }, /redis\.name is undefined/],
    [
      'Sentinels and a host beside them',
      { sentinels: [{ host: 'a' }], name: 'main', host: 'b' },
      /redis\.host is given, and redis\.sentinels/,
    ],
    ['a socket and a port beside it', { path: '/a', port: 1 }, /redis\.port is given, and redis\.path/],
    ['a name without Sentinels', { host: 'a', name: 'main' }, /redis\.name is given, and redis names no Sentinels/],
    ["the Sentinels' user without them", { host: 'a', sentinelUsername: 'u' }, /redis\.sentinelUsername is given/],
    ['a bad port in a Cluster', { cluster: ['a:99999'] }, /redis\.cluster\.port is 99999/],
    ['a bad port in the URL of a Cluster', 'redis+cluster://a:99999', /redis\.cluster\.port is 99999/],
    ['a database below zero', { host: 'a', db: -1 }, /redis\.db is -1/],
    ['a strange deadline', { host: 'a', deadline: '1 minute' }, /redis\.deadline is "1 minute"/],
    ['a number', 6379, /redis is 6379/],
  ] as const)('refuses %s', (_, option, message) => {
    expect(() => parse(option as RedisOption)).toThrow(message)
    expect(() => parse(option as RedisOption)).toThrow(/^E_OPTION: /)
  })

  it('never shows a password', () => {
    const wrong = [
      'redis://u:secret@a:b:c',
      'http://u:secret@a',
      'redis://u:secret@a,b',
      'redis+sentinel://u:secret@a',
      'unix://u:secret@a',
      'redis://a?password=secret',
    ]
    for (const url of wrong) {
      expect(() => parse(url)).toThrow(/\*\*\*/)
      expect(() => parse(url)).not.toThrow(/secret/)
    }
  })

  it.each([
    'u:secret@a:6379',
    'redis:/u:secret@a',
    { cluster: ['u:secret@a:6379'] },
    { cluster: ['secret@a:6379'] },
    { host: 'redis://u:secret@a:6379' },
    { host: 'secret@a' },
    { sentinels: [{ host: 'redis://u:secret@a' }], name: 'main' },
  ])('never shows a password that stands in the wrong place: %j', (option) => {
    expect(() => parse(option)).toThrow(/^E_OPTION: .*\*\*\*/)
    expect(() => parse(option)).not.toThrow(/secret/)
  })

  it('says whether replicas are read, and how', () => {
    expect(parse('redis://a').replicas).toBeUndefined()
    expect(parse({ url: 'redis://a', replicas: { reads: 'hedge' } }).replicas).toEqual({
      reads: 'hedge',
      nodes: [],
      hedgeAfterMs: undefined,
      budget: 0.05,
    })
    expect(
      parse({ host: 'a', replicas: { reads: 'prefer', nodes: ['b', 'c:7', { host: 'd' }], hedgeAfter: '30ms', budget: 1 } }).replicas,
    ).toEqual({
      reads: 'prefer',
      nodes: [
        { host: 'b', port: 6379 },
        { host: 'c', port: 7 },
        { host: 'd', port: 6379 },
      ],
      hedgeAfterMs: 30,
      budget: 1,
    })
    expect(parse({ cluster: ['a'], replicas: { reads: 'prefer' } }).replicas).toMatchObject({ reads: 'prefer', nodes: [] })
  })

  it.each([
    [{ reads: 'always' }, 'redis.replicas.reads is "always"'],
    [{}, 'redis.replicas.reads is undefined'],
    ['hedge', 'redis.replicas is "hedge"'],
    [{ reads: 'hedge', budget: 0 }, 'redis.replicas.budget is 0'],
    [{ reads: 'hedge', budget: 2 }, 'redis.replicas.budget is 2'],
    [{ reads: 'hedge', hedgeAfter: 'soon' }, 'redis.replicas.hedgeAfter'],
    [{ reads: 'hedge', nodes: 'a' }, 'redis.replicas.nodes is "a"'],
    [{ reads: 'hedge', nodes: ['redis://u:p@a'] }, 'redis.replicas.nodes is "redis://***@a"'],
    [{ reads: 'hedge', nodes: ['a:99999'] }, 'redis.replicas.nodes.port is 99999'],
    [{ reads: 'hedge', node: 'a' }, 'redis.replicas.node is no option'],
    [{ reads: 'hedge', nodes: [{ hots: 'a' }] }, 'redis.replicas.nodes.hots is no option'],
  ])('refuses %j for replicas', (replicas, message) => {
    expect(() => parse({ host: 'a', replicas } as unknown as RedisOption)).toThrow(message)
  })

  it('takes the replicas of a Cluster from its map alone', () => {
    expect(() => parse({ cluster: ['a'], replicas: { reads: 'hedge', nodes: ['b'] } })).toThrow('redis.replicas.nodes is given')
  })
})
