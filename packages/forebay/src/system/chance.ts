import { createHash, randomBytes } from 'node:crypto'
import type { Random } from '../core/clock.js'
import type { Digest } from '../core/key.js'

/** Real chance. Names come from the cryptographic source, so that two processes never make the same one. */
export const systemRandom: Random = {
  unit: () => Math.random(),
  id: () => randomBytes(6).toString('base64url'),
}

export const sha256: Digest = (text) => createHash('sha256').update(text).digest('hex')
