import { checkVariableNames, serviceOptionsFrom } from './config/environment.js'
import { ForebayError } from './core/errors.js'
import { type Environment, Variables } from './core/variables.js'
import type { ForebayOptions } from './create-forebay.js'
import { redisFrom } from './redis/redis-environment.js'
import { systemEnvironment } from './system/environment.js'
import { readSecret } from './system/secret-file.js'

/** Options of `createForebay` of which some may be missing; none is present without a value. */
export type EnvironmentOptions = Omit<ForebayOptions, 'service'> & { readonly service?: string }

/**
 * Options by the variables `REDIS_*` and `FOREBAY_*`, over those that the code gives: `createForebay({ service: 'shop', ...fromEnvironment() })`. What
 * is not set is left out. `defaults` of both are joined. Throws `E_OPTION`, naming the variable, for what cannot be used, for contradictions, and for
 * a `FOREBAY_` variable that there is not.
 */
export function fromEnvironment(environment: Environment = systemEnvironment(), options: Partial<ForebayOptions> = {}): EnvironmentOptions {
  const variables = new Variables(environment)
  checkVariableNames(variables)
  const found = serviceOptionsFrom(variables, options)
  const redis = redisOf(variables)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return { ...given, ...found, ...(redis === undefined ? {} : { redis }) }
}

function redisOf(variables: Variables): ForebayOptions['redis'] {
  const redis = redisFrom(variables, readSecret)
  const wanted = variables.flag('FOREBAY_REDIS')
  if (wanted === false && redis !== undefined)
    throw new ForebayError('E_OPTION', 'FOREBAY_REDIS is "false", and REDIS_URL or REDIS_HOST is set')
  if (wanted === true && redis === undefined)
    throw new ForebayError('E_OPTION', 'FOREBAY_REDIS is "true"; REDIS_URL or REDIS_HOST says where')
  return wanted === false ? false : redis
}
