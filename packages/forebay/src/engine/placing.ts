import type { Clock } from '../core/clock.js'
import { endlessMs } from '../core/envelope.js'
import type { EntryAddress, FarStore, StoredValue } from '../core/far-store.js'
import { type CachePlan, isHotOnly, unlimitedMs } from '../core/plan.js'
import type { ShardView } from '../core/shard-view.js'
import { hasValidator } from '../core/validator.js'
import type { Near } from './near.js'
import type { Payloads } from './payloads.js'
import { heldFrom, type Storable } from './storable.js'

export interface PlacingParts {
  readonly far: Pick<FarStore, 'alone'>
  readonly near: Near
  readonly payloads: Payloads
  readonly clock: Clock
}

/**
 * Where a value is kept: in the far store and in memory; or, where there is one process only, in memory alone, since twice would cost twice
 * and give nothing. What memory cannot do by itself stays in both: it has no old values for a load to fall back on or to ask with, no
 * versions, and none of what it must forget before its time. Memory takes it in the act that stores it, so that it always stands as the
 * store does, whatever else is under way (docs/decisions/0023).
 */
export class Placing {
  readonly #parts: PlacingParts
  /** Memory can answer by itself for what a value of this cache may need. */
  readonly #suffices: boolean

  constructor(plan: CachePlan, parts: PlacingParts) {
    this.#parts = parts
    this.#suffices = suffices(plan)
  }

  /** A value as it goes to the far store; a promise only where its compression is left to the thread pool. */
  pack(at: EntryAddress, shard: ShardView, found: Storable): StoredValue | Promise<StoredValue> {
    const { far, near, payloads, clock } = this.#parts
    if (!far.alone) return payloads.pack(at, found.stored)
    const { stored, bytes } = found
    const elsewhere = this.#suffices && isPlain(stored) && near.fits(at.key, bytes)
    const ownMs = elsewhere ? stored.extendMs || endlessMs : 0
    const onStored = () => near.keepNow(at.key, shard, heldFrom(found, clock.now()), ownMs)
    if (elsewhere) return { onStored, elsewhere, ...stored }
    const told = (packed: StoredValue): StoredValue => ({ onStored, ...packed })
    const packed = payloads.pack(at, stored)
    return packed instanceof Promise ? packed.then(told) : told(packed)
  }
}

function suffices(plan: CachePlan): boolean {
  const { memory, sliding, earlyBeta, softTimeoutMs, keepMs, seal } = plan
  const keepsAll = memory !== undefined && memory.ttlMs === unlimitedMs && !isHotOnly(plan)
  return keepsAll && sliding === undefined && earlyBeta === 0 && softTimeoutMs === 0 && keepMs === 0 && seal === undefined
}

/** Its life is its ttl, which `extend` may begin anew, and there is nothing else to be known of it. */
function isPlain({ codec, freshMs, extendMs, staleMs, errorMs, version }: StoredValue): boolean {
  const isExtendable = extendMs > 0 || freshMs >= endlessMs
  return isExtendable && staleMs === 0 && errorMs === 0 && version === 0 && !hasValidator(codec)
}
