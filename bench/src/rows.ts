import type { Size } from './values.js'

/** One thing that is compared: ours against the better of its floors, and the peers against the same. */
export interface Row {
  readonly name: string
  readonly subject: string
  readonly floors: readonly string[]
  readonly peers: readonly string[]
  /** Least ratio to the floor; `undefined` = measured for information. */
  readonly target: number | undefined
  readonly callers: number
  readonly size: Size
  readonly needsRedis: boolean
}

const redis = { peers: [], target: undefined, size: '200 B', needsRedis: true } as const
const memory = { size: '200 B', callers: 1, needsRedis: false } as const
const reads = ['GET', 'GET, auto-pipelined']

export const rows: readonly Row[] = [
  {
    ...memory,
    name: 'memory-hit',
    subject: 'memory hit',
    floors: ['map'],
    peers: ['bentocache, memory', 'cacheable, memory', 'cache-manager, memory'],
    target: 0.6,
  },
  { ...memory, name: 'memory-peek', subject: 'peek', floors: ['lru-cache'], peers: [], target: 0.8 },
  { ...memory, name: 'memory-hit-shared', subject: 'memory hit, shared', floors: ['map'], peers: [], target: undefined },
  ...(['200 B', '10 kB'] as const).flatMap((size) =>
    ['cloned', 'frozen with a date', 'cloned with a date'].map((how) => ({
      ...memory,
      name: `memory-hit-${how.replaceAll(/ (with )?(a )?/g, '-')}-${size.replace(' ', '')}`,
      subject: `memory hit, ${how}`,
      floors: ['structuredClone'],
      peers: [],
      target: undefined,
      size,
    })),
  ),
  ...[1, 8, 64, 512].map((callers) => ({
    ...redis,
    name: `redis-hit-200B-${callers}`,
    subject: 'redis hit',
    floors: reads,
    peers: callers === 64 ? ['bentocache, redis', 'cacheable, redis', 'cache-manager, redis'] : [],
    target: callers < 64 ? 0.9 : 1.3,
    callers,
  })),
  ...[8, 64].map((callers) => ({
    ...redis,
    name: `redis-hit-10kB-${callers}`,
    subject: 'redis hit',
    floors: reads,
    target: 0.95,
    callers,
    size: '10 kB' as const,
  })),
  // What compression costs and gains here is told against the same cache without it.
  ...['gzip', 'brotli'].flatMap((codec) => [
    {
      ...redis,
      name: `redis-hit-32kB-${codec}-8`,
      subject: `redis hit, ${codec}`,
      floors: ['redis hit'],
      callers: 8,
      size: '32 kB' as const,
    },
    { ...redis, name: `set-32kB-${codec}-8`, subject: `set, ${codec}`, floors: ['set'], callers: 8, size: '32 kB' as const },
  ]),
  ...[1, 8].map((callers) => ({ ...redis, name: `get-many-100-${callers}`, subject: 'get many', floors: ['MGET'], target: 0.9, callers })),
  { ...redis, name: 'miss-many-1000', subject: 'miss many', floors: ['MGET and SET'], callers: 1 },
  ...[1, 64].flatMap((callers) => [
    { ...redis, name: `set-${callers}`, subject: 'set', floors: ['SET'], callers },
    { ...redis, name: `invalidate-${callers}`, subject: 'invalidate', floors: ['DEL'], callers },
    { ...redis, name: `miss-and-fill-${callers}`, subject: 'miss and fill', floors: ['GET and SET'], callers },
  ]),
]
