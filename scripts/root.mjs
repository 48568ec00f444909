import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository, whatever folder a script is started from. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
