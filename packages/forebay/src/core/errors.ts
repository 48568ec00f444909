/**
 * The one table of errors: what happened, why, and what to do. `docs/guide/errors.md` shows the same table; a test compares them.
 */
export const errorTable = {
  E_OPTION: {
    what: 'An option has a value that cannot be used.',
    why: 'A duration, number, name or combination of options is out of range, misspelt or contradictory.',
    todo: 'The message names the option and the value; correct it where the cache is created.',
  },
  E_KEY: {
    what: 'A key cannot be used.',
    why: 'Keys are strings, finite numbers, or arrays and plain objects of strings, numbers, booleans and null.',
    todo: 'Pass the identifying fields instead of an instance, a function, undefined or NaN.',
  },
  E_TAG: {
    what: 'A tag cannot be used.',
    why: 'Tags are non-empty strings of at most 256 characters, at most 64 to an entry.',
    todo: 'Use short tags such as `author:7`; build them with `tag()` where input comes from users.',
  },
  E_PATTERN: {
    what: 'A pattern cannot be used.',
    why: 'Patterns are made by the pattern template, with at most 16 gaps and 512 characters; the values in it are strings or finite numbers.',
    todo: 'Use the template and let it take the values in, so that what comes from users stays data.',
  },
  E_VALUE_UNSUPPORTED: {
    what: 'A value cannot be cached as it is.',
    why: 'It holds what would not come back from Redis the same: an instance of a class, a function or a symbol; or it is nested deeper than 200 levels.',
    todo: 'Give createForebay a codec for the class (the message names the path), return data from the loader, or wrap the result in doNotStore().',
  },
  E_VALUE_TOO_LARGE: {
    what: 'A value is larger than the cache accepts.',
    why: 'Its encoded form is longer than maxValueBytes.',
    todo: 'Cache less, raise maxValueBytes, or wrap the result in doNotStore().',
  },
  E_VALUE_SCHEMA: {
    what: 'A value does not fit the schema of its cache.',
    why: 'The loader returned, or set() was given, something else than the schema describes; or the schema is asynchronous, or alters its own results.',
    todo: 'Correct the value or the schema (the message names the place), or wrap the result in doNotStore().',
  },
  E_TOKEN: {
    what: 'A read-your-writes token cannot be read.',
    why: 'It was truncated, altered, or made by another service.',
    todo: 'Pass on the token of a write unchanged; drop it where it cannot be trusted.',
  },
  E_CHANGE: {
    what: 'A change from upstream cannot be turned into invalidations.',
    why: 'map() threw, gave something that is no list of invalidations, or named a cache that has not been created.',
    todo: 'Correct map(), or create the cache before followChanges(). The change was handed to onError and parked: deliver it again.',
  },
  E_LOAD_TIMEOUT: {
    what: 'A loader did not answer within its hard timeout.',
    why: 'The origin is slow or hangs; a result that comes later is not stored.',
    todo: 'Let the loader obey its signal; raise hardTimeout if such loads are normal; allow staleIfError. See that it does not wait for its own key.',
  },
  E_LOAD_RECURSIVE: {
    what: 'A loader waits for itself.',
    why: 'It asks the cache for the key that it loads, directly or by way of other keys whose loaders ask for it.',
    todo: 'Let the loader ask the origin, and the cache for other keys only; what both need goes into a function of its own.',
  },
  E_OVERLOADED: {
    what: 'Too many loads at once.',
    why: 'As many loads of this cache as allowed run, and the queue before them is full, or no place became free within the hard timeout.',
    todo: 'The origin is too slow for what is asked: shed load, allow staleIfError, or raise loads.max where the origin bears it.',
  },
  E_NOT_MODIFIED: {
    what: 'A loader said that its value has not changed, but there is no previous value.',
    why: 'It returned notModified() though its context had no `previous`: nothing was cached, or it was invalidated.',
    todo: 'Ask the origin conditionally only where `previous` and `validator` are given.',
  },
  E_CLOSED: {
    what: 'The cache is closed.',
    why: 'close() was called.',
    todo: 'Close the cache after the last request has been answered.',
  },
  E_REDIS_CLIENT_MISSING: {
    what: 'The Redis client cannot be loaded.',
    why: 'ioredis is an optional peer dependency and is not installed, or is of an unsupported version.',
    todo: 'npm install ioredis (5.4 or newer, or 6), or create the cache without redis.',
  },
  E_REDIS_AWAY: {
    what: 'There is no usable link to Redis.',
    why: 'Not connected yet, disconnected, or invalidations of this process still wait to be sent. Callers are served without Redis.',
    todo: 'Nothing in the application; see why Redis cannot be reached.',
  },
  E_REDIS_DEADLINE: {
    what: 'Redis did not answer in time.',
    why: 'The server or the network is slow or frozen. Callers are served without it.',
    todo: 'Nothing in the application; look at the server. Raise the deadline only if the network is known to be this slow.',
  },
  E_REDIS_SHED: {
    what: 'A read was not sent to Redis, because too many are under way.',
    why: 'The server or the network answers slowly, and as many reads as it bears now, or `redis.maxInFlight`, wait for an answer already. Callers are served without it.',
    todo: 'Nothing in the application; look at the server and the line, and at the size of the values. `stats().redis` has the limit and the times.',
  },
  E_REDIS_REFUSED: {
    what: 'Redis refused a command.',
    why: 'It is a replica, loading, out of memory, in a failing cluster, or the user lacks a permission; the message has its words.',
    todo: 'See what the guide says about the word (redis-errors.md): mostly the URL leads to no primary, or the user lacks a command.',
  },
  E_REDIS_SHARDS: {
    what: 'This process is configured with another number of shards than the service uses.',
    why: 'The number is stored in Redis by the first process of a service, and all must share it.',
    todo: 'Leave the option out to adopt the stored number, or use another service name.',
  },
  E_REDIS_REPLY: {
    what: 'Redis answered something that cannot be understood.',
    why: 'Another program writes to the keys of this service, or something between alters the answers.',
    todo: 'Give the service a name of its own; see what else uses this database.',
  },
} as const satisfies Record<`E_${string}`, { readonly what: string; readonly why: string; readonly todo: string }>

/** Code of an error made by Forebay. */
export type ErrorCode = keyof typeof errorTable

/** Every error that Forebay itself makes. A loader's own error is passed on as it is. */
export class ForebayError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options)
    this.name = 'ForebayError'
    this.code = code
  }
}

/** Whether an error says that Redis could not do its part: callers are then served without it. */
export function isAway(error: unknown): error is ForebayError {
  return error instanceof ForebayError && error.code.startsWith('E_REDIS_')
}

/** Whether an error says that the caller asked for something impossible: it is never answered with an old value instead. */
export function isMisuse(error: unknown): error is ForebayError {
  return error instanceof ForebayError && /^E_(OPTION|KEY|TAG|PATTERN|VALUE|NOT_MODIFIED|LOAD_RECURSIVE)/.test(error.code)
}
