import { common, worldsAFile, worldsKeepAllPromises } from './every-world.js'

worldsKeepAllPromises(1 + 2 * worldsAFile, common)
