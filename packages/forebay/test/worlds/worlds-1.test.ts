import { worldsKeepAllPromises } from './every-world.js'

worldsKeepAllPromises(1)
