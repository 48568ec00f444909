import { common, rare, worldsKeepAllPromises } from './every-world.js'

worldsKeepAllPromises(1, [...common, ...rare])
