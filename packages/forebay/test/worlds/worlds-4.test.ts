import { common, worldsAFile, worldsKeepAllPromises } from './every-world.js'

worldsKeepAllPromises(1 + 3 * worldsAFile, common)
