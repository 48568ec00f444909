import { setTimeout as pause } from 'node:timers/promises'
import type { Change } from './origin.js'
import { sharedMs } from './shared-clock.js'
import type { Act, Side } from './side.js'

/** A write and its times by the shared clock. */
export interface Written {
  readonly key: string
  readonly version: number
  /** When the origin had the new version. */
  readonly changedMs: number
  /** When the write had resolved: from then on this process's own reads see it. */
  readonly resolvedMs: number
  /** When Redis had it: at once, or when what was queued had been sent. `undefined`: not yet. */
  acknowledgedMs: number | undefined
  readonly queued: boolean
  readonly token: string | undefined
}

const lookEveryMs = 2

/** Changes the origin and the cache. `sent` resolves when Redis has it. */
export async function write(side: Side, act: Act, change: () => Promise<Change>): Promise<{ written: Written; sent: Promise<void> }> {
  let changed: Change | undefined
  const { acknowledged, token } = await side.write(act, async () => {
    changed = await change()
    return changed.version
  })
  if (changed === undefined) throw new Error('the origin was not changed')
  const nowMs = sharedMs()
  const written: Written = {
    key: act.key,
    version: changed.version,
    changedMs: changed.atMs,
    resolvedMs: nowMs,
    acknowledgedMs: acknowledged ? nowMs : undefined,
    queued: !acknowledged,
    token,
  }
  return { written, sent: acknowledged ? Promise.resolve() : untilSent(side, written) }
}

async function untilSent(side: Side, written: Written): Promise<void> {
  while (side.unsent() > 0) await pause(lookEveryMs)
  written.acknowledgedMs = sharedMs()
}
