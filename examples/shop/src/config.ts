import { fileURLToPath } from 'node:url'
import { type EnvironmentOptions, fromEnvironment } from 'forebay'

export interface ShopConfig {
  readonly port: number
  readonly host: string
  /** Where Redis is, and the defaults of the caches. Without Redis everything is cached in this process alone. */
  readonly cache: EnvironmentOptions
  readonly dataDir: string
  /** How long the shop goes on after it was told to end, so that whoever balances load can notice. */
  readonly drainMs: number
  /** Whoever shows it may use the admin routes; without it there are none. */
  readonly adminToken: string | undefined
}

/** A setting that cannot be used; the message is for the person who starts the shop. */
export class ConfigError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>

/** The shop's settings from the environment. Throws a `ConfigError`, or an error of Forebay's, that names the variable. */
export function readConfig(env: Environment): ShopConfig {
  return {
    port: readPort(env.PORT ?? '3000'),
    host: required('HOST', env.HOST ?? '127.0.0.1'),
    cache: fromEnvironment(env),
    dataDir: required('DATA_DIR', env.DATA_DIR ?? fileURLToPath(new URL('../data', import.meta.url))),
    drainMs: readDrain(env.DRAIN_SECONDS ?? '0'),
    adminToken: env.ADMIN_TOKEN === undefined ? undefined : readAdminToken(env.ADMIN_TOKEN),
  }
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new ConfigError(`PORT must be a number from 0 to 65535, not "${text}".`)
  return Number(text)
}

function readDrain(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new ConfigError(`DRAIN_SECONDS must be a whole number from 0 to 999, not "${text}".`)
  return Number(text) * 1_000
}

function required(name: string, text: string): string {
  if (text.trim() === '') throw new ConfigError(`${name} is set but empty. Unset it to use the default.`)
  return text
}

/** Lets a file called `.env` in the current folder set what the shell does not. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile('.env')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

/** Where Redis is, for a person to read: without its password. `undefined` where there is none. */
export function placeOfRedis({ redis }: EnvironmentOptions): string | undefined {
  if (typeof redis !== 'object') return undefined
  if ('cluster' in redis) return hostsOf(String(redis.cluster[0]))
  return 'url' in redis && redis.url !== undefined ? hostsOf(redis.url) : 'host' in redis ? `${redis.host}:${redis.port}` : undefined
}

function hostsOf(url: string): string {
  return /\/\/(?:.*@)?([^/]+)/s.exec(url)?.[1] ?? 'an unknown place'
}

function readAdminToken(text: string): string {
  if (!/^\S{16,}$/.test(text))
    throw new ConfigError('ADMIN_TOKEN must be at least 16 characters without spaces. Unset it to keep the admin routes closed.')
  return text
}
