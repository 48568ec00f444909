import { fileURLToPath } from 'node:url'

export interface ShopConfig {
  readonly port: number
  readonly host: string
  /** Without it everything is cached in this process alone. */
  readonly redisUrl: string | undefined
  readonly dataDir: string
}

/** A setting that cannot be used; the message is for the person who starts the shop. */
export class ConfigError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>

/** The shop's settings from the environment. Throws a `ConfigError` that names the variable. */
export function readConfig(env: Environment): ShopConfig {
  return {
    port: readPort(env.PORT ?? '3000'),
    host: required('HOST', env.HOST ?? '127.0.0.1'),
    redisUrl: env.REDIS_URL === undefined ? undefined : readRedisUrl(env.REDIS_URL),
    dataDir: required('DATA_DIR', env.DATA_DIR ?? fileURLToPath(new URL('../data', import.meta.url))),
  }
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new ConfigError(`PORT must be a number from 0 to 65535, not "${text}".`)
  return Number(text)
}

function required(name: string, text: string): string {
  if (text.trim() === '') throw new ConfigError(`${name} is set but empty. Unset it to use the default.`)
  return text
}

function readRedisUrl(text: string): string {
  const example = 'such as redis://127.0.0.1:6379'
  if (text.trim() === '') throw new ConfigError(`REDIS_URL is set but empty. Unset it to do without Redis, or give a URL ${example}.`)
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw new ConfigError(`REDIS_URL must be a redis:// or rediss:// URL ${example}.`)
  return text
}
