import { createHash, randomFillSync } from 'node:crypto'
import type { Random } from '../core/clock.js'
import type { Digest } from '../core/key.js'

const idBytes = 6
/** Drawn for many names at once: a call of the source costs more than the rest of a write in memory. */
const drawn = Buffer.alloc(512 * idBytes)
let used = drawn.length

/** Real chance. Names come from the cryptographic source, so that two processes never make the same one. */
export const systemRandom: Random = {
  unit: () => Math.random(),
  id() {
    if (used === drawn.length) {
      randomFillSync(drawn)
      used = 0
    }
    used += idBytes
    return drawn.toString('base64url', used - idBytes, used)
  },
}

export const sha256: Digest = (text) => createHash('sha256').update(text).digest('hex')
