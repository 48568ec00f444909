import type { Clock } from '../core/clock.js'
import type { EntryAddress, FarStore } from '../core/far-store.js'
import { leaseMs } from '../core/plan.js'
import type { Ids } from './parts.js'

/** Keeps a lease alive while its holder works. Once lost it stays lost: what is shown it will be refused. */
export function renewLease(parts: { far: FarStore; clock: Clock; ids: Ids }, at: EntryAddress, token: string): { cancel(): void } {
  const { far, clock, ids } = parts
  let over = false
  const again = (held: boolean): void => {
    if (held && !over) timer = clock.after(leaseMs / 3, renew)
  }
  const renew = (): void => {
    // Not answered: the next renewal comes in time, or the lease is lost.
    far.renew(at, { token, nonce: ids.next(), leaseMs }).then(again, () => again(true))
  }
  let timer = clock.after(leaseMs / 3, renew)
  return {
    cancel() {
      over = true
      timer.cancel()
    },
  }
}
