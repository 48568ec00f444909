import process from 'node:process'
import type { Environment } from '../core/variables.js'

/** The variables of this process, as they are now. */
export function systemEnvironment(): Environment {
  return process.env
}
