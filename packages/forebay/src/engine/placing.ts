import type { EntryAddress, FarStore, StoredValue } from '../core/far-store.js'
import { type CachePlan, isHotOnly } from '../core/plan.js'
import { hasValidator } from '../core/validator.js'
import type { Near } from './near.js'
import type { Payloads } from './payloads.js'
import type { Storable } from './storable.js'

export interface PlacingParts {
  readonly far: Pick<FarStore, 'alone'>
  readonly near: Near
  readonly payloads: Payloads
}

/**
 * Where a value is kept: in the far store and in memory; or, where there is one process only, in memory alone, since twice would cost twice
 * and give nothing. What memory cannot do by itself stays in both: it has no old values for a load to fall back on or to ask with, no
 * versions, and none of what it must forget before its time.
 */
export class Placing {
  readonly #parts: PlacingParts
  /** The longest life that memory can answer for by itself; 0 = none. */
  readonly #aloneMs: number

  constructor(plan: CachePlan, parts: PlacingParts) {
    this.#parts = parts
    this.#aloneMs = parts.far.alone ? longestAlone(plan) : 0
  }

  /** A value as it goes to the far store; a promise only where its compression is left to the thread pool. */
  pack(at: EntryAddress, { stored, bytes }: Storable): StoredValue | Promise<StoredValue> {
    const { near, payloads } = this.#parts
    const elsewhere = stored.freshMs <= this.#aloneMs && isPlain(stored) && near.fits(at.key, bytes)
    return elsewhere ? { elsewhere, ...stored } : payloads.pack(at, stored)
  }
}

function longestAlone(plan: CachePlan): number {
  const { memory, sliding, earlyBeta, softTimeoutMs, keepMs, seal } = plan
  if (memory === undefined || isHotOnly(plan)) return 0
  return sliding === undefined && earlyBeta === 0 && softTimeoutMs === 0 && keepMs === 0 && seal === undefined ? memory.ttlMs : 0
}

/** Its life is its ttl, and there is nothing else to be known of it. */
function isPlain({ codec, staleMs, errorMs, version }: StoredValue): boolean {
  return staleMs === 0 && errorMs === 0 && version === 0 && !hasValidator(codec)
}
