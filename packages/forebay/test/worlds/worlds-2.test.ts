import { common, rare, worldsAFile, worldsKeepAllPromises } from './every-world.js'

worldsKeepAllPromises(1 + worldsAFile, [...common, ...rare])
